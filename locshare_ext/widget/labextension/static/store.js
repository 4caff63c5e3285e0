// All fixes of one layer on this page: a track per member. Lives in the worker; knows no DOM.

import { keyOf, valueOf } from './columns.js';
import { SHORTEST_GAP } from './gaps.js';
import { Newest } from './newest.js';
import { Recent, ROOM } from './recent.js';
import { Track } from './track.js';
import { between, eastward } from './projection.js';

export class Store {
  constructor() {
    this.shortestGap = SHORTEST_GAP; // ms
    this.clear();
  }

  clear() {
    this.size = 0; // ids of members are below it
    this.news = new Uint32Array(0); // by member id: how often something came
    this.heads = new Newest(); // empty where what is held hangs on the moment
    this.fixes = 0;
    this.members = 0;
    this.oldest = Infinity; // effective times of all, ms
    this.newest = -Infinity;
    this.revision = 0; // changes when something came that is not newer than what its member had
    this.#tracks = [];
    this.#recent = new Recent();
    this.#isSettled = true;
  }

  #tracks;
  #recent; // what is in no track yet
  #isSettled; // nothing is there

  /** Boxes around the fixes of each member. */
  get boxes() { return this.heads; }

  /** All tracks, by member id; holes for members without a fix. To look at few of very many, use `track`. */
  get tracks() {
    const { counts } = this.#recent;
    for (let id = 0; id < counts.length && !this.#isSettled; id++) if (counts[id] > 0) this.#settle(id);
    this.#isSettled = true;
    return this.#tracks;
  }

  /** Return a member's track, undefined for one without a fix. */
  track(id) {
    if (this.#recent.counts[id] > 0) this.#settle(id);
    return this.#tracks[id];
  }

  /** Return the index of a member's newest fix at or before a moment, -1 when there is none. */
  indexAt(id, moment) {
    const recent = this.#recent.countUntil(id, moment);
    if (recent > 0) return this.heads.counts[id] - this.#recent.counts[id] + recent - 1;
    return this.#tracks[id]?.indexAt(moment) ?? -1;
  }

  /** Return a number of a member's fix, NaN without. */
  number(id, name, index) {
    const recent = index - this.heads.counts[id] + this.#recent.counts[id];
    return recent >= 0 ? this.#recent.number(id, name, recent) : this.#tracks[id].number(name, index);
  }

  /** Count pauses as gaps from so many ms on, if they are long for their member too. */
  setShortestGap(shortestGap) {
    if (shortestGap === this.shortestGap) return;
    this.shortestGap = shortestGap;
    this.heads.limit.fill(shortestGap);
    this.tracks.forEach((track, id) => {
      track.setShortestGap(shortestGap);
      this.heads.refresh(id, track);
    });
    this.revision++;
  }

  /**
   * Insert rows [from, to) of a message's columns.
   * `arrived`: ms, when the member counts as heard of if the fixes carry no `received`; 0 for history.
   */
  insert(columns, from, to, arrived = 0) {
    const late = new Map(); // rows by member that belong between or before those there are
    const members = columns.member.values;
    this.#reserve(members, from, to);
    this.#recent.begin(columns);
    const { news, heads } = this;
    for (let row = from; row < to; row++) {
      const id = members[row];
      news[id]++;
      heads.hear(id, columns.received ? valueOf(columns.received, row) : arrived);
      const key = keyOf(columns, row);
      if (heads.counts[id] === 0 || key >= heads.key[id]) {
        this.#append(id, columns, row, key);
        continue;
      }
      const rows = late.get(id);
      if (rows) rows.push(row); else late.set(id, [row]);
    }
    for (const [id, rows] of late) this.#insertLate(id, columns, rows);
    this.fixes += to - from;
    if (late.size) this.revision++;
  }

  #append(id, columns, row, key) {
    const heads = this.heads;
    const heading = columns.heading ? columns.heading.values[row] : NaN;
    if (heads.counts[id] === 0) this.members++;
    heads.add(id, key, valueOf(columns.time, row), columns.x.values[row], columns.y.values[row], heading);
    this.#recent.add(id, columns, row, key);
    this.#isSettled = false;
    if (key < this.oldest) this.oldest = key;
    if (key > this.newest) this.newest = key;
    // not all in the same frame, though members may have come together
    if (((heads.counts[id] + id) & (ROOM - 1)) === 0) this.#settle(id);
  }

  #settle(id) {
    const track = (this.#tracks[id] ??= new Track(this.shortestGap));
    this.#recent.settle(id, track);
    this.heads.limit[id] = track.limit;
  }

  #insertLate(id, columns, rows) {
    const track = this.track(id);
    track.insert(columns, rows);
    this.heads.refresh(id, track);
    for (const row of rows) this.heads.reach(id, columns.x.values[row], columns.y.values[row]);
    this.oldest = Math.min(this.oldest, track.key[0]);
  }

