// The last few fixes of each member, side by side. Members' own tracks are far from each other in memory: a fix
// that is added there waits for it. So fixes gather here, and go to their track a few at a time.

import { keyOf, numbersOf, valueOf } from './columns.js';

const BITS = 3;

export const ROOM = 2 ** BITS; // fixes of a member

const COLUMNS = { key: Float64Array, time: Float64Array, received: Float64Array, x: Uint32Array, y: Uint32Array };

export class Recent {
  constructor() {
    this.counts = new Uint8Array(0); // by member: how many are here
    this.key = new Float64Array(0); // as in Track, ROOM for each member
    this.time = null;
    this.received = null;
    this.x = new Uint32Array(0);
    this.y = new Uint32Array(0);
    this.numbers = new Map();
  }

  #taken = []; // {to, from} of each number, for the message that is being taken; from: null where it has none

  /** Make room for so many members. */
  reserve(members) {
    if (members <= this.counts.length) return;
    const size = Math.max(64, members, 2 * this.counts.length);
    this.counts = grown(this.counts, size);
    for (const name of Object.keys(COLUMNS)) if (this[name] !== null) this[name] = grown(this[name], size << BITS);
    for (const [name, values] of this.numbers) this.numbers.set(name, grown(values, size << BITS));
  }

  /** Begin with a message, whose members all have room. */
  begin(columns) {
    if (columns.received && this.received === null) this.#allot('received');
    for (const name of numbersOf(columns)) {
      if (!this.numbers.has(name)) this.numbers.set(name, new Float32Array(this.key.length).fill(NaN));
    }
    this.#taken = Array.from(this.numbers, ([name, to]) => ({ to, from: columns[name]?.values ?? null }));
  }

  /** Add a row of a message; its member has fewer than ROOM here, and none that is newer. */
  add(id, columns, row, key) {
    const to = (id << BITS) + this.counts[id]++;
    const time = valueOf(columns.time, row);
    this.key[to] = key;
    this.x[to] = columns.x.values[row];
    this.y[to] = columns.y.values[row];
    if (this.time === null && time !== key) this.#allot('time').set(this.key); // until now they were the same
    if (this.time !== null) this.time[to] = time;
    if (this.received !== null) this.received[to] = valueOf(columns.received, row);
    for (const number of this.#taken) number.to[to] = number.from === null ? NaN : number.from[row];
  }

  /** Return how many of a member's fixes here are at or before a moment. */
  countUntil(id, moment) {
    let count = this.counts[id] ?? 0;
    while (count > 0 && this.key[(id << BITS) + count - 1] > moment) count--;
    return count;
  }

  /** Return a number of one of a member's fixes here, NaN without. */
  number(id, name, index) { return this.numbers.get(name)?.[(id << BITS) + index] ?? NaN; }

  /** Put a member's fixes at the end of its track. */
  settle(id, track) {
    const from = id << BITS;
    track.take(this, from, from + this.counts[id]);
    this.counts[id] = 0;
  }

  #allot(name) { return (this[name] = new COLUMNS[name](this.key.length)); }
}

function grown(column, size) {
  const larger = new column.constructor(size);
  larger.set(column);
  return larger;
}
