// Which colour what has: an index for each piece of a trail, and a palette to look it up in.

import { packed } from './picture.js';

const UNKNOWN = '#777777';

/** Each member in a colour of its own. */
export class MemberPaint {
  /** colors: `#rrggbb` by member; paper: of the ground, as `#rrggbb`. */
  constructor(colors, paper) {
    this.version = 'member'; // changes when trails have to be drawn anew
    this.colors = colors;
    this.palette = Uint32Array.from(colors, color => packed(color ?? UNKNOWN));
    this.paper = packed(paper);
  }

  indexAt(id) { return id; }

  /** Return a head's colour as in the palette. */
  colorOf(id) { return this.palette[id]; }

  /** Return a head's colour for a canvas. */
  styleOf(id) { return this.colors[id] ?? UNKNOWN; }
}