  #reserve(members, from, to) {
    let size = this.size;
    for (let row = from; row < to; row++) if (members[row] >= size) size = members[row] + 1;
    this.size = size;
    this.#recent.reserve(size);
    this.heads.reserve(size, this.shortestGap);
    if (size <= this.news.length) return;
    const larger = new Uint32Array(Math.max(size, this.news.length * 2));
    larger.set(this.news);
    this.news = larger;
  }

  /**
   * Where a track is at a moment: {index, x, y, time, isMoving}, null before its first fix.
   * Between two fixes the place is interpolated, but not across a gap, and never past the newest.
   */
  placeAt(track, moment, interpolate = true) {
    const index = track.indexAt(moment);
    if (index < 0) return null;
    const isLast = index === track.count - 1;
    if (!interpolate || isLast || track.isGap(index)) {
      return { index, x: track.x[index], y: track.y[index], time: track.timeAt(index), isMoving: false };
    }
    const length = track.key[index + 1] - track.key[index];
    const f = length > 0 ? (moment - track.key[index]) / length : 0;
    return {
      index,
      x: between(track.x[index], track.x[index + 1], f),
      y: track.y[index] + (track.y[index + 1] - track.y[index]) * f,
      time: track.timeAt(index) + (track.timeAt(index + 1) - track.timeAt(index)) * f,
      isMoving: track.x[index] !== track.x[index + 1] || track.y[index] !== track.y[index + 1],
    };
  }

  /** Return {xs, north, south}: y of both edges, and x of points that span the fixes of [from, to]; may be empty. */
  extent(ids, from, to) {
    const box = { xs: [], north: Infinity, south: -Infinity };
    for (const id of ids) {
      const track = this.track(id);
      if (!track) continue;
      const [first, last] = [track.indexAt(from - 1) + 1, track.indexAt(to)];
      let [low, high] = [0, 0]; // units east of the first
      for (let k = first; k <= last; k++) {
        const offset = eastward(track.x[first], track.x[k]);
        if (offset < low) low = offset;
        if (offset > high) high = offset;
        if (track.y[k] < box.north) box.north = track.y[k];
        if (track.y[k] > box.south) box.south = track.y[k];
      }
      if (last >= first) box.xs.push((track.x[first] + low) >>> 0, (track.x[first] + high) >>> 0);
    }
    return box;
  }

  /** Return {counts, gap}: fixes in each of `bins` equal parts of [from, to), and the ms that are a gap for nobody. */
  density(from, to, bins) {
    const counts = new Uint32Array(bins);
    let gap = Infinity;
    const scale = bins / (to - from);
    for (const track of this.tracks) {
      if (!track) continue;
      gap = Math.min(gap, track.limit);
      for (let k = track.indexAt(from - 1) + 1; k < track.count && track.key[k] < to; k++) {
        counts[Math.max(0, Math.min(bins - 1, Math.floor((track.key[k] - from) * scale)))]++;
      }
    }
    return { counts, gap: Math.min(gap, to - from) };
  }

  /** Return the moment of the next fix after a moment, or of the last one before it; null at the end. */
  step(moment, direction) {
    let best = null;
    for (const track of this.tracks) {
      if (!track) continue;
      let index = track.indexAt(moment);
      if (direction > 0) index++;
      else while (index >= 0 && track.key[index] >= moment) index--;
      if (index < 0 || index >= track.count) continue;
      const key = track.key[index];
      if (best === null || (direction > 0 ? key < best : key > best)) best = key;
    }
    return best;
  }
}
