// The fixes of one member, sorted by effective time: the earlier of the device's and the server's clock.

import { gapLimit, SHORTEST_GAP } from './gaps.js';

const NUMBERS = ['speed', 'heading', 'battery', 'accuracy', 'altitude'];

const LATE_ONES = 500; // fixes of a backlog that are looked behind

export const effective = (time, received) => (received > 0 && received < time ? received : time);

export class Track {
  /** shortestGap: ms. */
  constructor(shortestGap = SHORTEST_GAP) {
    this.count = 0;
    this.key = new Float64Array(16); // effective time, ms: what the order goes by
    this.time = new Float64Array(16);
    this.received = new Float64Array(16); // 0: unknown
    this.x = new Uint32Array(16);
    this.y = new Uint32Array(16);
    for (const name of NUMBERS) this[name] = null; // Float32Array once somebody sends it
    this.heard = 0; // ms, when the member was last heard of
    this.setShortestGap(shortestGap);
  }

  get newest() { return this.count ? this.key[this.count - 1] : -Infinity; }

  /** Insert rows of a message's columns at their places; late ones go between older ones. */
  insert(columns, rows) {
    const keyOf = row => effective(valueOf(columns.time, row), valueOf(columns.received, row));
    if (!isAscending(rows, keyOf)) rows = rows.slice().sort((a, b) => keyOf(a) - keyOf(b) || a - b);
    this.#reserve(this.count + rows.length, columns);
    let from = this.count - 1; // merge from the back, so that each row moves at most once
    let to = this.count + rows.length - 1;
    for (let k = rows.length - 1; k >= 0; k--) {
      const row = rows[k];
      const key = keyOf(row);
      while (from >= 0 && this.key[from] > key) this.#move(from--, to--);
      this.#set(to--, columns, row, key);
    }
    this.count += rows.length;
    if (this.count > this.limitAt * 1.1) this.setShortestGap(this.shortestGap);
  }

  /** Decide anew what is a gap. */
  setShortestGap(shortestGap) {
    this.shortestGap = shortestGap;
    this.limit = gapLimit(this.key, this.count, shortestGap);
    this.limitAt = this.count;
  }

  /** Return the index of the newest fix at or before a moment, -1 when there is none. */
  indexAt(moment) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.key[middle] <= moment) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  isGap(index) {
    return this.key[index + 1] - this.key[index] > this.limit;
  }

  /** Return when the member was last heard of before a moment, by fixes up to `index`; 0 when that is unknown. */
  heardBy(index, moment) {
    for (let k = index; k >= 0 && k > index - LATE_ONES; k--) {
      if (this.received[k] > 0 && this.received[k] <= moment) return this.received[k];
    }
    return 0; // what is shown came later, as a backlog
  }

  number(name, index) {
    return this[name] === null ? NaN : this[name][index];
  }

  #set(to, columns, row, key) {
    this.key[to] = key;
    this.time[to] = valueOf(columns.time, row);
    this.received[to] = valueOf(columns.received, row);
    this.x[to] = columns.x.values[row];
    this.y[to] = columns.y.values[row];
    for (const name of NUMBERS) {
      if (this[name] !== null) this[name][to] = columns[name] ? columns[name].values[row] : NaN;
    }
    if (this.received[to] > this.heard) this.heard = this.received[to];
  }

  #move(from, to) {
    if (from === to) return;
    for (const column of [this.key, this.time, this.received, this.x, this.y]) column[to] = column[from];
    for (const name of NUMBERS) if (this[name] !== null) this[name][to] = this[name][from];
  }

  #reserve(size, columns) {
    let capacity = this.key.length;
    while (capacity < size) capacity *= 2;
    if (capacity > this.key.length) {
      for (const name of ['key', 'time', 'received', 'x', 'y', ...NUMBERS]) {
        if (this[name] !== null) this[name] = grown(this[name], capacity);
      }
    }
    for (const name of NUMBERS) {
      if (columns[name] && this[name] === null) this[name] = new Float32Array(capacity).fill(NaN);
    }
  }
}

function valueOf(column, row) {
  return column ? column.values[row] + column.base : 0;
}

function grown(column, capacity) {
  const larger = new column.constructor(capacity);
  larger.set(column);
  return larger;
}

function isAscending(rows, keyOf) {
  for (let k = 1; k < rows.length; k++) if (keyOf(rows[k]) < keyOf(rows[k - 1])) return false;
  return true;
}
