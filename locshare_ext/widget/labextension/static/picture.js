// The pixels of one frame: passes as colours that fade with age, and dots for heads that are many.

import { LOST, STALE } from './display.js';
import { NEWS, PASSED, moveRows, moveRuns, runOf, runsOf, startOf } from './passes.js';

const STEPS = 1024; // of the fade
const OLDEST = 0.1; // opacity
const NEWEST = 0.95;
const SHADES = 256; // of a pixel between new and gone
const ROUGH = 8; // as many suffice for a picture that is seen for a moment
const NEVER = 0x7fffffff;
const OPAQUE = 0xff000000;
const MANY = 1 / 8; // of all runs: if heads lie over more, all pixels are copied at once

const FADE = Uint8Array.from({ length: STEPS + 1 }, (_, k) => Math.round(255 * (NEWEST + (OLDEST - NEWEST) * k / STEPS)));

/** Return a colour `#rrggbb` as it lies in the pixels, without its opacity. */
export function packed(color) {
  const value = parseInt(color.slice(1), 16);
  return ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16);
}

export class Picture {
  /** pixels: Uint32Array of w * h, as ImageData has them on all machines that browsers run on. */
  constructor(w, h, pixels) {
    Object.assign(this, { w, h, pixels });
    this.trails = new Uint32Array(w * h); // what `pixels` are without the heads of a frame
    this.written = new Uint8Array(runsOf(w * h)); // by run of pixels: whether a trail pixel is not empty
    this.covered = new Uint8Array(runsOf(w * h)); // by run of pixels: whether heads lie over it
    this.shown = new Int32Array(runsOf(w * h)); // by run of pixels: stamp of the newest pass that is seen
    this.hidden = new Int32Array(runsOf(w * h)); // and of the oldest that is not yet
  }

  /** Move all as the trails moved (see Passes.shift), so that what was made of them need not be made again. */
  shift({ x, y }) {
    const { w, h } = this;
    if (x === 0 && y === 0) return;
    moveRows(this.trails, w, h, x, y);
    moveRuns(this.written, y * w + x);
    this.shown.fill(NEVER); // unknown: looked at whenever the time is another
    this.pixels.set(this.trails);
    this.covered.fill(0);
  }

  #last = null; // what the trail pixels were made of
  #next = 0; // the run whose age is looked at again next
  #covered = 0; // runs that heads lay over when it was last composed
  #isRough = false; // whether some pixels are paler or stronger than they should be

