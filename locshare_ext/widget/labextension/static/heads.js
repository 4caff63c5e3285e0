// The mark of a member: a disc with a nose that points where it heads, paler the older its position is.

import { LOST, STALE } from './display.js';

const DIRECTIONS = 48;
const SIZE = 30; // css px of a sprite
const RADIUS = 6;

export class Heads {
  constructor() { this.sprites = new Map(); }

  /** Draw the mark of a member with its middle at device pixels (x, y). */
  draw(context, x, y, { color, state, heading, dpr, ground }) {
    const turn = Number.isFinite(heading) && state !== LOST ? Math.round(heading / 360 * DIRECTIONS) % DIRECTIONS : -1;
    const key = `${color} ${state} ${turn} ${dpr} ${ground}`;
    let sprite = this.sprites.get(key);
    if (!sprite) {
      if (this.sprites.size > 4000) this.sprites.clear();
      this.sprites.set(key, sprite = makeSprite(color, state, turn, dpr, ground));
    }
    context.drawImage(sprite, Math.round(x - sprite.width / 2), Math.round(y - sprite.height / 2));
  }
}

function makeSprite(color, state, turn, dpr, ground) {
  const size = Math.ceil(SIZE * dpr);
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d');
  context.translate(size / 2, size / 2);
  context.scale(dpr, dpr);
  if (turn >= 0) context.rotate(turn / DIRECTIONS * 2 * Math.PI);
  const paper = ground === 'dark' ? '#1c1c1c' : '#ffffff';
  outline(context, turn >= 0, state === LOST ? RADIUS - 1 : RADIUS);
  context.lineJoin = 'round';
  context.strokeStyle = paper;
  context.globalAlpha = 0.95;
  context.lineWidth = state === LOST ? 4 : 3.5;
  context.stroke();
  context.globalAlpha = state === LOST ? 0.75 : 1;
  context.fillStyle = state === LOST || state === STALE ? paper : color;
  context.fill();
  if (state === STALE || state === LOST) {
    context.strokeStyle = color;
    context.lineWidth = state === STALE ? 2.6 : 1.6;
    if (state === LOST) context.setLineDash([2.2, 2]);
    context.stroke();
  }
  return canvas;
}

function outline(context, hasNose, radius) {
  context.beginPath();
  if (!hasNose) {
    context.arc(0, 0, radius, 0, 2 * Math.PI);
    return;
  }
  const side = 0.62; // radians from the nose where it leaves the disc
  context.arc(0, 0, radius, -Math.PI / 2 + side, 1.5 * Math.PI - side);
  context.lineTo(0, -radius * 1.95);
  context.closePath();
}
