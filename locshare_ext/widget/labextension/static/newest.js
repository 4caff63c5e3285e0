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
  limit: Float64Array, // ms beyond which a pause is a gap, as of when its track was last looked at
  heading: Float32Array, // as it was said with the fix, NaN: it was not
  heard: Float64Array, // ms, when the member was last heard of; 0: unknown
};

export class Newest {
  constructor() { this.#allot(0); }

  /** Make room for so many members, whose pauses are gaps from `limit` ms on until more is known. */
  reserve(members, limit) {
    const size = this.counts.length;
    if (members <= size) return;
    const before = { ...this };
    this.#allot(Math.max(members, 2 * size));
    this.limit.fill(limit, size);
    for (const name of Object.keys(COLUMNS)) this[name].set(before[name]);
  }

  /** Note that a member has a fix that is no older than the one that is here. */
  add(id, key, time, x, y, heading) {
    const count = this.counts[id]++;
    if (count === 0) this.#begin(id, x, y);
    this.beforeKey[id] = count > 0 && key - this.key[id] <= this.limit[id] ? this.key[id] : NaN;
    this.beforeX[id] = this.x[id];
    this.beforeY[id] = this.y[id];
    this.key[id] = key;
    this.time[id] = time;
    this.x[id] = x;
    this.y[id] = y;
    this.heading[id] = heading;
    if (count > 0) this.reach(id, x, y);
  }

  /** Note when a member was heard of. */
  hear(id, moment) {
    if (moment > this.heard[id]) this.heard[id] = moment;
  }

  /** Note that a track is another than it was, but for places that `reach` was told of. */
  refresh(id, track) {
    const last = track.count - 1;
    if (this.counts[id] === 0) this.#begin(id, track.x[last], track.y[last]);
    this.counts[id] = last + 1;
    this.key[id] = track.key[last];
    this.time[id] = track.timeAt(last);
    this.x[id] = track.x[last];
    this.y[id] = track.y[last];
    this.heading[id] = track.number('heading', last);
    this.limit[id] = track.limit;
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
}
