// Where every member is shown at this moment, and how fresh that is.

import { between, headingOf } from './projection.js';

export const NONE = 0;
export const FRESH = 1;
export const STALE = 2;
export const LOST = 3;

const LONGEST_GLIDE = 500; // ms that a head takes to a new fix
const SHORTEST_GLIDE = 150; // fixes that come faster move the head smoothly enough by themselves

const COLUMNS = {
  x: Uint32Array,
  y: Float64Array,
  time: Float64Array, // device's clock of what is drawn, ms; NaN: nothing is
  moving: Uint8Array, // 1: between two fixes
  state: Uint8Array,
  index: Int32Array, // newest fix that counts
  tail: Int32Array, // newest fix that the head has reached
  tailKey: Float64Array, // its effective time
  indexKey: Float64Array, // that of the newest that counts
  known: Uint32Array, // the member's count of news in the store, as of when it was placed
};
const GLIDES = {
  key: Float64Array, // of the fix that the head glides to, or is at; NaN: none yet
  x: Uint32Array,
  y: Uint32Array,
  arrived: Float64Array, // monotonic ms, when that fix came
  start: Float64Array, // monotonic ms, from where to when it glides; it is there when start = end
  end: Float64Array,
  fromX: Uint32Array,
  fromY: Float64Array,
  fromKey: Float64Array,
  fromTime: Float64Array,
};

/** One number of each name for each member: there may be very many, and each is looked at in each frame. */
function columnsOf(kinds, size) {
  return Object.fromEntries(Object.entries(kinds).map(([name, Kind]) => [name, new Kind(size)]));
}

export class Display {
  constructor() { this.clear(); }

  clear() {
    this.count = 0;
    Object.assign(this, columnsOf(COLUMNS, 64));
    this.glides = columnsOf(GLIDES, 64);
    this.#forgetGlides();
    this.isMoving = false; // whether heads are gliding, so that another frame differs without any news
    this.wasLive = null;
  }

  /**
   * Compute all places. live: show each member's newest fix; else the state at `moment`.
   * reference: ms, what ages are counted from. now: monotonic ms.
   */
  update(store, { live, moment, reference, now }, options) {
    this.#reserve(store.tracks.length);
    if (this.wasLive !== live) this.#forgetGlides(); // no gliding between then and now
    const isAgain = live && this.wasLive === true && this.#last.store === store && this.#last.hidden === options.hidden;
    this.wasLive = live;
    this.#last = { store, hidden: options.hidden };
    this.isMoving = false;
    for (let id = 0; id < this.count; id++) {
      if (!(isAgain && this.#isResting(id, store.news, now))) {
        const track = store.tracks[id]; // not looked into here, which takes longer than all else
        this.state[id] = NONE;
        this.time[id] = NaN;
        if (!track || options.hidden.has(id)) continue;
        if (live) this.#placeLive(id, store, now, options.interpolate);
        else this.#placeAt(id, track, store.placeAt(track, moment, options.interpolate));
        if (Number.isNaN(this.time[id])) continue;
        this.known[id] = store.news?.[id] ?? 0;
        if (live) this.indexKey[id] = store.heads.key[id];
        else this.indexKey[id] = track.key[this.index[id]];
        this.tailKey[id] = this.tail[id] === this.index[id] ? this.indexKey[id] : track.key[this.tail[id]];
      }
      const age = reference - this.indexKey[id];
      this.state[id] = age > options.lostAfter ? LOST : age > options.staleAfter ? STALE : FRESH;
    }
  }

  /** Return where a member heads: degrees from north as on the map, NaN at rest or unknown. */
  headingOf(store, id) {
    return directionAt(store.tracks[id], this.index[id], this.moving[id] === 1);
  }

  #last = {}; // what places were looked up in

  /** Whether a member is where it was in the last frame; its fixes, far away in memory, are not looked at then. */
  #isResting(id, news, now) {
    return news !== undefined && news[id] === this.known[id] && this.state[id] !== NONE && now >= this.glides.end[id]
      && this.tail[id] === this.index[id];
  }

  #placeAt(id, track, place) {
    if (place === null) return;
    this.index[id] = this.tail[id] = place.index;
    this.#set(id, place.x, place.y, place.time);
    this.moving[id] = place.isMoving ? 1 : 0;
  }

  #forgetGlides() {
    this.glides.key.fill(NaN);
    this.glides.arrived.fill(-Infinity);
    this.glides.end.fill(0);
  }

  #placeLive(id, { heads, tracks }, now, interpolate) {
    const { glides } = this;
    const last = heads.counts[id] - 1;
    if (last < 0) return;
    if (glides.key[id] !== heads.key[id] || glides.x[id] !== heads.x[id] || glides.y[id] !== heads.y[id]) {
      this.#aim(id, heads, tracks[id], now, interpolate);
    }
    this.index[id] = last;
    this.moving[id] = 0; // its direction is that of the newest fix
    if (now >= glides.end[id]) {
      this.tail[id] = last;
      this.#set(id, heads.x[id], heads.y[id], heads.time[id]);
      return;
    }
    const f = (now - glides.start[id]) / (glides.end[id] - glides.start[id]);
    this.tail[id] = Math.min(tracks[id].indexAt(glides.fromKey[id]), last);
    const time = glides.fromTime[id] + (heads.time[id] - glides.fromTime[id]) * f;
    const y = glides.fromY[id] + (glides.y[id] - glides.fromY[id]) * f;
    this.#set(id, between(glides.fromX[id], glides.x[id], f), y, time);
    this.isMoving = true;
  }

  #aim(id, heads, track, now, interpolate) {
    const { glides } = this;
    const before = glides.key[id];
    const interval = now - glides.arrived[id];
    const canGlide = interpolate && interval >= SHORTEST_GLIDE;
    const isGlide = canGlide && heads.key[id] - before <= track.limit; // not across a gap
    if (isGlide) {
      const index = track.indexAt(before);
      glides.fromX[id] = this.x[id];
      glides.fromY[id] = this.y[id];
      glides.fromKey[id] = before;
      glides.fromTime[id] = index >= 0 ? track.timeAt(index) : before;
    }
    glides.start[id] = now;
    glides.end[id] = isGlide ? now + Math.min(interval, LONGEST_GLIDE) : now;
    glides.key[id] = heads.key[id];
    glides.x[id] = heads.x[id];
    glides.y[id] = heads.y[id];
    glides.arrived[id] = now;
  }

  #set(id, x, y, time) {
    this.x[id] = x;
    this.y[id] = y;
    this.time[id] = time;
  }

  #reserve(count) {
    if (count > this.x.length) {
      const capacity = Math.max(count, this.x.length * 2);
      const larger = columnsOf(COLUMNS, capacity);
      for (const name of Object.keys(COLUMNS)) larger[name].set(this[name]);
      Object.assign(this, larger);
      const before = this.glides;
      this.glides = columnsOf(GLIDES, capacity);
      this.#forgetGlides();
      for (const name of Object.keys(GLIDES)) this.glides[name].set(before[name]);
    }
    this.count = count;
  }
}

/** Return where a member heads at a fix: as it said, else by its last movement; NaN at rest or unknown. */
function directionAt(track, index, isMoving) {
  const said = track.number('heading', index);
  if (Number.isFinite(said)) return said;
  const other = isMoving ? index + 1 : index - 1;
  if (other < 0 || other >= track.count || track.isGap(Math.min(index, other))) return NaN;
  const [a, b] = isMoving ? [index, other] : [other, index];
  return headingOf(track.x[a], track.y[a], track.x[b], track.y[b]) ?? NaN;
}
