// A colour per member: told apart by most colour-blind people, and the same again for the same name.

const PALETTE = [
  '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#332288',
  '#56b4e9', '#882255', '#117733', '#aa4499', '#44aa99', '#7a7a00',
];

export class Colors {
  constructor() {
    this.#used = new Array(PALETTE.length).fill(0);
    this.byId = [];
  }

  #used;

  /** Return the colour of member `id`: chosen by name, the next free one if another has it. */
  of(id, name) {
    return (this.byId[id] ??= this.#choose(name));
  }

  #choose(name) {
    const least = Math.min(...this.#used);
    let slot = hash(name) % PALETTE.length;
    while (this.#used[slot] > least) slot = (slot + 1) % PALETTE.length;
    this.#used[slot]++;
    return PALETTE[slot];
  }
}

function hash(text) {
  let value = 2166136261; // FNV-1a
  for (let k = 0; k < text.length; k++) value = Math.imul(value ^ text.charCodeAt(k), 16777619);
  return value >>> 0;
}
