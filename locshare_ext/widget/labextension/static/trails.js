// The trails of one view: each piece is drawn once, when its head has passed it. After a change of place
// they are drawn again from the newest to the oldest, a little in each frame, over the old picture.

import { Passes } from './passes.js';
import { eastward } from './projection.js';
import { NONE } from './display.js';

const NEAREST = 0.6; // px below which a fix adds nothing
const FEW = 150; // members up to which trails have an edge
const MANY = 2000; // members from which they are not smoothed
const BUDGET = 8; // ms of each frame for drawing again
const FIRST_SLICE = 1 / 64; // of the time shown; each further one is twice as long
const LONGEST = 2 ** 30; // units of a stamp in the time shown; half as many before it, for looking back
const FARTHEST = 8; // times that an old picture is scaled
const REST = 500; // ms between drawings because of fixes that came late

export class Trails {
  constructor() {
    this.front = null; // what is shown
    this.back = null; // what is being drawn again, null while nothing is
    this.points = 0;
  }

  #spare = null;
  #view = null;
  #keys = new Float64Array(64); // by member: effective time of the newest fix that is drawn
  #done = null; // {end, version, revision, brush, at} of what is drawn
  #task = null;
  #turn = 0;

  /** Set the geometry (see Painter.setView); what was shown is kept, moved and scaled. */
  setView(view) {
    const before = this.#view;
    const { front: old, back } = this;
    this.#view = { ...view };
    this.#task = null;
    this.back = null;
    if (!old || old.w !== view.w || old.h !== view.h) this.#spare = null;
    const next = this.#spare ?? new Passes(view.w, view.h);
    if (before === null || !this.#carry(next, old, back, before)) next.clear();
    this.front = next;
    this.#spare = old && old.w === view.w && old.h === view.h ? old : null;
    if (this.#done) this.#done.isMoved = true;
  }

  #carry(next, old, back, before) {
    const view = this.#view;
    const ratio = before.world / view.world;
    if (ratio > FARTHEST || ratio < 1 / FARTHEST) return false;
    let x = view.ox * ratio - before.ox;
    x -= Math.round(x / before.world) * before.world; // another copy of the world is the same
    next.carry(old, back, { x, y: view.oy * ratio - before.oy }, ratio);
    return true;
  }

  /** Forget all that is drawn. */
  clear() {
    this.#done = this.#task = this.back = null;
    this.front?.clear();
  }

  /** Return the stamp of a moment: whole units of time, > 0 for all that is shown. */
  stampOf(moment) {
    return Math.max(1, Math.min(0x7fffffff, 1 + Math.floor((moment - this.base) / this.unit)));
  }

  /**
   * Draw what is new until `window` ({end, length}, ms); returns whether something is left for later.
   * paint: {version, indexAt(id, track, index)} tells the colours.
   */
  update(store, display, window, options, paint, now) {
    this.#reserve(display.count);
    const brush = brushFor(display.count, this.#view.dpr);
    const wanted = { version: `${options.trailsVersion} ${paint.version}`, brush: brush.name };
    const isOther = this.#done?.version !== wanted.version || this.#done?.brush !== wanted.brush;
    // live, the end hangs on the clocks of two machines and may step back a little; heads do not
    const isBack = !display.wasLive && window.end < this.#done?.end;
    if (isOther || isBack || this.#isOutside(window)) this.#begin(display, store, window, brush, wanted, isOther);
    else if (this.#done.isMoved) this.#begin(display, store, window, brush, wanted, false);
    const isBehind = this.#advance(store, display, window, brush, paint);
    if (!this.#task && this.#done.revision !== store.revision && now - this.#done.at > REST) {
      this.#begin(display, store, window, brush, wanted, false);
    }
    if (this.#task) this.#work(store, window, brush, paint, now);
    this.#done.end = window.end;
    return isBehind || this.#task !== null || this.#done.revision !== store.revision;
  }

  /** Whether stamps cannot tell of all that is shown. */
  #isOutside(window) {
    const last = (window.end - this.base) / this.unit;
    return !(last < LONGEST * 1.9) || window.end - window.length < this.base;
  }

  /** Begin to draw all again; isOther: what is shown is no picture of the same. */
  #begin(display, store, window, brush, wanted, isOther) {
    if (isOther || this.#isOutside(window)) {
      this.unit = Math.max(1, Math.ceil(window.length / LONGEST));
      this.base = window.end - window.length - this.unit * LONGEST / 2;
      this.front.clear();
    }
    const { w, h } = this.#view;
    this.back ??= this.#spare ?? new Passes(w, h);
    this.#spare = null;
    this.back.clear();
    const count = display.count;
    const task = { id: 0, end: window.end, from: window.end, slice: window.length * FIRST_SLICE, keys: new Float64Array(count).fill(NaN), seen: new Float64Array(count) };
    Object.assign(task, { x: new Float64Array(count), y: new Float64Array(count), units: new Uint32Array(count), revision: store.revision });
    for (let id = 0; id < count; id++) {
      this.#keys[id] = NaN;
      if (display.state[id] === NONE) continue;
      const track = store.tracks[id];
      const index = display.tail[id];
      task.keys[id] = task.seen[id] = this.#keys[id] = track.key[index];
      task.units[id] = track.x[index];
      task.x[id] = track.x[index] * this.#view.scale - this.#view.ox;
      task.y[id] = track.y[index] * this.#view.scale - this.#view.oy;
    }
    this.#task = task;
    this.#done = { ...wanted, end: window.end, revision: this.#done?.revision ?? -1, at: 0, isMoved: false };
  }

  /** Draw the pieces that heads have passed since the last frame; returns whether time was short for all. */
  #advance(store, display, window, brush, paint) {
    const start = performance.now();
    const oldest = window.end - window.length;
    const { count } = display;
    for (let n = 0; n < count; n++) {
      const id = (this.#turn + n) % count;
      if (display.state[id] === NONE) continue;
      const track = store.tracks[id];
      const to = display.tail[id];
      if (track.key[to] === this.#keys[id]) continue;
      if ((n & 63) === 63 && performance.now() - start > BUDGET) {
        this.#turn = id; // it is the first of the next frame
        return true;
      }
      const drawn = Number.isNaN(this.#keys[id]) ? oldest : Math.max(this.#keys[id], oldest);
      const last = to > 0 && track.key[to - 1] === drawn ? to - 1 : track.indexAt(drawn); // mostly the one before
      for (let k = Math.max(0, last) + 1; k <= to; k++) {
        if (!track.isGap(k - 1)) this.#piece(track, k, brush, paint.indexAt(id, track, k));
      }
      this.#keys[id] = track.key[to];
    }
    return false;
  }

  #piece(track, k, brush, index) {
    const { scale, ox, oy } = this.#view;
    const x = track.x[k - 1] * scale - ox;
    const dx = eastward(track.x[k - 1], track.x[k]) * scale;
    this.#lines(x, track.y[k - 1] * scale - oy, x + dx, track.y[k] * scale - oy, brush, this.stampOf(track.key[k]), index, true);
  }

  /** Draw a line on each copy of the world in view. */
  #lines(x0, y0, x1, y1, brush, stamp, index, isNew) {
    const { w, world } = this.#view;
    const reach = brush.width + brush.edge;
    const first = Math.ceil((-reach - Math.max(x0, x1)) / world);
    const last = Math.floor((w + reach - Math.min(x0, x1)) / world);
    for (let copy = first; copy <= last; copy++) {
      const shift = copy * world;
      if (isNew) this.front.line(x0 + shift, y0, x1 + shift, y1, brush, stamp, index);
      this.back?.line(x0 + shift, y0, x1 + shift, y1, brush, stamp, index);
    }
  }

  /** Go on with drawing all again, slice of time by slice, so that the newest is there first. */
  #work(store, window, brush, paint, now) {
    const task = this.#task;
    const start = performance.now();
    const oldest = window.end - window.length;
    while (task.from > oldest) {
      const to = Math.max(oldest, task.from - task.slice);
      for (; task.id < task.keys.length; task.id++) {
        if ((task.id & 15) === 15 && performance.now() - start > BUDGET) return;
        if (!Number.isNaN(task.keys[task.id])) this.#again(store.tracks[task.id], task, to, brush, paint);
      }
      task.id = 0;
      task.from = to;
      task.slice *= 2;
    }
    this.#spare = this.front;
    this.front = this.back;
    this.back = this.#task = null;
    this.#done.revision = task.revision;
    this.#done.at = now;
  }

  /** Draw one member's pieces from where the task is back to a moment. */
  #again(track, task, to, brush, paint) {
    const { id } = task;
    const { scale, oy } = this.#view;
    let k = track.indexAt(task.seen[id]); // where it is now: late fixes may have come
    let [x, y, units, key] = [task.x[id], task.y[id], task.units[id], task.keys[id]];
    let index = paint.indexAt(id, track, track.indexAt(key));
    for (k--; k >= 0 && track.key[k] >= to; k--) {
      const nextX = x + eastward(units, track.x[k]) * scale;
      const nextY = track.y[k] * scale - oy;
      const isGap = track.isGap(k);
      if (!isGap && Math.abs(nextX - x) < NEAREST && Math.abs(nextY - y) < NEAREST) continue;
      if (!isGap) this.#lines(nextX, nextY, x, y, brush, this.stampOf(key), index, false);
      [x, y, units, key] = [nextX, nextY, track.x[k], track.key[k]];
      index = paint.indexAt(id, track, k);
    }
    task.x[id] = x;
    task.y[id] = y;
    task.units[id] = units;
    task.keys[id] = key;
    task.seen[id] = track.key[Math.max(0, k + 1)];
  }

  #reserve(count) {
    if (count <= this.#keys.length) return;
    const larger = new Float64Array(Math.max(count, this.#keys.length * 2)).fill(NaN);
    larger.set(this.#keys);
    this.#keys = larger;
  }
}

/** Return how trails of so many members are drawn: {name, width, edge, isHard} in device px. */
export function brushFor(members, dpr) {
  if (members <= FEW) return { name: `edged ${dpr}`, width: 3 * dpr, edge: 1.2 * dpr, isHard: false };
  if (members <= MANY) return { name: `smooth ${dpr}`, width: 2 * dpr, edge: 0, isHard: false };
  return { name: `hard ${dpr}`, width: Math.max(1, Math.round(1.5 * dpr)), edge: 0, isHard: true };
}