  /**
   * Bring all pixels to what trails look like now, without heads. back: passes that lie over those of
   * `front`, or null. stamp: of now; life: stamps until a pass has faded. ahead: whether passes after now
   * are seen. palette: packed colours by index; changes: another number when it has others.
   *
   * Pixels are made anew where something passed. The others fade so slowly that few of them differ
   * from one frame to the next: as many are looked at, in turn, as time has gone on.
   *
   * isBrief: the next frame is of another time. Then of those that time goes by quickly few are looked at,
   * besides all where a pass comes into sight or goes. Returns whether some are left for a frame that stays.
   */
  compose(front, back, { stamp, life, ahead, palette, paper, changes = 0, isBrief = false }) {
    const [oldest, newest] = [Math.max(1, Math.ceil(stamp - life)), ahead ? NEVER : stamp]; // of passes that are seen
    const look = { stamp, oldest, newest, scale: STEPS / life, palette, paper, shown: this.shown, hidden: this.hidden };
    const runs = this.written.length;
    const made = { front, back, shape: front.version, cover: back?.version, life, ahead, palette, paper, changes };
    const isSame = this.#last !== null && Object.keys(made).every(key => made[key] === this.#last[key]);
    const elapsed = isSame ? stamp - this.#last.stamp : Infinity;
    const isSoft = ahead && elapsed >= 0 && elapsed < life / SHADES;
    const isRough = isBrief && isSame && !ahead && (elapsed !== 0 || this.#isRough);
    const isAll = !isRough && (this.#isRough || !(elapsed === 0 || isSoft));
    const due = isAll ? runs : Math.min(runs, Math.ceil(runs * Math.abs(elapsed) * (isRough ? ROUGH : SHADES) / life));
    const [from, to] = [this.#next, this.#next + due]; // as if the runs began again after the last
    const isWhole = this.#covered > runs * MANY;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      const isOther = isRough && (this.shown[run] > stamp || this.hidden[run] <= stamp);
      const isDue = isAll || isOther || (run >= from && run < to) || run + runs < to;
      const [below, above] = [front.touched[run], back === null ? 0 : back.touched[run]];
      if ((below | above) & NEWS || (isDue && (below | above | this.written[run]) !== 0)) {
        this.#composeRun(run, front, above ? back : null, below | above, look);
        if (!isWhole) this.#copy(run);
        if (below) front.touched[run] = PASSED;
        if (above) back.touched[run] = PASSED;
      } else if (!isWhole && this.covered[run] === 1) this.#copy(run);
      covered += this.covered[run];
      this.covered[run] = 0;
    }
    if (isWhole) this.pixels.set(this.trails);
    this.#covered = covered;
    this.#next = isAll ? 0 : to % runs;
    this.#last = { ...made, stamp };
    this.#isRough = isRough;
    return isRough;
  }

  #composeRun(run, front, back, hasPasses, look) {
    const { trails } = this;
    const start = startOf(run);
    const end = Math.min(trails.length, startOf(run + 1));
    if (!hasPasses) trails.fill(0, start, end);
    else if (back === null) composeRun(trails, start, end, front, look);
    else composeBoth(trails, start, end, front, back, look);
    this.written[run] = hasPasses ? 1 : 0;
  }

  #copy(run) {
    const { pixels, trails } = this;
    for (let p = startOf(run), end = Math.min(pixels.length, startOf(run + 1)); p < end; p++) pixels[p] = trails[p];
  }

  /** Return [top, bottom] of the rows that are not all empty, [0, 0] if all are; further ones may be among them. */
  rows() {
    const { w, written, covered } = this;
    let first = 0;
    let last = written.length - 1;
    while (first <= last && !(written[first] | covered[first])) first++;
    while (last > first && !(written[last] | covered[last])) last--;
    if (first > last) return [0, 0];
    return [Math.floor(startOf(first) / w), Math.min(this.h, Math.ceil(startOf(last + 1) / w))];
  }

  /** Draw a mask (see Heads) in two colours with its middle at a place in pixels. */
  mask({ size, alpha, ink, first, last }, x, y, color, paper) {
    const { w, h, pixels, covered } = this;
    const left = Math.round(x - size / 2);
    const top = Math.round(y - size / 2);
    for (let row = Math.max(0, -top); row < size && top + row < h; row++) {
      const from = Math.max(first[row], -left);
      const to = Math.min(last[row], w - left);
      if (from >= to) continue;
      let p = (top + row) * w + left + from;
      for (let run = runOf(p); run <= runOf(p + to - from - 1); run++) covered[run] = 1;
      for (let q = row * size + from; q < row * size + to; q++, p++) {
        const own = ink[q] === 255 ? color : ink[q] === 0 ? paper : mixed(color, paper, ink[q] + 1);
        pixels[p] = alpha[q] === 255 ? (own | OPAQUE) >>> 0 : over(own, alpha[q], pixels[p]);
      }
    }
  }

  /** Draw a head's dot, `radius` px wide to each side, with a rim of paper. */
  dot(x, y, radius, color, state, paper) {
    const { w, h, pixels, covered } = this;
    const reach = Math.ceil(radius + 1);
    const [middleX, middleY] = [Math.floor(x), Math.floor(y)];
    if (middleX < reach || middleY < reach || middleX >= w - reach || middleY >= h - reach) return;
    const inner = radius * radius;
    const outer = (radius + 1) * (radius + 1);
    const [ink, rim] = state === LOST || state === STALE ? [paper, color] : [color, paper];
    const opacity = state === LOST ? 0xa0000000 : OPAQUE;
    for (let dy = -reach; dy <= reach; dy++) {
      let p = (middleY + dy) * w + middleX - reach;
      covered[runOf(p)] = covered[runOf(p + 2 * reach)] = 1; // a dot is narrower than a run
      for (let dx = -reach; dx <= reach; dx++, p++) {
        const squared = dx * dx + dy * dy;
        if (squared <= inner) pixels[p] = (ink | opacity) >>> 0;
        else if (squared <= outer) pixels[p] = (rim | opacity) >>> 0;
      }
    }
  }

