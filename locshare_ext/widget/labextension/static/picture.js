// The pixels of one frame: passes as colours that fade with age, and dots for heads that are many.

import { LOST, STALE } from './display.js';
import { coreOfMark, coverOfMark } from './passes.js';

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
  }

  /**
   * Write all pixels. back: passes that lie over those of `front`, or null. stamp: of now; life: stamps
   * until a pass has faded. ahead: whether passes after now are seen. palette: packed colours by index.
   */
  compose(front, back, { stamp, life, ahead, palette, paper }) {
    const { pixels } = this;
    const scale = STEPS / life;
    const oldest = stamp - life;
    const size = pixels.length;
    const [stamps, marks] = [front.stamps, front.marks];
    const over = back?.stamps;
    for (let p = 0; p < size; p++) {
      let at = stamps[p];
      let mark = marks[p];
      if (over !== undefined && over[p] !== 0) {
        at = over[p];
        mark = back.marks[p];
      }
      if (at === 0) {
        pixels[p] = 0;
        continue;
      }
      const age = stamp - at;
      if (at < oldest || (age < 0 && !ahead)) {
        pixels[p] = 0;
        continue;
      }
      const fade = FADE[age <= 0 ? 0 : (age * scale) | 0];
      const color = palette[mark >>> 12];
      pixels[p] = (mark & 0xfc0) === 0xfc0 ? (color | (fade << 24)) >>> 0 : edged(mark, color, paper, fade);
    }
  }

  /** Draw a head's dot, `radius` px wide to each side, with a rim of paper. */
  dot(x, y, radius, color, state, paper) {
    const { w, h, pixels } = this;
    const reach = Math.ceil(radius + 1);
    const [middleX, middleY] = [Math.floor(x), Math.floor(y)];
    if (middleX < reach || middleY < reach || middleX >= w - reach || middleY >= h - reach) return;
    const inner = radius * radius;
    const outer = (radius + 1) * (radius + 1);
    const [ink, rim] = state === LOST || state === STALE ? [paper, color] : [color, paper];
    const opacity = state === LOST ? 0xa0000000 : OPAQUE;
    for (let dy = -reach; dy <= reach; dy++) {
      let p = (middleY + dy) * w + middleX - reach;
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
      if (x >= 0 && y >= 0 && x < w && y < h) pixels[y * w + x] = (color | OPAQUE) >>> 0;
    }
  }
}

/** Return the pixel at a line's edge: its colour and paper, mixed, as far as it covers. */
function edged(mark, color, paper, fade) {
  const cover = coverOfMark(mark);
  const part = coreOfMark(mark) / cover;
  const mix = shift => Math.round(((color >> shift) & 0xff) * part + ((paper >> shift) & 0xff) * (1 - part));
  return ((Math.round(fade * cover / 63) << 24) | (mix(16) << 16) | (mix(8) << 8) | mix(0)) >>> 0;
}

