// Which colour what has: an index for each piece of a trail, and a palette to look it up in.

import { packed } from './picture.js';
import { NONE } from './display.js';
import { STEPS, UNKNOWN, categoryColors, ramp, stepOf } from './ramp.js';

/** Return the paint that options ask for: {colors, colorBy, range, categories, ground, paper}. */
export function paintFor({ colors, colorBy, range, categories, ground, paper }) {
  if (categories?.[colorBy] !== undefined) return new CategoryPaint(colorBy, ground, paper);
  if (colorBy === 'age') return new AgePaint(colors.length, range, ground, paper);
  if (colorBy !== 'member') return new ValuePaint(colorBy, range, ground, paper);
  return new MemberPaint(colors, paper);
}

/** Each member in a colour of its own. */
export class MemberPaint {
  /** colors: `#rrggbb` by member; paper: of the ground, as `#rrggbb`. */
  constructor(colors, paper) {
    this.version = 'member'; // changes when trails have to be drawn anew
    this.colors = colors;
    this.palette = Uint32Array.from(colors, color => packed(color ?? UNKNOWN));
    this.paper = packed(paper);
  }

  /** Set what hangs on the moment; called before each frame. */
  update() {}

  /** Return the palette's index for the piece of a trail that ends at a fix. */
  indexAt(id) { return id; }

  /** Return a head's colour as in the palette. */
  colorOf(id) { return this.palette[id]; }

  /** Return a head's colour for a canvas. */
  styleOf(id) { return this.colors[id] ?? UNKNOWN; }
}

/** Each fix by a number that it has. */
export class ValuePaint {
  /** name: of the number; range: [lowest, highest] of the colours. */
  constructor(name, range, ground, paper) {
    this.version = `${name} ${range}`;
    this.name = name;
    this.range = range;
    this.colors = ramp(ground);
    this.palette = Uint32Array.from(this.colors, packed);
    this.paper = packed(paper);
  }

  update() {}

  indexAt(id, store, index) { return stepOf(store.number(id, this.name, index), this.range); }

  colorOf(id, store, display) { return this.palette[this.indexAt(id, store, display.index[id])]; }

  styleOf(id, store, display) { return this.colors[this.indexAt(id, store, display.index[id])]; }
}

/** Each fix by a text that it has. */
export class CategoryPaint extends ValuePaint {
  constructor(name, ground, paper) {
    super(name, null, ground, paper);
    this.version = `text ${name}`;
    this.colors = categoryColors(ground);
    this.palette = Uint32Array.from(this.colors, packed);
  }

  indexAt(id, store, index) {
    const number = store.number(id, this.name, index);
    if (!Number.isFinite(number)) return this.colors.length - 1;
    return Math.min(number, this.colors.length - 2);
  }
}

/** Each member by how old its position is: trails are its own, their colours are of the moment. */
export class AgePaint {
  constructor(count, range, ground, paper) {
    this.version = 'member';
    this.range = range;
    this.colors = ramp(ground);
    this.steps = Uint32Array.from(this.colors, packed);
    this.palette = new Uint32Array(count).fill(this.steps[STEPS]);
    this.own = new Uint8Array(count).fill(STEPS);
    this.changes = 0; // of the palette
    this.paper = packed(paper);
  }

  update(store, display, reference) {
    for (let id = 0; id < Math.min(display.count, this.own.length); id++) {
      if (display.state[id] === NONE) continue;
      const age = (reference - display.indexKey[id]) / 1000;
      const step = stepOf(age, this.range);
      if (step === this.own[id]) continue;
      this.own[id] = step;
      this.palette[id] = this.steps[step];
      this.changes++; // the picture has to be made anew
    }
  }

  indexAt(id) { return id; }

  colorOf(id) { return this.palette[id]; }

  styleOf(id) { return this.colors[this.own[id] ?? STEPS]; }
}
