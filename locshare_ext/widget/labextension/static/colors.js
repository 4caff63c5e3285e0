// A colour per member: told apart by most colour-blind people, and the same again for the same name.

const LIGHT = [
  '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#332288',
  '#56b4e9', '#882255', '#117733', '#aa4499', '#44aa99', '#7a7a00',
];
const DARK = [ // the same hues, to be seen on dark ground
  '#4aa3e0', '#ff8a45', '#2fcb9b', '#eaa3cb', '#ffbe2e', '#a296ff',
  '#8ad0ff', '#e8709f', '#62cf7c', '#dd85da', '#74d8c8', '#cccc52',
];
/** Return colours that are told apart on dark or light ground. */
export const hues = isDark => (isDark ? DARK : LIGHT);

export const UNKNOWN = '#777777';

export class Colors {
  constructor() {
    this.isDark = false;
    this.own = []; // by member: a colour that it was given
  }

  #used = new Array(LIGHT.length).fill(0);
  #slots = [];

  /** Choose the colour of member `id` by its name: the next free one if another has that. */
  add(id, name) {
    if (this.#slots[id] !== undefined) return;
    const least = Math.min(...this.#used);
    let slot = hash(name) % LIGHT.length;
    while (this.#used[slot] > least) slot = (slot + 1) % LIGHT.length;
    this.#used[slot]++;
    this.#slots[id] = slot;
  }

  /** Return the colour of a member on the ground of now. */
  of(id) {
    if (this.own[id] !== undefined) return this.own[id];
    return (this.isDark ? DARK : LIGHT)[this.#slots[id]] ?? UNKNOWN;
  }

  all() {
    return Array.from(this.#slots, (_, id) => this.of(id));
  }
}

function hash(text) {
  let value = 2166136261; // FNV-1a
  for (let k = 0; k < text.length; k++) value = Math.imul(value ^ text.charCodeAt(k), 16777619);
  return value >>> 0;
}
