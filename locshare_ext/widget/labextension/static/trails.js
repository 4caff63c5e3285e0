// Draws trails: lines that fade with age, broken at gaps.

const BUCKETS = 12; // steps of the fade
const NEAREST = 0.6; // px below which a point adds nothing

const alphaOf = bucket => 0.1 + 0.85 * (1 - (bucket + 0.5) / BUCKETS);

export class TrailPainter {
  constructor() {
    this.px = new Float64Array(1024);
    this.py = new Float64Array(1024);
    this.bucket = new Int8Array(1024); // of the line that ends at a point; -1: none does (start, gap)
  }

  /**
   * Draw fixes [from, to] of a track, and on to `head` ({x, y} in units) unless null.
   * window: {end, length} in ms. Returns the number of fixes in it.
   */
  draw(context, view, track, from, to, head, window, style) {
    const points = this.#collect(view, track, from, to, head, window);
    if (points.count > 1) this.#stroke(context, view, points, style);
  }

  #collect(view, track, from, to, head, window) {
    this.#reserve(to - from + 3);
    const { px, py, bucket } = this;
    const scale = BUCKETS / window.length;
    let count = 0;
    let low = Infinity;
    let high = -Infinity;
    let x = 0; // unwrapped, so that a line over the antimeridian stays whole
    let before = 0;
    const add = (units, y, age, isBreak) => {
      x = count === 0 ? units * view.scale : x + ((units - before) | 0) * view.scale;
      before = units;
      const screen = y * view.scale - view.oy;
      if (count > 0 && !isBreak && Math.abs(x - px[count - 1]) < NEAREST && Math.abs(screen - py[count - 1]) < NEAREST) return;
      px[count] = x;
      py[count] = screen;
      bucket[count] = isBreak || count === 0 ? -1 : Math.max(0, Math.min(BUCKETS - 1, Math.floor(age * scale)));
      if (x < low) low = x;
      if (x > high) high = x;
      count++;
    };
    for (let k = from; k <= to; k++) {
      add(track.x[k], track.y[k], window.end - track.key[k], k > from && track.isGap(k - 1));
    }
    if (head !== null) add(head.x, head.y, 0, false);
    return { count, low, high };
  }

  #stroke(context, view, { count, low, high }, style) {
    const first = Math.ceil((view.ox - high) / view.world);
    const last = Math.floor((view.ox + view.w - low) / view.world);
    for (let copy = first; copy <= last; copy++) {
      const shift = copy * view.world - view.ox;
      if (style.halo) this.#lines(context, count, shift, style.halo, style.width + 2.4 * view.dpr, 0.75);
      this.#lines(context, count, shift, style.color, style.width, 1);
    }
  }

  #lines(context, count, shift, color, width, strength) {
    const { px, py, bucket } = this;
    context.strokeStyle = color;
    context.lineWidth = width;
    let k = 1;
    while (k < count) {
      const current = bucket[k];
      if (current < 0) { k++; continue; }
      context.globalAlpha = alphaOf(current) * strength;
      context.beginPath();
      context.moveTo(px[k - 1] + shift, py[k - 1]);
      for (; k < count && bucket[k] === current; k++) context.lineTo(px[k] + shift, py[k]);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #reserve(size) {
    if (size <= this.px.length) return;
    const capacity = Math.max(size, this.px.length * 2);
    this.px = new Float64Array(capacity);
    this.py = new Float64Array(capacity);
    this.bucket = new Int8Array(capacity);
  }
}
