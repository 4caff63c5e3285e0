// The trails of one view: each piece is drawn once, when its head has passed it. After a change of zoom they
// are drawn again from the newest to the oldest, a little in each frame, over the old picture. After a drag
// only what came into view is: the rest stays, moved.

import { SIZE } from './blocks.js';
import { Field, nearestOf } from './field.js';
import { Passes } from './passes.js';
import { eastward } from './projection.js';
import { NONE } from './display.js';

const FEW = 150; // members up to which trails have an edge
const MANY = 2000; // members from which they are not smoothed
const BUDGET = 8; // ms of each frame for drawing again
const BUDGET_MOVING = 4; // while the map is dragged: it has to go along first of all
const BUDGET_SEEKING = 3; // while the playhead is: what is drawn now is soon of another moment
const FIRST_SLICE = 1 / 64; // of the time shown; each further one is twice as long
const LONGEST = 2 ** 30; // units of a stamp in the time shown; half as many before it, for looking back
const FARTHEST = 8; // times that an old picture is scaled
const SEEKING = 100; // ms after which a playhead that has moved is taken to be at rest
const REST = 500; // ms between drawings because of fixes that came late

export class Trails {
  constructor() {
    this.front = null; // what is shown
    this.back = null; // what is being drawn again, null while nothing is
    this.isPutOff = false; // whether what came into view, beyond the map's edges, is left for when it moves no more
  }

  #spare = null;
  #view = null;
  #keys = new Float64Array(64); // by member: effective time of the newest fix that is drawn
  #done = null; // {until, version, revision, brush, at} of what is drawn; nothing of it is later than `until`
  #end = NaN; // of what was shown last
  #sought = -Infinity; // when the playhead was last moved, monotonic ms
  #whole = null; // the box of `front` in which nothing is missing, px
  #task = null;
  #turn = 0;
  #isMoving = false; // whether the view was moved since the last update

  /**
   * Set the geometry (see Painter.setView); what was shown is kept, moved and scaled.
   * Returns by how many px {x, y} it moved if it is the same otherwise, else null.
   */
  setView(view) {
    const before = this.#view;
    this.#view = { ...view };
    const shift = this.front && this.#done && !this.#done.isMoved ? shiftBetween(before, view) : null;
    if (shift !== null) this.#pan(shift); else this.#replace(before, view);
    return shift;
  }

