// The trails of one view: each piece is drawn once, when its head has passed it. After a change of zoom they
// are drawn again from the newest to the oldest, a little in each frame, over the old picture. After a drag
// only what came into view is: the rest stays, moved.

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
  #whole = null; // the box of `front` in which nothing is missing, px
  #task = null;
  #turn = 0;

  /** Set the geometry (see Painter.setView); what was shown is kept, moved and scaled. */
  setView(view) {
    const before = this.#view;
    this.#view = { ...view };
    const shift = this.front && this.#done && !this.#done.isMoved ? shiftBetween(before, view) : null;
    if (shift !== null) this.#pan(shift); else this.#replace(before, view);
  }

  /** The same zoom, elsewhere: what is drawn moves, and so does what is being drawn. */
  #pan(shift) {
    const task = this.#task;
    if (shift.x === 0 && shift.y === 0) return;
    this.front = this.#shifted(this.front, shift);
    if (this.back) this.back = this.#shifted(this.back, shift);
    this.#whole = moved(this.#whole, shift, this.#view);
    if (!task) return;
    task.goal = moved(task.goal, shift, this.#view);
    task.skip = task.skip && moved(task.skip, shift, this.#view);
    for (let id = 0; id < task.keys.length; id++) {
      task.x[id] -= shift.x;
      task.y[id] -= shift.y;
    }
  }

  #shifted(passes, shift) {
    const next = this.#spare ?? new Passes(passes.w, passes.h);
    next.carry(passes, null, shift, 1);
    this.#spare = passes;
    return next;
  }

  #replace(before, view) {
    const { front: old, back } = this;
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
    this.#done = this.#task = this.back = this.#whole = null;
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
    const brush = this.#brushFor(display.count, options.widths);
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
    if (!this.#task && !covers(this.#whole, this.#view)) this.#fill(store, window);
    if (this.#task) this.#work(store, window, brush, paint, now);
    this.#done.end = window.end;
    return isBehind || this.#task !== null || this.#done.revision !== store.revision || !covers(this.#whole, this.#view);
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
    for (let id = 0; id < display.count; id++) {
      this.#keys[id] = display.state[id] === NONE ? NaN : display.tailKey[id];
    }
    this.#task = this.#taskFor(store, window, null);
    this.#done = { ...wanted, end: window.end, revision: this.#done?.revision ?? -1, at: 0, isMoved: false };
  }

  /** Begin to draw what came into view; what passes there anew is drawn already. */
  #fill(store, window) {
    this.#task = this.#taskFor(store, window, this.#whole);
    this.#task.revision = this.#done.revision;
  }

  /** Return the task of drawing from the newest piece that is drawn, back to the oldest; skip: a box without need. */
  #taskFor(store, window, skip) {
    const { scale, ox, oy } = this.#view;
    const keys = this.#keys.slice(0, Math.min(this.#keys.length, store.tracks.length));
    const count = keys.length;
    const task = { id: 0, from: window.end, slice: window.length * FIRST_SLICE, keys, seen: keys.slice(), skip };
    Object.assign(task, { x: new Float64Array(count), y: new Float64Array(count), units: new Uint32Array(count) });
    Object.assign(task, { revision: store.revision, goal: boxOf(this.#view) });
    for (let id = 0; id < count; id++) {
      if (Number.isNaN(keys[id])) continue;
      const track = store.tracks[id];
      const index = track.indexAt(keys[id]);
      task.units[id] = track.x[index];
      task.x[id] = track.x[index] * scale - ox;
      task.y[id] = track.y[index] * scale - oy;
    }
    return task;
  }

  /** Draw the pieces that heads have passed since the last frame; returns whether time was short for all. */
  #advance(store, display, window, brush, paint) {
    const start = performance.now();
    const oldest = window.end - window.length;
    const { count } = display;
    for (let n = 0; n < count; n++) {
      const id = (this.#turn + n) % count;
      if (display.state[id] === NONE || display.tailKey[id] === this.#keys[id]) continue;
      const track = store.tracks[id];
      const to = display.tail[id];
      if ((n & 63) === 63 && performance.now() - start > BUDGET) {
        this.#turn = id; // it is the first of the next frame
        return true;
      }
      const own = brush.own?.get(id) ?? brush;
      const drawn = Number.isNaN(this.#keys[id]) ? oldest : Math.max(this.#keys[id], oldest);
      const last = to > 0 && track.key[to - 1] === drawn ? to - 1 : track.indexAt(drawn); // mostly the one before
      for (let k = Math.max(0, last) + 1; k <= to; k++) {
        if (!track.isGap(k - 1)) this.#piece(track, k, own, paint.indexAt(id, track, k));
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
      if (isNew || this.back === null) this.front.line(x0 + shift, y0, x1 + shift, y1, brush, stamp, index);
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
    if (this.back !== null) {
      this.#spare = this.front;
      this.front = this.back;
      this.#done.revision = task.revision;
      this.#done.at = now;
    }
    this.#whole = task.goal;
    this.back = this.#task = null;
  }

  /** Draw one member's pieces from where the task is back to a moment. */
  #again(track, task, to, brush, paint) {
    const { id } = task;
    const { scale, oy } = this.#view;
    brush = brush.own?.get(id) ?? brush;
    const reach = brush.width + brush.edge;
    const [left, right] = task.skip ? [task.skip.left + reach, task.skip.right - reach] : [1, 0];
    const [top, bottom] = task.skip ? [task.skip.top + reach, task.skip.bottom - reach] : [1, 0];
    const isNeedless = (x, y) => x > left && x < right && y > top && y < bottom;
    let k = track.indexAt(task.seen[id]); // where it is now: late fixes may have come
    let [x, y, units, key] = [task.x[id], task.y[id], task.units[id], task.keys[id]];
    let index = paint.indexAt(id, track, track.indexAt(key));
    for (k--; k >= 0 && track.key[k] >= to; k--) {
      const nextX = x + eastward(units, track.x[k]) * scale;
      const nextY = track.y[k] * scale - oy;
      const isGap = track.isGap(k);
      if (!isGap && Math.abs(nextX - x) < NEAREST && Math.abs(nextY - y) < NEAREST) continue;
      if (!isGap && !(isNeedless(x, y) && isNeedless(nextX, nextY))) {
        this.#lines(nextX, nextY, x, y, brush, this.stampOf(key), index, false);
      }
      [x, y, units, key] = [nextX, nextY, track.x[k], track.key[k]];
      index = paint.indexAt(id, track, k);
    }
    task.x[id] = x;
    task.y[id] = y;
    task.units[id] = units;
    task.keys[id] = key;
    task.seen[id] = track.key[Math.max(0, k + 1)];
  }

  /** Return the brush for so many members; its `own` has those of members with a width (css px) of theirs. */
  #brushFor(count, widths) {
    const { dpr } = this.#view;
    const common = brushFor(count, dpr);
    if (!widths?.size) return common;
    if (this.#own.widths !== widths || this.#own.name !== common.name) {
      const own = new Map(Array.from(widths, ([id, width]) => [id, { ...common, width: widthOf(width * dpr, common) }]));
      this.#own = { widths, name: common.name, brush: { ...common, own, name: `${common.name} ${JSON.stringify([...widths])}` } };
    }
    return this.#own.brush;
  }

  #own = {};

  #reserve(count) {
    if (count <= this.#keys.length) return;
    const larger = new Float64Array(Math.max(count, this.#keys.length * 2)).fill(NaN);
    larger.set(this.#keys);
    this.#keys = larger;
  }
}

const boxOf = ({ w, h }) => ({ left: 0, top: 0, right: w, bottom: h });

const covers = (box, { w, h }) => box !== null && box.left <= 0 && box.top <= 0 && box.right >= w && box.bottom >= h;

/** Return where what was in a box is after a shift, as far as it is in view. */
function moved(box, shift, { w, h }) {
  if (box === null) return null;
  return {
    left: Math.max(0, box.left - shift.x), top: Math.max(0, box.top - shift.y),
    right: Math.min(w, box.right - shift.x), bottom: Math.min(h, box.bottom - shift.y),
  };
}

/** Return by how many whole px a view lies further than another, null where they differ in more than that. */
function shiftBetween(before, view) {
  if (before.world !== view.world || before.w !== view.w || before.h !== view.h) return null;
  if (view.world < view.w) return null; // several copies of the world
  const shift = { x: view.ox - before.ox, y: view.oy - before.oy };
  if (!Number.isInteger(shift.x) || !Number.isInteger(shift.y)) return null;
  return Math.abs(shift.x) < view.w && Math.abs(shift.y) < view.h ? shift : null;
}

/** Return how trails of so many members are drawn: {name, width, edge, isHard} in device px. */
export function brushFor(members, dpr) {
  if (members <= FEW) return { name: `edged ${dpr}`, width: 3 * dpr, edge: 1.2 * dpr, isHard: false };
  if (members <= MANY) return { name: `smooth ${dpr}`, width: 2 * dpr, edge: 0, isHard: false };
  return { name: `hard ${dpr}`, width: Math.max(1, Math.round(1.5 * dpr)), edge: 0, isHard: true };
}

const widthOf = (width, { isHard }) => (isHard ? Math.max(1, Math.round(width)) : width);
