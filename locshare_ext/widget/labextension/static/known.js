// What was known at a moment: of the fixes of a store those that had arrived by then. It looks to the renderer
// like a store of its own, as the live map was then: a backlog is not there before it came.

import { Store } from './store.js';
import { Track } from './track.js';

export class KnownStore extends Store {
  /** all: the store of all fixes, which goes on growing. */
  constructor(all) {
    super();
    this.all = all;
    this.revision = '';
  }

  clear() {
    super.clear();
    this.revision = '';
  }

  /** What a member's fixes lie in: all of them, which is no less than those known. */
  get boxes() { return this.all.boxes; }

  /** Hold what had arrived until a moment; of what is older than `from` only what is needed. Both in ms. */
  until(moment, from) {
    let late = 0;
    this.size = this.all.size;
    for (const id of this.all.tracks.keys()) {
      const track = this.#track(id);
      if (!track) continue;
      track.until(moment, from);
      late += track.late;
    }
    // arrivals behind newer ones change trails that are drawn; the sum says how many of them are known
    this.revision = `${this.all.revision} ${late}`;
    return this;
  }

  /** Return {oldest, newest} of the moments at which fixes arrived, ms. */
  reach() {
    const reach = { oldest: Infinity, newest: -Infinity };
    for (const track of this.#all()) {
      reach.oldest = Math.min(reach.oldest, track.arrivals.oldest);
      reach.newest = Math.max(reach.newest, track.arrivals.newest);
    }
    return reach;
  }

  /** As `Store.density`, by when fixes arrived. */
  density(from, to, bins) {
    const counts = new Uint32Array(bins);
    const scale = bins / (to - from);
    let gap = Infinity;
    for (const { base, arrivals } of this.#all()) {
      gap = Math.min(gap, base.limit);
      for (let k = arrivals.isOrdered ? arrivals.count(from - 1) : 0; k < base.count; k++) {
        const at = base.receivedAt(k);
        if (at >= from && at < to) counts[Math.min(bins - 1, Math.floor((at - from) * scale))]++;
        else if (at >= to && arrivals.isOrdered) break;
      }
    }
    return { counts, gap: Math.min(gap, to - from) };
  }

  /** As `Store.step`, by when fixes arrived. */
  step(moment, direction) {
    let best = null;
    for (const { base, arrivals } of this.#all()) {
      const { isOrdered } = arrivals;
      const next = direction > 0 ? arrivals.count(moment) : arrivals.count(moment - 1) - 1;
      for (let k = isOrdered ? next : 0; k >= 0 && k < base.count; k++) {
        const at = base.receivedAt(k);
        const isBeyond = direction > 0 ? at > moment : at < moment;
        if (isBeyond && (best === null || (direction > 0 ? at < best : at > best))) best = at;
        if (isOrdered) break;
      }
    }
    return best;
  }

  #track(id) {
    const base = this.all.track(id);
    if (!base) return undefined;
    let track = this.tracks[id];
    if (track?.base !== base) track = this.tracks[id] = new KnownTrack(base);
    track.arrivals.look();
    return track;
  }

  * #all() {
    for (const id of this.all.tracks.keys()) if (this.all.track(id)) yield this.#track(id);
  }
}

const COLUMNS = ['key', 'time', 'received', 'x', 'y'];

/** The part of a track that had arrived until a moment: its beginning where fixes came in order, else picked out. */
class KnownTrack extends Track {
  constructor(base) {
    super();
    this.base = base;
    this.arrivals = new Arrivals(base);
    this.late = 0;
  }

  #picked = {}; // columns of its own, used again
  #rows = null; // of what was picked, in `base`; null: all from the first

  until(moment, from) {
    const { base, arrivals } = this;
    this.limit = base.limit;
    this.late = arrivals.late(moment);
    if (arrivals.isOrdered) this.#begin(arrivals.count(moment));
    else this.#pick(moment, from);
  }

  number(name, index) { return this.base.number(name, this.#rows === null ? index : this.#rows[index]); }

  blocks() { return this.#rows === null ? this.base.blocks() : null; }

  #begin(count) {
    for (const name of COLUMNS) this[name] = this.base[name];
    this.count = count;
    this.#rows = null;
  }

  #pick(moment, from) {
    const { base } = this;
    let last = base.indexAt(moment); // none arrives before it was measured: the earlier clock is the order
    while (last >= 0 && base.receivedAt(last) > moment) last--;
    let first = Math.max(0, Math.min(last, base.indexAt(from)));
    while (first > 0 && base.receivedAt(first) > moment) first--; // the piece into the window has a beginning
    this.#reserve(last - first + 1);
    this.count = 0;
    for (let k = first; k <= last; k++) if (base.receivedAt(k) <= moment) this.#rows[this.count++] = k;
    for (const name of COLUMNS) {
      if (base[name] !== null) for (let n = 0; n < this.count; n++) this[name][n] = base[name][this.#rows[n]];
    }
  }

  #reserve(size) {
    if (!(this.#picked.rows?.length >= size)) this.#picked = { rows: new Int32Array(2 * Math.max(16, size)) };
    this.#rows = this.#picked.rows;
    for (const name of COLUMNS) {
      const column = this.base[name];
      this[name] = column === null ? null : (this.#picked[name] ??= new column.constructor(this.#rows.length));
    }
  }
}

/** When the fixes of a track arrived. */
class Arrivals {
  constructor(track) {
    this.track = track;
    this.oldest = Infinity;
    this.newest = -Infinity;
  }

  #inserts = 0; // of the track, when it was looked at
  #checked = 0;
  #late = new Float64Array(0); // moments at which fixes came whose followers were there already, ascending

  get isOrdered() { return this.#late.length === 0; }

  /** Look at what is new in the track. */
  look() {
    const { track } = this;
    let isOrdered = this.#inserts === track.inserts;
    for (let k = this.#checked; isOrdered && k < track.count; k++) isOrdered = this.#note(track.receivedAt(k));
    if (!isOrdered) this.#lookAtAll();
    this.#checked = track.count;
    this.#inserts = track.inserts;
  }

  /** Return how many fixes of an ordered track had arrived until a moment. */
  count(moment) { return above(this.track.count, moment, k => this.track.receivedAt(k)); }

  /** Return how many had come behind newer ones until a moment. */
  late(moment) { return above(this.#late.length, moment, k => this.#late[k]); }

  #note(at) {
    if (at < this.newest) return false;
    this.newest = at;
    if (at < this.oldest) this.oldest = at;
    return true;
  }

  #lookAtAll() {
    const { track } = this;
    const late = [];
    let soonest = Infinity; // of all that follow
    this.oldest = Infinity;
    this.newest = -Infinity;
    for (let k = track.count - 1; k >= 0; k--) {
      const at = track.receivedAt(k);
      if (at > soonest) late.push(at);
      if (at < soonest) soonest = at;
      if (at < this.oldest) this.oldest = at;
      if (at > this.newest) this.newest = at;
    }
    this.#late = Float64Array.from(late).sort();
  }
}

/** Return how many of `count` ascending values are at or below a limit. */
function above(count, limit, value) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) <= limit) low = middle + 1; else high = middle;
  }
  return low;
}
