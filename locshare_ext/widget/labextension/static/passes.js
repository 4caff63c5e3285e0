// The pixels that trails passed over: when the newest pass was, whose, and how much of the pixel it covers.
// What is drawn once stays; fading is a matter of the moment it is looked at, so a frame costs no trail again.

const FULL = 63; // coverage of a whole pixel
const HALF = 32;
const WHOLE = (FULL << 6) | FULL; // of a mark: the line's own colour, all over
const SKIRT = 0.75; // strength of the paper-coloured edge of a line
const CAP = 1; // px beyond a line's width that may be covered a little
const RUN = 5; // pixels are looked at by runs of 2 ** 5

export const PASSED = 1; // there may be a pass
export const NEWS = 2; // there may be another since somebody looked

export const runsOf = size => (size >>> RUN) + 1;
export const runOf = p => p >>> RUN;
export const startOf = run => run << RUN;

export const indexOfMark = mark => mark >>> 12;
export const coreOfMark = mark => (mark >>> 6) & FULL; // 0-63 of the line's own colour
export const coverOfMark = mark => mark & FULL; // 0-63 of the line with its edge

export class Passes {
  constructor(w, h) {
    this.w = w;
    this.h = h;
    this.stamps = new Int32Array(w * h); // 0: no pass
    this.marks = new Uint32Array(w * h);
    this.touched = new Uint8Array(runsOf(w * h)); // by run of pixels: NEWS there may be since it was looked at, or PASSED
    this.version = 0; // changes with all of it at once
  }

  clear() {
    this.version++;
    this.stamps.fill(0);
    this.touched.fill(0);
  }

  /**
   * Draw a line between two places in pixels. brush: {width, edge} in px; edge 0 and a width of
   * whole pixels with `isHard` draws without smoothing, which is what many trails want.
   * stamp: > 0, of the pass; index: of its colour. The order in which lines are drawn does not matter.
   */
  line(x0, y0, x1, y1, brush, stamp, index) {
    const reach = brush.width / 2 + brush.edge + CAP;
    const { w, h } = this;
    if ((x0 < -reach && x1 < -reach) || (y0 < -reach && y1 < -reach)) return;
    if ((x0 > w + reach && x1 > w + reach) || (y0 > h + reach && y1 > h + reach)) return;
    if (Math.min(x0, x1, y0, y1) < -reach || Math.max(x0, x1) > w + reach || Math.max(y0, y1) > h + reach) {
      const cut = clip(x0, y0, x1, y1, -reach, -reach, w + reach, h + reach);
      if (cut === null) return;
      [x0, y0, x1, y1] = cut;
    }
    if (brush.isHard) this.#hard(x0, y0, x1, y1, brush.width, stamp, index);
    else this.#smooth(x0, y0, x1, y1, brush, stamp, index);
  }

