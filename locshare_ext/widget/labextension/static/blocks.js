// In which part of the world each block of a member's fixes lies, so that what is out of view is not looked at.

const BITS = 5;

export const SIZE = 2 ** BITS; // fixes of a block; its box holds the first of the next one too
export const WIDE = 0xffffffff; // width of a box that is no help: it may go around the world

export class Blocks {
  constructor() {
    this.count = 0; // of blocks that are whole and known
    this.#allot(4);
  }

  /** Look at the blocks of a track that have become whole. */
  update(track) {
    const whole = Math.max(0, track.count - 1) >> BITS;
    if (whole > this.west.length) this.#grow(Math.max(whole, Math.ceil(this.west.length * 1.5)));
    while (this.count < whole) this.#look(track, this.count++);
  }

  /** Forget what fixes from an index on have to do with. */
  forget(index) {
    this.count = Math.min(this.count, Math.max(0, Math.ceil(index / SIZE) - 1));
  }

  #look({ key, x, y }, block) {
    const first = block << BITS;
    let [low, high, north, south, pause] = [0, 0, y[first], y[first], 0];
    let offset = 0; // units east of the first
    for (let k = first + 1; k <= first + SIZE; k++) {
      offset += (x[k] - x[k - 1]) | 0;
      if (offset < low) low = offset;
      if (offset > high) high = offset;
      if (y[k] < north) north = y[k];
      if (y[k] > south) south = y[k];
      if (key[k] - key[k - 1] > pause) pause = key[k] - key[k - 1];
    }
    this.west[block] = x[first] + low;
    this.width[block] = high - low < 2 ** 31 ? high - low : WIDE;
    this.north[block] = north;
    this.south[block] = south;
    this.pause[block] = pause;
  }

  #allot(size) {
    this.west = new Uint32Array(size); // x of the western edge
    this.width = new Uint32Array(size); // units, or WIDE
    this.north = new Uint32Array(size); // y of both others
    this.south = new Uint32Array(size);
    this.pause = new Float64Array(size); // ms, the longest in it
  }

  #grow(size) {
    const { west, width, north, south, pause } = this;
    this.#allot(size);
    for (const [name, before] of Object.entries({ west, width, north, south, pause })) this[name].set(before);
  }
}