  /** Draw a thin line, for the way of a head that has not reached its fix. */
  line(x0, y0, x1, y1, color) {
    const { w, h, pixels } = this;
    const steps = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))) || 1;
    if (steps > w + h) return; // never so far between two fixes that a head is seen on
    for (let k = 0; k <= steps; k++) {
      const x = Math.floor(x0 + (x1 - x0) * k / steps);
      const y = Math.floor(y0 + (y1 - y0) * k / steps);
      if (x < 0 || y < 0 || x >= w || y >= h) continue;
      pixels[y * w + x] = (color | OPAQUE) >>> 0;
      this.covered[runOf(y * w + x)] = 1;
    }
  }
}

/** Compose the pixels of a run from what passed there last; note which passes are seen, and which will be. */
function composeRun(pixels, start, end, { stamps, marks }, { stamp, oldest, newest, scale, palette, paper, shown, hidden }) {
  let [latest, next] = [0, NEVER];
  for (let p = start; p < end; p++) {
    const at = stamps[p];
    if (at >= oldest && at <= newest) {
      if (at > latest) latest = at;
      pixels[p] = shade(marks[p], stamp - at, scale, palette, paper);
    } else {
      if (at > newest && at < next) next = at;
      pixels[p] = 0;
    }
  }
  shown[runOf(start)] = latest;
  hidden[runOf(start)] = next;
}

/** Compose them from two, of which what is seen of `back` lies above. */
function composeBoth(pixels, start, end, front, back, { stamp, oldest, newest, scale, palette, paper, shown, hidden }) {
  let [latest, next] = [0, NEVER];
  for (let p = start; p < end; p++) {
    const above = back.stamps[p];
    const isAbove = above >= oldest && above <= newest;
    const at = isAbove ? above : front.stamps[p];
    if (above > newest && above < next) next = above;
    if (at >= oldest && at <= newest) {
      if (at > latest) latest = at;
      pixels[p] = shade(isAbove ? back.marks[p] : front.marks[p], stamp - at, scale, palette, paper);
    } else {
      if (at > newest && at < next) next = at;
      pixels[p] = 0;
    }
  }
  shown[runOf(start)] = latest;
  hidden[runOf(start)] = next;
}

/** Return the pixel of a mark whose age is so many stamps, of which `scale` are a step of the fade. */
function shade(mark, age, scale, palette, paper) {
  const fade = FADE[age <= 0 ? 0 : (age * scale) | 0];
  const color = palette[mark >>> 12];
  const cover = mark & 63;
  if (cover === 63 && (mark & 0xfc0) === 0xfc0) return color | (fade << 24);
  const core = (mark >>> 6) & 63;
  const opacity = ((fade * cover * 66577) >>> 22) << 24; // a part of 63, without a division
  return (core === cover ? color : mixed(color, paper, (core * 256 / cover) | 0)) | opacity;
}

/** Return a colour between two, `part` of 256 the first. */
function mixed(color, paper, part) {
  const rest = 256 - part;
  const ends = (((color & 0xff00ff) * part + (paper & 0xff00ff) * rest) / 256) & 0xff00ff; // two at once
  return ends | (((color & 0xff00) * part + (paper & 0xff00) * rest) >>> 8) & 0xff00;
}

/** Return what is seen of a pixel under a colour with an opacity of 0-255. */
function over(color, alpha, below) {
  if (alpha === 0) return below;
  if (below === 0) return (color | (alpha << 24)) >>> 0;
  const rest = (below >>> 24) * (255 - alpha) / 255;
  const whole = alpha + rest;
  const mix = mask => (((color & mask) * alpha + (below & mask) * rest) / whole) & mask;
  return (mix(0xff) | mix(0xff00) | mix(0xff0000) | (Math.round(whole) << 24)) >>> 0;
}