  #hard(x0, y0, x1, y1, width, stamp, index) {
    const { w, h, stamps, marks, touched } = this;
    const mark = ((index << 12) | (FULL << 6) | FULL) >>> 0;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const steps = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy))) || 1;
    const ex = dx / steps;
    const ey = dy / steps;
    const across = Math.abs(dx) < Math.abs(dy) ? 1 : w;
    const shift = (width - 1) / 2; // so that the line's middle is where it should be
    x0 -= across === 1 ? shift : 0;
    y0 -= across === 1 ? 0 : shift;
    const right = across === 1 ? w - width : w - 1;
    const bottom = across === 1 ? h - 1 : h - width;
    for (let k = 0; k <= steps; k++, x0 += ex, y0 += ey) {
      if (x0 < 0 || y0 < 0) continue;
      const px = x0 | 0;
      const py = y0 | 0;
      if (px > right || py > bottom) continue;
      for (let n = 0, p = py * w + px; n < width; n++, p += across) {
        if (stamps[p] <= stamp) {
          stamps[p] = stamp;
          marks[p] = mark;
          touched[p >>> RUN] = NEWS;
        }
      }
    }
  }

  #smooth(x0, y0, x1, y1, { width, edge }, stamp, index) {
    const { w, stamps, marks } = this;
    const half = width / 2;
    const reach = half + edge + 0.5;
    // pixels whose middle may be near enough
    const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach - 0.5));
    const right = Math.min(w - 1, Math.floor(Math.max(x0, x1) + reach - 0.5));
    const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach - 0.5));
    const bottom = Math.min(this.h - 1, Math.floor(Math.max(y0, y1) + reach - 0.5));
    const dx = x1 - x0;
    const dy = y1 - y0;
    const squared = dx * dx + dy * dy;
    const inverse = squared > 0 ? 1 / squared : 0;
    const length = Math.sqrt(squared);
    for (let py = top; py <= bottom; py++) {
      let from = left;
      let to = right;
      if (Math.abs(dy) > 1e-6 * length && length > 2 * reach) { // only what of this row is near the line
        const middle = x0 + (py + 0.5 - y0) * dx / dy;
        const wide = reach * length / Math.abs(dy) + 1;
        from = Math.max(left, Math.floor(middle - wide));
        to = Math.min(right, Math.ceil(middle + wide));
      }
      for (let px = from, p = py * w + from; px <= to; px++, p++) {
        if (stamps[p] > stamp && (marks[p] & WHOLE) === WHOLE) continue; // nothing older shows there
        const ax = px + 0.5 - x0;
        const ay = py + 0.5 - y0;
        let along = (ax * dx + ay * dy) * inverse; // of the line, to where it is nearest
        if (along < 0) along = 0; else if (along > 1) along = 1;
        const offX = ax - along * dx;
        const offY = ay - along * dy;
        const far = offX * offX + offY * offY;
        if (far >= reach * reach) continue;
        const distance = Math.sqrt(far); // Math.hypot takes ten times as long
        this.#cover(p, half - distance + 0.5, reach - distance, edge, stamp, index);
      }
    }
  }

  /** A pixel inside a line counts more than one at another's edge; among equals the newer counts. */
  #cover(p, inLine, inEdge, edge, stamp, index) {
    const core = partOf(inLine);
    const skirt = edge > 0 ? partOf(SKIRT * (inEdge > 1 ? 1 : inEdge)) : 0;
    const cover = core > skirt ? core : skirt;
    if (cover === 0) return;
    const { stamps, marks } = this;
    this.touched[p >>> RUN] = NEWS;
    const before = stamps[p];
    if (before === 0) {
      stamps[p] = stamp;
      marks[p] = ((index << 12) | (core << 6) | cover) >>> 0;
      return;
    }
    const old = marks[p];
    const isInside = core >= HALF;
    const wasInside = coreOfMark(old) >= HALF;
    const wins = isInside === wasInside ? stamp >= before : isInside;
    const coverage = (Math.max(core, coreOfMark(old)) << 6) | Math.max(cover, coverOfMark(old));
    if (wins) stamps[p] = stamp;
    marks[p] = (((wins ? index : indexOfMark(old)) << 12) | coverage) >>> 0;
  }

  /**
   * Take over what another shows, as seen from another place or zoom, until it is drawn anew.
   * over: null, or what lies over it, of the same size. shift: its pixels (x, y) at this one's
   * origin; ratio: its pixels for one of these.
   */
  carry(from, over, shift, ratio) {
    this.version++;
    this.touched.fill(0);
    this.#scale(from, over, shift, ratio);
  }

  /** Move all by whole pixels: what is at (x, y) comes to the origin. What is news or not, stays so. */
  shift({ x, y }) {
    const { w, h } = this;
    moveRows(this.stamps, w, h, x, y);
    moveRows(this.marks, w, h, x, y);
    moveRuns(this.touched, y * w + x);
  }

  #scale(from, over, shift, ratio) {
    const { w, h, stamps, marks, touched } = this;
    const columns = new Int32Array(w);
    for (let x = 0; x < w; x++) columns[x] = Math.floor(shift.x + (x + 0.5) * ratio);
    for (let y = 0, p = 0; y < h; y++) {
      const row = Math.floor(shift.y + (y + 0.5) * ratio);
      if (row < 0 || row >= from.h) {
        stamps.fill(0, p, p + w);
        p += w;
        continue;
      }
      const base = row * from.w;
      for (let x = 0; x < w; x++, p++) {
        const column = columns[x];
        if (column < 0 || column >= from.w) {
          stamps[p] = 0;
          continue;
        }
        const source = over !== null && over.stamps[base + column] !== 0 ? over : from;
        stamps[p] = source.stamps[base + column];
        marks[p] = source.marks[base + column];
        if (stamps[p] !== 0) touched[p >>> RUN] = NEWS;
      }
    }
  }
}

/** Move an image of w * h numbers, so that what is at (x, y) comes to the origin; what comes into it is 0. */
export function moveRows(values, w, h, x, y) {
  const by = y * w + x;
  if (by > 0) values.copyWithin(0, by); else values.copyWithin(-by, 0);
  if (y > 0) values.fill(0, Math.max(0, h - y) * w); else values.fill(0, 0, Math.min(h, -y) * w);
  const [from, to] = x > 0 ? [Math.max(0, w - x), w] : [0, Math.min(w, -x)];
  for (let start = 0; start < w * h && from < to; start += w) values.fill(0, start + from, start + to);
}

/** Move what is noted of runs by so many pixels; each new one has the higher note of the two that it was of. */
export function moveRuns(notes, by) {
  const before = notes.slice();
  const [runs, part] = [by >> RUN, by & (startOf(1) - 1)];
  for (let run = 0; run < notes.length; run++) {
    const note = before[run + runs] ?? 0;
    notes[run] = part === 0 ? note : Math.max(note, before[run + runs + 1] ?? 0);
  }
}

/** Return a part of a pixel as it is noted: 0-63. */
const partOf = part => (part >= 1 ? FULL : part > 0 ? (FULL * part + 0.5) | 0 : 0);

/** Return the part of a line in a box as [x0, y0, x1, y1], null without one (Liang and Barsky). */
export function clip(x0, y0, x1, y1, left, top, right, bottom) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  let [a, b] = [0, 1];
  for (const [toward, room] of [[-dx, x0 - left], [dx, right - x0], [-dy, y0 - top], [dy, bottom - y0]]) {
    if (toward === 0) {
      if (room < 0) return null;
    } else if (toward < 0) a = Math.max(a, room / toward);
    else b = Math.min(b, room / toward);
  }
  return a > b ? null : [x0 + a * dx, y0 + a * dy, x0 + b * dx, y0 + b * dy];
}
