// Which members a list has, in which order; in the worker, so that ten thousand cost the page nothing.

const FEW = 64; // new names that are put among the others one by one

export const DESCENDING = new Set(['speed']); // what begins with the largest; all else with the smallest

/** Return a name as it is searched for: case and width do not matter. */
export const folded = name => name.normalize('NFKC').toLowerCase();

export class Roster {
  /** locale: whose alphabet the names are sorted by. */
  constructor(locale) {
    this.collator = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' });
    this.names = [];
    this.byName = []; // ids
    this.ranks = new Int32Array(0); // by id, place in `byName`
    this.folded = []; // by id
  }

  /**
   * Return the ids to list, in order. present: ids of those who are there at all. search: part of the
   * name. sort: `name`, or what `valueOf(id)` is the number of; who has none comes last, by name.
   */
  list({ names, present, search, sort, isReversed, valueOf }) {
    this.#learn(names);
    const part = folded(search.trim());
    const found = part === '' ? [...present] : present.filter(id => this.folded[id]?.includes(part));
    const { ranks } = this;
    const sign = isReversed ? -1 : 1;
    if (sort === 'name') return Uint32Array.from(found.sort((a, b) => sign * (ranks[a] - ranks[b])));
    const numbers = new Map(found.map(id => [id, valueOf(id)]));
    const way = DESCENDING.has(sort) ? -sign : sign;
    return Uint32Array.from(found.sort((a, b) => {
      const [x, y] = [numbers.get(a), numbers.get(b)];
      if (x === y) return ranks[a] - ranks[b];
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        return Number.isFinite(x) - Number.isFinite(y) === 0 ? ranks[a] - ranks[b] : Number.isFinite(x) ? -1 : 1;
      }
      return way * (x - y);
    }));
  }

  /** Put new names in their places; they only grow, until there are others from the start. */
  #learn(names) {
    if (names === this.names && names.length === this.folded.length) return;
    const isOther = names.length < this.folded.length || (this.folded.length > 0 && folded(names[0]) !== this.folded[0]);
    if (isOther) { this.byName = []; this.folded = []; }
    const first = this.folded.length;
    this.names = names;
    for (let id = first; id < names.length; id++) this.folded.push(folded(names[id] ?? ''));
    if (names.length === first) return;
    const fresh = Array.from({ length: names.length - first }, (_, k) => first + k);
    const order = (a, b) => this.collator.compare(names[a] ?? '', names[b] ?? '') || a - b;
    if (fresh.length > FEW) this.byName = [...this.byName, ...fresh].sort(order);
    else for (const id of fresh) this.byName.splice(this.#place(id, order), 0, id);
    this.ranks = new Int32Array(names.length);
    this.byName.forEach((id, rank) => { this.ranks[id] = rank; });
  }

  #place(id, order) {
    let [low, high] = [0, this.byName.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(this.byName[middle], id) < 0) low = middle + 1; else high = middle;
    }
    return low;
  }
}
