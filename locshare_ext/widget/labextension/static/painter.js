// One view's picture: trails (kept between frames), heads and names.

import { LOST, STALE } from './display.js';
import { drawLabels } from './labels.js';
import { Picture } from './picture.js';
import { Tally } from './tally.js';
import { Trails } from './trails.js';
import { Visible } from './visible.js';
import { age } from './format.js';
import { WORLD } from './projection.js';

const FEW = 150; // heads up to which the last piece of a trail has an edge
const MANY = 3000; // heads beyond which they are dots
const CROWD = 20000; // dots beyond which they are small
const CIRCLES = 100; // heads up to which their accuracy is drawn, and the canvas draws them
const ALWAYS = 500; // members up to whom the fixes of all trails are counted in each frame
const LABELS = 200; // heads up to which names are looked for room
const LAST = LOST + 1; // of what is drawn over another

export class Painter {
  constructor() {
    this.trails = new Trails();
    this.visible = new Visible();
    this.tally = new Tally();
  }

  /** Set the geometry: size in device px, origin and world size in px at the zoom, their ratio to css. */
  setView({ w, h, ox, oy, world, dpr, z, pad }) {
    Object.assign(this, { w, h, ox, oy, world, dpr, z, pad, scale: world / WORLD });
    this.inside = { left: pad, right: w - pad }; // of the map's edges
    if (!this.frame || this.frame.width !== w || this.frame.height !== h) {
      this.frame = new OffscreenCanvas(w, h);
      this.context = this.frame.getContext('2d');
      this.image = new ImageData(w, h);
      this.picture = new Picture(w, h, new Uint32Array(this.image.data.buffer));
    }
    const shift = this.trails.setView(this);
    if (shift !== null) this.picture.shift(shift);
  }

  /**
   * Draw a frame; returns {bitmap, isPending, isPutOff}: whether another is needed though nothing moved, at once,
   * or only with the page's next frame.
   */
  draw(store, display, window, options, paint, heads, now) {
    const { trails, picture, context, visible } = this;
    const isPending = trails.update(store, display, window, options, paint, now);
    const stamp = trails.stampOf(window.end);
    const ahead = display.wasLive;
    const { palette, paper, changes } = paint;
    const life = window.length / trails.unit;
    const isBrief = trails.isSeeking(now);
    const isRough = picture.compose(trails.front, trails.back, { stamp, life, ahead, palette, paper, changes, isBrief });
    visible.find(this, display, 16 * this.dpr);
    const isFew = visible.count <= CIRCLES;
    if (visible.count > MANY) this.#drawDots(store, display, paint);
    else if (!isFew) this.#drawMasks(store, display, options, paint, heads);
    const [top, bottom] = picture.rows();
    if (bottom > top) context.putImageData(this.image, 0, 0, 0, top, this.w, bottom - top); // the canvas is empty
    if (isFew) {
      this.#drawTips(context, store, display, options, paint);
      this.#drawHeads(context, store, display, options, paint, heads);
    } else this.#drawRing(context, options, paint, store, display);
    if (options.labels && visible.count <= LABELS) this.#drawLabels(context, store, display, window, options);
    const isLast = !isPending && !display.wasLive; // no other frame comes soon
    this.tally.update(store, display, window, now, isLast || display.count <= ALWAYS);
    const isPutOff = trails.isPutOff || (isBrief && (isPending || isRough)); // the page asks for the next moment anyway
    return { bitmap: this.frame.transferToImageBitmap(), isPending: isPending && !isPutOff, isPutOff };
  }

