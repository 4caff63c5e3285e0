// The heads that are in view, as columns: there may be very many, in every frame.

import { NONE } from './display.js';

export class Visible {
  constructor() {
    this.count = 0;
    this.ids = new Uint32Array(64);
    this.xs = new Float64Array(64); // device px
    this.ys = new Float64Array(64);
  }

  /** Find the heads in a view, or at most `margin` px beside it, on each copy of the world. */
  find(view, display, margin) {
    const { scale, world, ox, oy, w, h } = view;
    this.count = 0;
    for (let id = 0; id < display.count; id++) {
      if (display.state[id] === NONE) continue;
      const y = display.y[id] * scale - oy;
      if (y < -margin || y > h + margin) continue;
      let x = display.x[id] * scale - ox;
      x += Math.ceil((-margin - x) / world) * world; // the leftmost copy of the world in view
      for (; x <= w + margin; x += world) this.#add(id, x, y);
    }
  }

  /** Return the rows in ascending order of a number that is told of each id. */
  sorted(orderOf) {
    const orders = Array.from(this.ids.subarray(0, this.count), orderOf);
    return orders.map((_, n) => n).sort((a, b) => orders[a] - orders[b]);
  }

  /** Return the row whose head is nearest to a place, within `reach` px; -1 without one. */
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    for (let n = 0; n < this.count; n++) {
      const squared = (this.xs[n] - x) ** 2 + (this.ys[n] - y) ** 2;
      if (squared <= least) [best, least] = [n, squared];
    }
    return best;
  }

  #add(id, x, y) {
    if (this.count === this.ids.length) {
      for (const name of ['ids', 'xs', 'ys']) {
        const larger = new this[name].constructor(this.count * 2);
        larger.set(this[name]);
        this[name] = larger;
      }
    }
    this.ids[this.count] = id;
    this.xs[this.count] = x;
    this.ys[this.count++] = y;
  }
}
