// The pixels of one frame: passes as colours that fade with age, and dots for heads that are many.

import { LOST, STALE } from './display.js';
import { coreOfMark, coverOfMark, runOf, runsOf, startOf } from './passes.js';

const STEPS = 1024; // of the fade
const OLDEST = 0.1; // opacity
const NEWEST = 0.95;
const OPAQUE = 0xff000000;

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
    this.written = new Uint8Array(runsOf(w * h)); // by run of pixels: whether one is not empty
  }

  /**
   * Write all pixels. back: passes that lie over those of `front`, or null. stamp: of now; life: stamps
   * until a pass has faded. ahead: whether passes after now are seen. palette: packed colours by index.
   */
  compose(front, back, { stamp, life, ahead, palette, paper }) {
    const { pixels, written } = this;
    const look = { stamp, oldest: stamp - life, scale: STEPS / life, ahead, palette, paper };
    for (let run = 0; run < written.length; run++) {
      const start = startOf(run);
      const end = Math.min(pixels.length, startOf(run + 1));
      const isOver = back !== null && back.touched[run] === 1;
      if (front.touched[run] === 1 || isOver) {
        composeRun(pixels, start, end, front, isOver ? back : null, look);
        written[run] = 1;
      } else if (written[run] === 1) {
        pixels.fill(0, start, end);
        written[run] = 0;
      }
    }
  }

  /** Draw a head's dot, `radius` px wide to each side, with a rim of paper. */
  dot(x, y, radius, color, state, paper) {
    const { w, h, pixels, written } = this;
    const reach = Math.ceil(radius + 1);
    const [middleX, middleY] = [Math.floor(x), Math.floor(y)];
    if (middleX < reach || middleY < reach || middleX >= w - reach || middleY >= h - reach) return;
    const inner = radius * radius;
    const outer = (radius + 1) * (radius + 1);
    const [ink, rim] = state === LOST || state === STALE ? [paper, color] : [color, paper];
    const opacity = state === LOST ? 0xa0000000 : OPAQUE;
    for (let dy = -reach; dy <= reach; dy++) {
      let p = (middleY + dy) * w + middleX - reach;
      written[runOf(p)] = written[runOf(p + 2 * reach)] = 1; // a dot is narrower than a run
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
      this.written[runOf(y * w + x)] = 1;
    }
  }
}

function composeRun(pixels, start, end, front, back, { stamp, oldest, scale, ahead, palette, paper }) {
  const [stamps, marks] = [front.stamps, front.marks];
  for (let p = start; p < end; p++) {
    let at = stamps[p];
    let mark = marks[p];
    if (back !== null && back.stamps[p] !== 0) {
      at = back.stamps[p];
      mark = back.marks[p];
    }
    const age = stamp - at;
    if (at === 0 || at < oldest || (age < 0 && !ahead)) {
      pixels[p] = 0;
      continue;
    }
    const fade = FADE[age <= 0 ? 0 : (age * scale) | 0];
    const color = palette[mark >>> 12];
    pixels[p] = (mark & 0xfc0) === 0xfc0 ? (color | (fade << 24)) >>> 0 : edged(mark, color, paper, fade);
  }
}

/** Return the pixel at a line's edge: its colour and paper, mixed, as far as it covers. */
function edged(mark, color, paper, fade) {
  const cover = coverOfMark(mark);
  const core = coreOfMark(mark);
  const opacity = ((fade * cover / 63) | 0) << 24;
  if (core === cover) return (color | opacity) >>> 0;
  const part = (core * 256 / cover) | 0; // of 256, that is the line's own colour
  const mix = mask => (((color & mask) * part + (paper & mask) * (256 - part)) / 256) & mask;
  return (mix(0xff00ff) | mix(0x00ff00) | opacity) >>> 0;
}
