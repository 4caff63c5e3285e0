// How single members look and who is shown: what the layer's settings say by name, by member id.

export class Looks {
  /** model: of the layer; idOf: id of a name, undefined while it is not known. */
  constructor(model, idOf) {
    this.model = model;
    this.idOf = idOf;
    this.hidden = new Set();
    this.followed = null;
    this.styles = new Map();
    this.labels = new Map(); // what is written instead of names
    this.update();
  }

  /** Read the settings anew: they changed, or names became known. */
  update() {
    const { model, idOf } = this;
    this.hidden = new Set((model.get('hidden') ?? []).map(idOf).filter(id => id !== undefined));
    this.followed = idOf(model.get('followed')) ?? null;
    this.styles = new Map();
    this.labels = new Map();
    for (const [name, style] of Object.entries(model.get('styles') ?? {})) {
      const id = idOf(name);
      if (id === undefined) continue;
      this.styles.set(id, { ...style, color: style.color && hexOf(style.color) });
      if (style.label) this.labels.set(id, style.label);
    }
  }

  /** Return the colours that members were given, by id. */
  colors() {
    const colors = [];
    for (const [id, { color }] of this.styles) if (color) colors[id] = color;
    return colors;
  }

  /** Return names with labels in their places. */
  labelled(names) {
    if (!this.labels.size) return names;
    const labelled = names.slice();
    for (const [id, label] of this.labels) labelled[id] = label;
    return labelled;
  }
}

let brush = null;

/** Return a colour of any kind that CSS knows as `#rrggbb`, undefined when it is none. */
export function hexOf(color) {
  if (/^#[0-9a-f]{6}$/i.test(color)) return color;
  brush ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  brush.fillStyle = '#010203'; // what stays if the colour is none
  brush.fillStyle = color;
  if (brush.fillStyle === '#010203') return undefined;
  brush.clearRect(0, 0, 1, 1);
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue] = brush.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map(part => part.toString(16).padStart(2, '0')).join('')}`;
}
