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
  time: Float64Array, // its device's clock
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
    this.#reserve(store.size);
    if (this.wasLive !== live) this.#forgetGlides(); // no gliding between then and now
    const isAgain = live && this.wasLive === true && this.#last.store === store && this.#last.hidden === options.hidden;
    this.wasLive = live;
    this.#last = { store, hidden: options.hidden };
    this.isMoving = false;
    for (let id = 0; id < this.count; id++) {
      if (!(isAgain && this.#isResting(id, store.news, now))) {
        this.state[id] = NONE;
        this.time[id] = NaN;
        if (options.hidden.has(id)) continue;
        if (live) this.#placeLive(id, store, now, options.interpolate);
        else this.#placeAt(id, store, moment, options.interpolate);
        if (Number.isNaN(this.time[id])) continue;
        this.known[id] = store.news?.[id] ?? 0;
      }
      const age = reference - this.indexKey[id];
      this.state[id] = age > options.lostAfter ? LOST : age > options.staleAfter ? STALE : FRESH;
    }
  }

  /** Return where a member heads: degrees from north as on the map, NaN at rest or unknown. */
  headingOf(store, id) {
    const { heads } = store;
    if (this.wasLive && heads.counts[id] === this.index[id] + 1) {
      if (Number.isFinite(heads.heading[id])) return heads.heading[id];
      const isKnown = !Number.isNaN(heads.beforeKey[id]);
      if (isKnown) return headingOf(heads.beforeX[id], heads.beforeY[id], heads.x[id], heads.y[id]) ?? NaN;
    }
    return directionAt(store.track(id), this.index[id], this.moving[id] === 1);
  }

  #last = {}; // what places were looked up in

  /** Whether a member is where it was in the last frame; its fixes, far away in memory, are not looked at then. */
  #isResting(id, news, now) {
    return news !== undefined && news[id] === this.known[id] && this.state[id] !== NONE && now >= this.glides.end[id]
      && this.tail[id] === this.index[id];
  }

  #placeAt(id, store, moment, interpolate) {
    const track = store.track(id);
    const place = track ? store.placeAt(track, moment, interpolate) : null;
    if (place === null) return;
    this.index[id] = this.tail[id] = place.index;
    this.indexKey[id] = this.tailKey[id] = track.key[place.index];
    this.#set(id, place.x, place.y, place.time);
    this.moving[id] = place.isMoving ? 1 : 0;
  }

  #forgetGlides() {
    this.glides.key.fill(NaN);
    this.glides.arrived.fill(-Infinity);
    this.glides.end.fill(0);
  }

  /** Tracks are not looked into here if it can be helped, which takes longer than all else. */
  #placeLive(id, store, now, interpolate) {
    const { glides } = this;
    const { heads } = store;
    const last = heads.counts[id] - 1;
    if (!(last >= 0)) return;
    if (glides.key[id] !== heads.key[id] || glides.x[id] !== heads.x[id] || glides.y[id] !== heads.y[id]) {
      this.#aim(id, store, now, interpolate);
    }
    this.index[id] = this.tail[id] = last;
    this.indexKey[id] = this.tailKey[id] = heads.key[id];
    this.moving[id] = 0; // its direction is that of the newest fix
    if (now >= glides.end[id]) {
      this.#set(id, heads.x[id], heads.y[id], heads.time[id]);
      return;
    }
    const f = (now - glides.start[id]) / (glides.end[id] - glides.start[id]);
    this.#setTail(id, store, glides.fromKey[id], last);
    const time = glides.fromTime[id] + (heads.time[id] - glides.fromTime[id]) * f;
    const y = glides.fromY[id] + (glides.y[id] - glides.fromY[id]) * f;
    this.#set(id, between(glides.fromX[id], glides.x[id], f), y, time);
    this.isMoving = true;
  }

  /** Have a gliding head's trail end at the fix that it comes from. */
  #setTail(id, store, key, last) {
    if (store.heads.beforeKey[id] === key) {
      this.tail[id] = last - 1;
      this.tailKey[id] = key;
      return;
    }
    const track = store.track(id);
    this.tail[id] = Math.min(track.indexAt(key), last);
    this.tailKey[id] = track.key[this.tail[id]];
  }

  #aim(id, store, now, interpolate) {
    const { glides } = this;
    const { heads } = store;
    const before = glides.key[id];
    const interval = now - glides.arrived[id];
    const canGlide = interpolate && interval >= SHORTEST_GLIDE;
    const isGlide = canGlide && !isGap(id, store, before);
    if (isGlide) {
      glides.fromX[id] = this.x[id];
      glides.fromY[id] = this.y[id];
      glides.fromKey[id] = before;
      glides.fromTime[id] = glides.time[id];
    }
    glides.start[id] = now;
    glides.end[id] = isGlide ? now + Math.min(interval, LONGEST_GLIDE) : now;
    glides.key[id] = heads.key[id];
    glides.time[id] = heads.time[id];
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

/** Whether there is a gap from a moment to a member's newest fix. */
function isGap(id, store, moment) {
  const { heads } = store;
  return moment !== heads.beforeKey[id] && !(heads.key[id] - moment <= store.track(id).limit);
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
