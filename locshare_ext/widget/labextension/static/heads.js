// The mark of a member: a shape with a nose that points where it heads, paler the older its position is.

import { LOST, STALE } from './display.js';
import { SHAPES, pathsOf } from './shapes.js';

const DIRECTIONS = 48;
const SIZE = 30; // css px of a sprite
const ICON_SIZE = 44; // with something drawn in it
const RADIUS = 6;
const ICON_RADIUS = 9; // of a shape that has something drawn in it

export class Heads {
  constructor() {
    this.sprites = new Map();
    this.masks = new Map();
  }

  /**
   * Return the mark of a member without its colours, for very many: {size, alpha, ink, first, last}.
   * alpha: opacity of size * size pixels, 0-255; ink: how much of each is the member's colour, 0-255;
   * first, last: by row, what of it is not empty.
   */
  mask(state, heading, dpr, shape) {
    const turn = turnOf(state, heading);
    const key = (((turn + 1) * 8 + state) * 8 + SHAPES.indexOf(shape)) * 8 + dpr;
    let mask = this.masks.get(key);
    if (!mask) this.masks.set(key, mask = makeMask({ state, turn, dpr, shape }));
    return mask;
  }

  /** Draw the mark of a member with its middle at device pixels (x, y). */
  draw(context, x, y, { color, state, heading, dpr, ground, shape, icon }) {
    const turn = turnOf(state, heading);
    const key = `${color} ${state} ${turn} ${dpr} ${ground} ${shape} ${icon ?? ''}`;
    let sprite = this.sprites.get(key);
    if (!sprite) {
      if (this.sprites.size > 4000) this.sprites.clear();
      this.sprites.set(key, sprite = makeSprite(color, paperOf(ground), { state, turn, dpr, shape, icon }));
    }
    context.drawImage(sprite, Math.round(x - sprite.width / 2), Math.round(y - sprite.height / 2));
  }
}

const paperOf = ground => (ground === 'dark' ? '#1c1c1c' : '#ffffff');

function turnOf(state, heading) {
  return Number.isFinite(heading) && state !== LOST ? Math.round(heading / 360 * DIRECTIONS) % DIRECTIONS : -1;
}

function makeMask(look) {
  const sprite = makeSprite('#ff0000', '#0000ff', look);
  const size = sprite.width;
  const { data } = sprite.getContext('2d').getImageData(0, 0, size, size);
  const mask = { size, alpha: new Uint8Array(size * size), ink: new Uint8Array(size * size) };
  Object.assign(mask, { first: new Int16Array(size).fill(size), last: new Int16Array(size) });
  for (let p = 0; p < size * size; p++) {
    const [red, blue, alpha] = [data[4 * p], data[4 * p + 2], data[4 * p + 3]];
    if (alpha === 0) continue;
    mask.alpha[p] = alpha > 240 ? 255 : alpha; // a rim is all but opaque: then nothing has to be mixed
    mask.ink[p] = Math.round(255 * red / Math.max(1, red + blue));
    const row = Math.floor(p / size);
    mask.first[row] = Math.min(mask.first[row], p % size);
    mask.last[row] = p % size + 1;
  }
  return mask;
}

function makeSprite(color, paper, { state, turn, dpr, shape, icon }) {
  const size = Math.ceil((icon ? ICON_SIZE : SIZE) * dpr);
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d');
  context.translate(size / 2, size / 2);
  context.scale(dpr, dpr);
  const radius = (icon ? ICON_RADIUS : RADIUS) - (state === LOST ? 1 : 0);
  const paths = pathsOf(shape, turn < 0 ? null : turn / DIRECTIONS * 360, radius);
  context.lineJoin = 'round';
  context.strokeStyle = paper;
  context.globalAlpha = 0.95;
  context.lineWidth = state === LOST ? 4 : 3.5;
  for (const path of paths) context.stroke(path);
  context.globalAlpha = state === LOST ? 0.75 : 1;
  context.fillStyle = state === LOST || state === STALE ? paper : color;
  context.strokeStyle = color;
  context.lineWidth = state === STALE ? 2.6 : 1.6;
  if (state === LOST) context.setLineDash([2.2, 2]);
  for (const path of paths) {
    context.fill(path);
    if (state === STALE || state === LOST) context.stroke(path);
  }
  if (icon) drawIcon(context, icon, state === LOST || state === STALE ? color : paper, radius);
  return canvas;
}

function drawIcon(context, icon, ink, radius) {
  context.font = `600 ${radius * 1.25}px system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Color Emoji", sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = ink;
  context.fillText(icon, 0, radius * 0.08, radius * 1.7);
}
