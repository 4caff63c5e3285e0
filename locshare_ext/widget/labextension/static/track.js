// The fixes of one member, sorted by effective time: the earlier of the device's and the server's clock.

import { Blocks } from './blocks.js';
import { keyOf, numbersOf, valueOf } from './columns.js';
import { gapLimit, SHORTEST_GAP } from './gaps.js';

const COLUMNS = ['key', 'time', 'received', 'x', 'y'];
const LATE_ONES = 500; // fixes of a backlog that are looked behind
const ROOM = 8; // fixes of a track to begin with
const GROWTH = [1.5, 2]; // times, by track
const NEWS = [1.2, 1.5]; // times as many fixes after which it is decided anew what is a gap, by track

// Members who share at one pace reach each size in the same frame; if all grew then, that frame would be late.
let made = 0;
const spread = ([low, high], phase) => low + (high - low) * phase;

export class Track {
  /** shortestGap: ms. */
  constructor(shortestGap = SHORTEST_GAP) {
    this.count = 0;
    this.#phase = (made++ * 0.618034) % 1;
    this.key = new Float64Array(ROOM); // effective time, ms: what the order goes by
    this.time = null; // Float64Array once a device's clock is not the effective time
    this.received = null; // Float64Array once one is known; 0: unknown
    this.x = new Uint32Array(ROOM);
    this.y = new Uint32Array(ROOM);
    this.numbers = new Map(); // Float32Array by name, once somebody sends it; NaN: unknown
    this.inserts = 0; // how often fixes came between those that there were
    this.setShortestGap(shortestGap);
  }

  #phase; // 0-1, of this track among all
  #blocks = null;

  get newest() { return this.count ? this.key[this.count - 1] : -Infinity; }

  timeAt(index) { return this.time === null ? this.key[index] : this.time[index]; }

  /** When a fix arrived at the server; at its own time as far as is known. */
  receivedAt(index) {
    const received = this.received === null ? 0 : this.received[index];
    return received > 0 ? received : this.key[index];
  }

  /** Add fixes that are no older than the newest: those of [from, to) in columns (see Recent), in order. */
  take({ key, time, received, x, y, numbers }, from, to) {
    this.#reserve(this.count + to - from);
    for (let k = from; k < to; k++, this.count++) {
      this.#place(this.count, key[k], time === null ? key[k] : time[k], received === null ? 0 : received[k]);
      this.x[this.count] = x[k];
      this.y[this.count] = y[k];
      for (const [name, values] of numbers) this.#number(name, values[k]);
    }
    this.#grown();
  }

  /** Note a number of the fix that is being added. */
  #number(name, value) {
    let own = this.numbers.get(name);
    if (own === undefined) {
      if (Number.isNaN(value)) return;
      this.numbers.set(name, own = new Float32Array(this.key.length).fill(NaN));
    }
    own[this.count] = value;
  }

  /** Insert rows of a message's columns at their places; late ones go between older ones. */
  insert(columns, rows) {
    const keys = rows.map(row => keyOf(columns, row));
    const order = isAscending(keys) ? null : keys.map((_, k) => k).sort((a, b) => keys[a] - keys[b] || a - b);
    this.#reserve(this.count + rows.length);
    let end = this.count; // what lies from here on is in its place; from the back, so that each moves at most once
    for (let k = rows.length - 1; k >= 0; k--) {
      const n = order === null ? k : order[k];
      const start = this.#after(keys[n], end);
      this.#move(start, end, start + k + 1);
      this.#set(start + k, columns, rows[n], keys[n]);
      end = start;
    }
    this.#blocks?.forget(end); // the first place that changed
    this.count += rows.length;
    this.inserts++;
    this.#grown();
  }

  /** Return where its blocks of fixes lie, null where that is not known. */
  blocks() {
    this.#blocks ??= new Blocks();
    this.#blocks.update(this);
    return this.#blocks;
  }

  #grown() {
    if (this.count > this.limitAt * spread(NEWS, this.#phase)) this.setShortestGap(this.shortestGap);
  }

  /** Decide anew what is a gap. */
  setShortestGap(shortestGap) {
    this.shortestGap = shortestGap;
    this.limit = gapLimit(this.key, this.count, shortestGap);
    this.limitAt = this.count;
  }

  /** Return the index of the newest fix at or before a moment, -1 when there is none. */
  indexAt(moment) {
    return this.#after(moment, this.count) - 1;
  }

  /** Return the index of the first fix after a moment, among the first `end`. */
  #after(moment, end) {
    let low = 0;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.key[middle] <= moment) low = middle + 1; else high = middle;
    }
    return low;
  }

  isGap(index) {
    return this.key[index + 1] - this.key[index] > this.limit;
  }

  /** Return when the member was last heard of before a moment, by fixes up to `index`; 0 when that is unknown. */
  heardBy(index, moment) {
    if (this.received === null) return 0;
    for (let k = index; k >= 0 && k > index - LATE_ONES; k--) {
      if (this.received[k] > 0 && this.received[k] <= moment) return this.received[k];
    }
    return 0; // what is shown came later, as a backlog
  }

  number(name, index) {
    const values = this.numbers.get(name);
    return values === undefined ? NaN : values[index];
  }

  #set(to, columns, row, key) {
    this.#place(to, key, valueOf(columns.time, row), valueOf(columns.received, row));
    this.x[to] = columns.x.values[row];
    this.y[to] = columns.y.values[row];
    for (const name of numbersOf(columns)) {
      if (!this.numbers.has(name)) this.numbers.set(name, new Float32Array(this.key.length).fill(NaN));
    }
    for (const [name, values] of this.numbers) values[to] = columns[name] ? columns[name].values[row] : NaN;
  }

  #place(to, key, time, received) {
    this.key[to] = key;
    if (this.time === null && time !== key) this.time = this.key.slice(); // until now they were the same
    if (this.time !== null) this.time[to] = time;
    if (this.received === null && received > 0) this.received = new Float64Array(this.key.length);
    if (this.received !== null) this.received[to] = received;
  }

  #move(start, end, to) {
    if (start === end) return;
    for (const name of COLUMNS) this[name]?.copyWithin(to, start, end);
    for (const values of this.numbers.values()) values.copyWithin(to, start, end);
  }

  #reserve(size) {
    if (size <= this.key.length) return;
    const growth = spread(GROWTH, this.#phase);
    let capacity = this.key.length;
    while (capacity < size) capacity = Math.ceil(capacity * growth);
    for (const name of COLUMNS) if (this[name] !== null) this[name] = grown(this[name], capacity);
    for (const [name, values] of this.numbers) this.numbers.set(name, grown(values, capacity));
  }
}

function grown(column, capacity) {
  const larger = new column.constructor(capacity);
  larger.set(column);
  return larger;
}

function isAscending(keys) {
  for (let k = 1; k < keys.length; k++) if (keys[k] < keys[k - 1]) return false;
  return true;
}