  /** Heads that are many: dots, and a thin line to where each comes from. */
  #drawDots(store, display, paint) {
    const { visible, picture, dpr } = this;
    const radius = (visible.count > CROWD ? 0.5 : 2) * dpr;
    this.#drawWays(store, display, paint);
    for (let n = 0; n < visible.count; n++) {
      const id = visible.ids[n];
      picture.dot(visible.xs[n], visible.ys[n], radius, paint.colorOf(id, store, display), display.state[id], paint.paper);
    }
  }

  /** Heads that are too many for the canvas, which takes its time for each. */
  #drawMasks(store, display, options, paint, heads) {
    const { visible, picture, dpr } = this;
    this.#drawWays(store, display, paint);
    for (let order = 0; order <= LAST; order++) { // as in #drawHeads
      for (let n = 0; n < visible.count; n++) {
        const id = visible.ids[n];
        const state = display.state[id];
        if (orderOf(state, id, options) !== order) continue;
        const heading = options.arrows ? display.headingOf(store, id) : NaN;
        const mask = heads.mask(state, heading, dpr, options.styles.get(id)?.shape ?? options.shape);
        picture.mask(mask, visible.xs[n], visible.ys[n], paint.colorOf(id, store, display), paint.paper);
      }
    }
  }

  #drawWays(store, display, paint) {
    const { visible, picture } = this;
    if (!display.isMoving && display.wasLive) return; // all have arrived
    for (let n = 0; n < visible.count; n++) {
      const id = visible.ids[n];
      const tip = this.#tip(store.track(id), display, id, visible.xs[n], visible.ys[n]);
      if (tip !== null) picture.line(tip.x, tip.y, visible.xs[n], visible.ys[n], paint.colorOf(id, store, display));
    }
  }

  /** Return where the last piece of a trail begins that its head is on, null when it has arrived. */
  #tip(track, display, id, x, y) {
    const tail = display.tail[id];
    if (display.x[id] === track.x[tail] && display.y[id] === track.y[tail]) return null;
    const dx = ((track.x[tail] - display.x[id]) | 0) * this.scale;
    return { x: x + dx, y: y + (track.y[tail] - display.y[id]) * this.scale };
  }

  #drawTips(context, store, display, options, paint) {
    const { visible, dpr } = this;
    const isFew = display.count <= FEW;
    context.lineCap = 'round';
    context.globalAlpha = 0.95;
    for (let n = 0; n < visible.count; n++) {
      const id = visible.ids[n];
      const tip = this.#tip(store.track(id), display, id, visible.xs[n], visible.ys[n]);
      if (tip === null) continue;
      context.beginPath();
      context.moveTo(tip.x, tip.y);
      context.lineTo(visible.xs[n], visible.ys[n]);
      if (isFew) {
        context.strokeStyle = options.paper;
        context.lineWidth = 5.4 * dpr;
        context.globalAlpha = 0.7;
        context.stroke();
        context.globalAlpha = 0.95;
      }
      context.strokeStyle = paint.styleOf(id, store, display);
      context.lineWidth = (isFew ? 3 : 2) * dpr;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #drawHeads(context, store, display, options, paint, heads) {
    const { visible } = this;
    // the freshest on top; the one that is followed last of all
    for (const n of visible.sorted(id => orderOf(display.state[id], id, options))) {
      const [id, x, y] = [visible.ids[n], visible.xs[n], visible.ys[n]];
      const color = paint.styleOf(id, store, display);
      const state = display.state[id];
      if (options.followed === id) this.#ring(context, x, y, color);
      if (options.circles) this.#accuracy(context, store.track(id), display, id, x, y, color);
      const heading = options.arrows ? display.headingOf(store, id) : NaN;
      const { shape = options.shape, icon } = options.styles.get(id) ?? {};
      heads.draw(context, x, y, { color, state, heading, dpr: this.dpr, ground: options.ground, shape, icon });
    }
  }

  /** The mark of the one that is followed, among many. */
  #drawRing(context, options, paint, store, display) {
    const { visible } = this;
    if (options.followed === null) return;
    for (let n = 0; n < visible.count; n++) {
      const id = visible.ids[n];
      if (id === options.followed) this.#ring(context, visible.xs[n], visible.ys[n], paint.styleOf(id, store, display));
    }
  }

  #drawLabels(context, store, display, window, options) {
    const { visible } = this;
    const rows = visible.sorted(id => -orderOf(display.state[id], id, options)); // those on top first
    const labels = rows.map(n => {
      const id = visible.ids[n];
      return { x: visible.xs[n], y: visible.ys[n], id, alpha: display.state[id] === LOST ? 0.7 : 1 };
    });
    const text = ({ id }) => this.#label(id, store, display, window, options);
    drawLabels(context, labels, text, { dpr: this.dpr, ink: options.ink, paper: options.paper, inside: this.inside });
  }

  #label(id, store, display, window, options) {
    const name = options.names[id] ?? '';
    const short = name.length > 24 ? `${name.slice(0, 23)}…` : name;
    if (display.state[id] < STALE) return short;
    return `${short} · ${age(window.reference - display.indexKey[id])}`;
  }

  #ring(context, x, y, color) {
    context.beginPath();
    context.arc(x, y, 16 * this.dpr, 0, 2 * Math.PI);
    context.lineWidth = 2 * this.dpr;
    context.strokeStyle = color;
    context.stroke();
  }

  #accuracy(context, track, display, id, x, y, color) {
    const metres = track.number('accuracy', display.index[id]);
    if (!(metres > 0)) return;
    // a metre is larger on the map the further it is from the equator
    const phi = Math.PI * (1 - 2 * display.y[id] / WORLD);
    const radius = metres / 40075016.7 * this.world * Math.cosh(phi);
    if (radius < 10 * this.dpr || radius > 2 * (this.w + this.h)) return;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.globalAlpha = 0.1;
    context.fillStyle = color;
    context.fill();
    context.globalAlpha = 0.45;
    context.lineWidth = this.dpr;
    context.strokeStyle = color;
    context.stroke();
    context.globalAlpha = 1;
  }
}

/** Return 0 for what is drawn first, LAST for what lies over all. */
function orderOf(state, id, { followed }) {
  return followed === id ? LAST : LOST - state;
}
