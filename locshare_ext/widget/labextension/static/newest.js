// The newest fix of each member, side by side: very many are looked at in each frame, and each member's own
// fixes are far from the others' in memory. And the part of the world in which all of a member's fixes lie.

import { WIDE } from './blocks.js';

const COLUMNS = {
  counts: Uint32Array, // of fixes, 0: nothing is known here
  key: Float64Array, // effective time, ms
  time: Float64Array, // ms
  x: Uint32Array,
  y: Uint32Array,
  beforeKey: Float64Array, // of the fix before it, NaN without one or after a gap
  beforeX: Uint32Array,
  beforeY: Uint32Array,
  west: Uint32Array, // the box around all, as in Blocks
  width: Uint32Array,
  north: Uint32Array,
  south: Uint32Array,
};

export class Newest {
  constructor() { this.#allot(64); }

  /** Note that a fix was added at a track's end. */
  add(id, track) {
    const last = track.count - 1;
    if (id >= this.counts.length) this.#grow(id + 1);
    if (last === 0) this.#begin(id, track.x[0], track.y[0]);
    this.beforeKey[id] = last > 0 && this.counts[id] === last ? this.key[id] : NaN;
    this.beforeX[id] = this.x[id];
    this.beforeY[id] = this.y[id];
    const key = track.key[last];
    if (key - this.beforeKey[id] > track.limit) this.beforeKey[id] = NaN;
    this.counts[id] = last + 1;
    this.key[id] = key;
    this.time[id] = track.time === null ? key : track.time[last];
    this.x[id] = track.x[last];
    this.y[id] = track.y[last];
    this.reach(id, this.x[id], this.y[id]);
  }

  /** Note that a track is another than it was, but for places that `reach` was told of. */
  refresh(id, track) {
    const last = track.count - 1;
    if (id >= this.counts.length) this.#grow(id + 1);
    if (this.counts[id] === 0) this.#begin(id, track.x[last], track.y[last]);
    this.counts[id] = last + 1;
    this.key[id] = track.key[last];
    this.time[id] = track.timeAt(last);
    this.x[id] = track.x[last];
    this.y[id] = track.y[last];
    this.beforeKey[id] = NaN; // whoever wants it looks at the track
  }

  /** Make the box of a member (who has one) large enough for a place. */
  reach(id, x, y) {
    if (y < this.north[id]) this.north[id] = y;
    if (y > this.south[id]) this.south[id] = y;
    const width = this.width[id];
    if (width === WIDE || ((x - this.west[id]) >>> 0) <= width) return;
    const offset = (x - this.west[id]) | 0;
    if (offset < 0) this.west[id] = x;
    const wide = offset < 0 ? width - offset : offset;
    this.width[id] = wide < 2 ** 31 ? wide : WIDE;
  }

  #begin(id, x, y) {
    this.west[id] = x;
    this.width[id] = 0;
    this.north[id] = this.south[id] = y;
  }

  #allot(size) {
    for (const [name, Kind] of Object.entries(COLUMNS)) this[name] = new Kind(size);
  }

  #grow(size) {
    const before = { ...this };
    this.#allot(Math.max(size, 2 * this.counts.length));
    for (const name of Object.keys(COLUMNS)) this[name].set(before[name]);
  }
}