  /** The same zoom, elsewhere: what is drawn moves, and so does what is being drawn. */
  #pan(shift) {
    const task = this.#task;
    if (shift.x === 0 && shift.y === 0) return;
    this.#isMoving = true;
    this.front.shift(shift);
    this.back?.shift(shift);
    this.#whole = moved(this.#whole, shift, this.#view);
    if (!task) return;
    task.goal = moved(task.goal, shift, this.#view);
    task.skip = task.skip && moved(task.skip, shift, this.#view);
    for (let id = 0; id < task.keys.length; id++) {
      task.x[id] -= shift.x;
      task.y[id] -= shift.y;
    }
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

  /** Whether the next frame is likely to be of another moment: the playhead is dragged, or plays. */
  isSeeking(now) { return now - this.#sought < SEEKING; }

  /** Return the stamp of a moment: whole units of time, > 0 for all that is shown. */
  stampOf(moment) {
    return Math.max(1, Math.min(0x7fffffff, 1 + Math.floor((moment - this.base) / this.unit)));
  }

  /**
   * Draw what is new until `window` ({end, length}, ms); returns whether something is left for later.
   * paint: {version, indexAt(id, store, index)} tells the colours.
   */
  update(store, display, window, options, paint, now) {
    this.#reserve(display.count);
    if (!display.wasLive && window.end !== this.#end && !Number.isNaN(this.#end)) this.#sought = now;
    const brush = this.#brushFor(display.count, options.widths);
    const wanted = { version: `${options.trailsVersion} ${paint.version}`, brush: brush.name };
    const isOther = this.#done?.version !== wanted.version || this.#done?.brush !== wanted.brush;
    if (isOther || this.#isOutside(window) || this.#isHiding(display, window)) this.#begin(display, store, window, brush, wanted, isOther);
    else if (this.#done.isMoved) this.#begin(display, store, window, brush, wanted, false);
    const isBehind = this.#advance(store, display, window, brush, paint);
    if (!this.#task && this.#done.revision !== store.revision && now - this.#done.at > REST) {
      this.#begin(display, store, window, brush, wanted, false);
    }
    this.isPutOff = false;
    if (!this.#task && !covers(this.#whole, this.#view)) {
      if (this.#isMoving && covers(this.#whole, this.#view, this.#view.pad / 2)) this.isPutOff = true;
      else this.#fill(store, window);
    }
    if (this.#task) this.#work(store, window, brush, paint, now);
    this.#isMoving = false;
    this.#end = window.end;
    this.#done.until = Math.max(this.#done.until, window.end);
    if (this.#task) this.#task.until = Math.max(this.#task.until, window.end);
    return isBehind || this.#task !== null || this.#done.revision !== store.revision || !covers(this.#whole, this.#view);
  }

  /**
   * Whether passes after the end hide others, and nothing is on its way that will show these. What is being drawn
   * goes on while the playhead moves further back, else it would never be finished; unless it is all after the end.
   */
  #isHiding({ wasLive }, { end }) {
    // live, the end hangs on the clocks of two machines and may step back a little; heads do not
    if (wasLive || !(end < this.#done?.until)) return false;
    const isUnderWay = this.#task !== null && this.back !== null;
    return !isUnderWay || (end < this.#task.until && end <= this.#task.from);
  }

  /** Whether stamps cannot tell of all that is shown. */
  #isOutside(window) {
    const last = (window.end - this.base) / this.unit;
    return !(last < LONGEST * 1.9) || window.end - window.length < this.base;
  }

  /** Begin to draw all again; isOther: what is shown is no picture of the same. */
  #begin(display, store, window, brush, wanted, isOther) {
    const isCleared = isOther || this.#isOutside(window);
    if (isCleared) {
      this.unit = Math.max(1, Math.ceil(window.length / LONGEST));
      this.base = window.end - window.length - this.unit * LONGEST / 2;
      this.front.clear();
    }
    const { w, h } = this.#view;
    const isGoingOn = this.back !== null && !isCleared; // what it has is later, and of use if the playhead comes forward again
    const latest = isGoingOn ? this.#task.until : window.end;
    this.back ??= this.#spare ?? new Passes(w, h);
    this.#spare = null;
    if (!isGoingOn) this.back.clear();
    for (let id = 0; id < display.count; id++) {
      this.#keys[id] = display.state[id] === NONE ? NaN : display.tailKey[id];
    }
    this.#task = this.#taskFor(store, window, null);
    this.#task.until = latest;
    const until = isCleared || !this.#done ? window.end : this.#done.until;
    this.#done = { ...wanted, until, revision: this.#done?.revision ?? -1, at: 0, isMoved: false };
  }

  /** Begin to draw what came into view; what passes there anew is drawn already. */
  #fill(store, window) {
    this.#task = this.#taskFor(store, window, this.#whole);
    this.#task.revision = this.#done.revision;
  }

  /** Return the task of drawing from the newest piece that is drawn, back to the oldest; skip: a box without need. */
  #taskFor(store, window, skip) {
    const keys = this.#keys.slice(0, Math.min(this.#keys.length, store.size));
    const count = keys.length;
    const slice = skip === null ? window.length * FIRST_SLICE : window.length; // what comes into view comes at once
    const task = { id: 0, from: window.end, until: window.end, slice, keys, seen: keys.slice(), skip };
    Object.assign(task, { at: new Int32Array(count).fill(-1), held: new Int32Array(count) }); // where in its track both are
    Object.assign(task, { x: new Float64Array(count), y: new Float64Array(count), units: new Uint32Array(count) });
    return Object.assign(task, { revision: store.revision, goal: boxOf(this.#view) });
  }

  /** Begin with the member whose turn it is. */
  #enter(task, track) {
    const { id, keys } = task;
    const { scale, ox, oy } = this.#view;
    const index = track.indexAt(keys[id]);
    task.at[id] = task.held[id] = index;
    task.units[id] = track.x[index];
    task.x[id] = track.x[index] * scale - ox;
    task.y[id] = track.y[index] * scale - oy;
  }

  /** Draw the pieces that heads have passed since the last frame; returns whether time was short for all. */
  #advance(store, display, window, brush, paint) {
    const start = performance.now();
    const oldest = window.end - window.length;
    const { count } = display;
    const { heads } = store;
    for (let n = 0; n < count; n++) {
      const id = (this.#turn + n) % count;
      if (display.state[id] === NONE || display.tailKey[id] === this.#keys[id]) continue;
      if ((n & 63) === 63 && performance.now() - start > BUDGET) {
        this.#turn = id; // it is the first of the next frame
        return true;
      }
      const own = brush.own?.get(id) ?? brush;
      const to = display.tail[id];
      if (heads.counts[id] === to + 1 && heads.beforeKey[id] === this.#keys[id] && this.#keys[id] >= oldest) {
        this.#piece(heads.beforeX[id], heads.beforeY[id], heads.x[id], heads.y[id], own, heads.key[id], paint.indexAt(id, store, to));
      } else this.#pieces(id, store, to, oldest, own, paint);
      this.#keys[id] = display.tailKey[id];
    }
    return false;
  }

  /** Draw a member's pieces up to a fix that are not drawn yet. */
  #pieces(id, store, to, oldest, brush, paint) {
    const track = store.track(id);
    const drawn = Number.isNaN(this.#keys[id]) ? oldest : Math.max(this.#keys[id], oldest);
    const { key, x, y } = track;
    const near = nearestOf(brush) / this.#view.scale;
    let from = Math.max(0, track.indexAt(drawn));
    for (let k = from + 1; k <= to; k++) {
      if (track.isGap(k - 1)) from = k;
      else if (k === to || track.isGap(k) || !isWithin(near, eastward(x[from], x[k]), y[k] - y[from])) {
        this.#piece(x[from], y[from], x[k], y[k], brush, key[k], paint.indexAt(id, store, k));
        from = k;
      }
    }
  }

  #piece(x0, y0, x1, y1, brush, key, index) {
    const { scale, ox, oy } = this.#view;
    const x = x0 * scale - ox;
    this.#lines(x, y0 * scale - oy, x + eastward(x0, x1) * scale, y1 * scale - oy, brush, this.stampOf(key), index, true);
  }

  /** Draw a line on each copy of the world in view. */
  #lines(x0, y0, x1, y1, brush, stamp, index, isNew) {
    const { w, world } = this.#view;
    const reach = brush.width + brush.edge;
    const right = w + reach;
    if (world > right + reach && x0 > -reach && x1 > -reach && x0 < right && x1 < right) { // as nearly always: one copy
      if (isNew || this.back === null) this.front.line(x0, y0, x1, y1, brush, stamp, index);
      this.back?.line(x0, y0, x1, y1, brush, stamp, index);
      return;
    }
    const first = Math.ceil((-reach - Math.max(x0, x1)) / world);
    const last = Math.floor((right - Math.min(x0, x1)) / world);
    for (let copy = first; copy <= last; copy++) {
      const shift = copy * world;
      if (isNew || this.back === null) this.front.line(x0 + shift, y0, x1 + shift, y1, brush, stamp, index);
      this.back?.line(x0 + shift, y0, x1 + shift, y1, brush, stamp, index);
    }
  }

  /** Go on with drawing all again, slice of time by slice, so that the newest is there first. */
  #work(store, window, brush, paint, now) {
    const task = this.#task;
    const end = performance.now() + (this.isSeeking(now) ? BUDGET_SEEKING : this.#isMoving ? BUDGET_MOVING : BUDGET);
    const oldest = window.end - window.length;
    const field = new Field(this.#view, task.skip, brush);
    while (task.from > oldest) {
      const to = Math.max(oldest, task.from - task.slice);
      for (; task.id < task.keys.length; task.id++) {
        if ((task.id & 31) === 31 && performance.now() > end) return;
        const { id } = task;
        if (Number.isNaN(task.keys[id])) continue;
        const own = brush.own?.get(id);
        const near = own === undefined ? field : new Field(this.#view, task.skip, own);
        if (store.boxes.counts[id] > 0 && near.isFar(store.boxes, id)) continue; // without a look at its fixes
        if (task.at[id] < 0) this.#enter(task, store.track(id));
        this.#again(store, task, to, own ?? brush, paint, near);
      }
      task.id = 0;
      task.from = to;
      task.slice *= 2;
    }
    if (this.back !== null) {
      this.#spare = this.front;
      this.front = this.back;
      this.#done.revision = task.revision;
      this.#done.until = task.until;
      this.#done.at = now;
    }
    this.#whole = task.goal;
    this.back = this.#task = null;
  }

  /** Draw one member's pieces from where the task is back to a moment. */
  #again(store, task, to, brush, paint, field) {
    const { id } = task;
    const track = store.track(id);
    const { scale, oy } = this.#view;
    const { key: keys, x: xs, y: ys, limit } = track;
    const blocks = track.blocks();
    const { nearest } = field;
    let [x, y, units] = [task.x[id], task.y[id], task.units[id]];
    let k = indexOf(track, task.seen[id], task.at[id]);
    let held = indexOf(track, task.keys[id], task.held[id]); // the fix that is at x, y
    for (k--; k >= 0 && keys[k] >= to; k--) {
      let [isDone, isNear] = [false, false];
      const last = (k & (SIZE - 1)) === SIZE - 1 && blocks !== null ? k : -1; // of blocks
      for (let n = last < 0 ? -1 : blocks.levelAt(last); n >= 0 && !isDone && !isNear; n--) {
        const level = blocks.levels[n];
        const block = last >> level.bits;
        const first = level.firstOf(block);
        if (keys[first] < to) continue;
        isDone = field.isAway(level, block, x, units);
        isNear = !isDone && level.pause[block] <= limit && field.isNear(level, block, x, y, units);
        if (isDone || isNear) k = first;
      }
      if (isNear) continue;
      const nextX = x + eastward(units, xs[k]) * scale;
      const nextY = ys[k] * scale - oy;
      if (!isDone && keys[k + 1] - keys[k] <= limit) {
        if (Math.abs(nextX - x) < nearest && Math.abs(nextY - y) < nearest) continue;
        if (!field.isDrawn(x, y, nextX, nextY)) {
          this.#lines(nextX, nextY, x, y, brush, this.stampOf(keys[held]), paint.indexAt(id, store, held), false);
        }
      }
      [x, y, units, held] = [nextX, nextY, xs[k], k];
    }
    [task.x[id], task.y[id], task.units[id], task.keys[id], task.held[id]] = [x, y, units, keys[held], held];
    task.at[id] = Math.max(0, k + 1);
    task.seen[id] = keys[task.at[id]];
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

/** Return the index of a fix by its time, which mostly is where it was. */
const indexOf = (track, key, before) => (track.key[before] === key ? before : track.indexAt(key));

const isWithin = (near, dx, dy) => dx > -near && dx < near && dy > -near && dy < near;

const boxOf = ({ w, h }) => ({ left: 0, top: 0, right: w, bottom: h });

/** Whether a box holds the view, but for a rim. */
function covers(box, { w, h }, rim = 0) {
  return box !== null && box.left <= rim && box.top <= rim && box.right >= w - rim && box.bottom >= h - rim;
}

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
