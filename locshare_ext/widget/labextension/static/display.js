// Where every member is shown at this moment, and how fresh that is.

import { between, headingOf } from './projection.js';

export const NONE = 0;
export const FRESH = 1;
export const STALE = 2;
export const LOST = 3;

const LONGEST_GLIDE = 500; // ms that a head takes to a new fix
const SHORTEST_GLIDE = 150; // fixes that come faster move the head smoothly enough by themselves

export class Display {
  constructor() { this.clear(); }

  clear() {
    this.count = 0;
    this.x = new Uint32Array(64);
    this.y = new Float64Array(64);
    this.time = new Float64Array(64); // device's clock of what is drawn, ms; NaN: nothing is
    this.moving = new Uint8Array(64); // 1: between two fixes
    this.state = new Uint8Array(64);
    this.index = new Int32Array(64); // newest fix that counts
    this.tail = new Int32Array(64); // newest fix that the head has reached
    this.glides = [];
    this.isMoving = false; // whether heads are gliding, so that another frame differs without any news
    this.wasLive = null;
  }

  /**
   * Compute all places. live: show each member's newest fix; else the state at `moment`.
   * reference: ms, what ages are counted from. now: monotonic ms.
   */
  update(store, { live, moment, reference, now }, options) {
    this.#reserve(store.tracks.length);
    if (this.wasLive !== live) this.glides.length = 0; // no gliding between then and now
    this.wasLive = live;
    this.isMoving = false;
    for (let id = 0; id < this.count; id++) {
      const track = store.tracks[id];
      this.state[id] = NONE;
      this.time[id] = NaN;
      if (!track || !track.count || options.hidden.has(id)) continue;
      if (live) this.#placeLive(id, track, now, options.interpolate);
      else this.#placeAt(id, track, store.placeAt(track, moment, options.interpolate));
      if (Number.isNaN(this.time[id])) continue;
      const age = reference - track.key[this.index[id]];
      this.state[id] = age > options.lostAfter ? LOST : age > options.staleAfter ? STALE : FRESH;
    }
  }

  /** Return where a member heads: degrees from north as on the map, NaN at rest or unknown. */
  headingOf(store, id) {
    return directionAt(store.tracks[id], this.index[id], this.moving[id] === 1);
  }

  #placeAt(id, track, place) {
    if (place === null) return;
    this.index[id] = this.tail[id] = place.index;
    this.#set(id, place.x, place.y, place.time);
    this.moving[id] = place.isMoving ? 1 : 0;
  }

  #placeLive(id, track, now, interpolate) {
    const last = track.count - 1;
    const glide = (this.glides[id] ??= { key: NaN, arrived: -Infinity, end: 0 });
    if (glide.key !== track.key[last] || glide.x !== track.x[last] || glide.y !== track.y[last]) {
      this.#aim(id, glide, track, now, interpolate);
    }
    this.index[id] = last;
    this.moving[id] = 0; // its direction is that of the newest fix
    if (now >= glide.end) {
      this.tail[id] = last;
      this.#set(id, track.x[last], track.y[last], track.timeAt(last));
      return;
    }
    const f = (now - glide.start) / (glide.end - glide.start);
    this.tail[id] = Math.min(track.indexAt(glide.fromKey), last);
    const time = glide.fromTime + (track.timeAt(last) - glide.fromTime) * f;
    this.#set(id, between(glide.fromX, glide.x, f), glide.fromY + (glide.y - glide.fromY) * f, time);
    this.isMoving = true;
  }

  #aim(id, glide, track, now, interpolate) {
    const last = track.count - 1;
    const interval = now - glide.arrived;
    const isGap = !(track.key[last] - glide.key <= track.limit);
    const glides = interpolate && !isGap && interval >= SHORTEST_GLIDE;
    if (glides) {
      Object.assign(glide, { fromX: this.x[id], fromY: this.y[id], fromTime: this.lastTime(id, track, glide) });
      glide.fromKey = glide.key;
    }
    glide.start = now;
    glide.end = glides ? now + Math.min(interval, LONGEST_GLIDE) : now;
    Object.assign(glide, { key: track.key[last], x: track.x[last], y: track.y[last], arrived: now });
  }

  /** The time that the last drawn place of a member had: its aim, or a moment on the way there. */
  lastTime(id, track, glide) {
    const index = track.indexAt(glide.key);
    return index >= 0 ? track.timeAt(index) : glide.key;
  }

  #set(id, x, y, time) {
    this.x[id] = x;
    this.y[id] = y;
    this.time[id] = time;
  }

  #reserve(count) {
    if (count > this.x.length) {
      const capacity = Math.max(count, this.x.length * 2);
      for (const name of ['x', 'y', 'time', 'moving', 'state', 'index', 'tail']) {
        const larger = new this[name].constructor(capacity);
        larger.set(this[name]);
        this[name] = larger;
      }
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
