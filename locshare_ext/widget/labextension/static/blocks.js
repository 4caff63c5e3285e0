// In which part of the world each block of a member's fixes lies, so that what is out of view is not looked at,
// nor what is too small to be seen: from afar, a trail is a few large blocks.

const BITS = [5, 8, 11, 14]; // of each level: its blocks have 2 ** so many fixes

export const SIZE = 2 ** BITS[0]; // fixes of a smallest block; its box holds the first of the next one too
export const WIDE = 0xffffffff; // width of a box that is no help: it may go around the world

export class Blocks {
  constructor() { this.levels = BITS.map(bits => new Level(bits)); } // from the smallest blocks to the largest

  /** Look at the blocks of a track that have become whole. */
  update(track) {
    const whole = Math.max(0, track.count - 1);
    if (whole >> BITS[0] <= this.levels[0].count) return;
    this.levels.forEach((level, n) => level.update(whole >> level.bits, track, this.levels[n - 1]));
  }

  /** Forget what fixes from an index on have to do with. */
  forget(index) {
    for (const level of this.levels) level.forget(index);
  }

  /** Return the level of the largest block whose last fix is at an index, -1 if there is none. */
  levelAt(index) {
    let n = -1;
    while (n + 1 < this.levels.length && this.levels[n + 1].isLast(index)) n++;
    return n;
  }
}

/** Blocks of one size. */
class Level {
  constructor(bits) {
    this.bits = bits;
    this.count = 0; // of blocks that are whole and known
    this.#allot(0);
  }

  /** Whether an index is that of the last fix of a block that is known. */
  isLast(index) {
    const next = index + 1;
    return (next & ((1 << this.bits) - 1)) === 0 && next >> this.bits <= this.count;
  }

  /** Return the index of a block's first fix. */
  firstOf(block) { return block << this.bits; }

  /** Look at blocks until there are so many; finer: the level of blocks that these are made of, if there is one. */
  update(whole, track, finer) {
    if (whole > this.west.length) this.#grow(Math.max(whole, Math.ceil(this.west.length * 1.5)));
    while (this.count < whole) {
      if (finer === undefined) this.#look(track, this.count++); else this.#join(finer, this.count++);
    }
  }

  forget(index) {
    this.count = Math.min(this.count, Math.max(0, Math.ceil(index / (1 << this.bits)) - 1));
  }

  #look({ key, x, y }, block) {
    const first = this.firstOf(block);
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
    this.#set(block, x[first] + low, high - low, north, south, pause);
  }

  #join(finer, block) {
    const shift = this.bits - finer.bits;
    const first = block << shift;
    const start = finer.west[first];
    let [low, high, north, south, pause] = [0, 0, finer.north[first], finer.south[first], 0];
    for (let k = first; k < (block + 1) << shift; k++) {
      const offset = (finer.west[k] - start) | 0; // they touch each other: never half around the world
      low = Math.min(low, offset);
      high = finer.width[k] === WIDE ? Infinity : Math.max(high, offset + finer.width[k]);
      north = Math.min(north, finer.north[k]);
      south = Math.max(south, finer.south[k]);
      pause = Math.max(pause, finer.pause[k]);
      if (high - low >= 2 ** 31) break;
    }
    if (high - low < 2 ** 31) this.#set(block, start + low, high - low, north, south, pause);
    else this.#set(block, start, Infinity, 0, WIDE, Infinity);
  }

  #set(block, west, width, north, south, pause) {
    this.west[block] = west;
    this.width[block] = width < 2 ** 31 ? width : WIDE;
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
