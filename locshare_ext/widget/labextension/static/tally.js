// How many fixes the trails of a view have. Each member's track has to be looked into for it, so that not all are
// counted again in each frame.

import { NONE } from './display.js';

const AGAIN = 500; // ms in which all are counted while there are frames

export class Tally {
  constructor() { this.#begin(); }

  #own; // by member
  #count; // of members
  #next;
  #at; // ms, when it was last counted

  #begin() {
    this.total = 0;
    this.#own = new Uint32Array(64);
    this.#count = this.#next = 0;
    this.#at = -Infinity;
  }

  /** Count some again, or all of them; window: {end, length}, ms; now: monotonic ms. */
  update(store, display, window, now, isAll) {
    const { count } = display;
    if (count < this.#count) this.#begin(); // others than before
    this.#count = count;
    this.#reserve(count);
    const due = isAll ? count : Math.min(count, Math.ceil(count * (now - this.#at) / AGAIN));
    this.#at = now;
    for (let n = 0; n < due; n++) {
      const id = this.#next = (this.#next + 1) % count;
      const own = display.state[id] === NONE ? 0 : fixesOf(store, id, display.tail[id], window);
      this.total += own - this.#own[id];
      this.#own[id] = own;
    }
  }

  #reserve(count) {
    if (count <= this.#own.length) return;
    const larger = new Uint32Array(Math.max(count, 2 * this.#own.length));
    larger.set(this.#own);
    this.#own = larger;
  }
}

const fixesOf = (store, id, tail, { end, length }) => Math.max(0, tail - store.indexAt(id, end - length - 1));
