// One view's picture: trails (kept between frames), heads and names.

import { LOST, NONE, STALE } from './display.js';
import { drawLabels } from './labels.js';
import { TrailPainter } from './trails.js';
import { age } from './format.js';
import { WORLD } from './projection.js';

const FEW = 150; // members up to which trails get a halo
const MANY = 3000; // heads beyond which they are dots
const CHEAP = 6; // ms that trails may cost in every frame

export class Painter {
  constructor() {
    this.trails = new TrailPainter();
    this.drawn = null; // what the kept trails show
  }

  /** Set the geometry: size in device px, origin and world size in px at the zoom, their ratio to css. */
  setView({ w, h, ox, oy, world, dpr, z, pad }) {
    Object.assign(this, { w, h, ox, oy, world, dpr, z, scale: world / WORLD });
    this.inside = { left: pad, right: w - pad }; // of the map's edges
    if (!this.frame || this.frame.width !== w || this.frame.height !== h) {
      this.frame = new OffscreenCanvas(w, h);
      this.kept = new OffscreenCanvas(w, h);
    }
    this.drawn = null;
  }

  /** Draw a frame; returns {bitmap, isPending}: whether another is needed though nothing moved. */
  draw(store, display, window, options, heads, now) {
    const isPending = this.#refreshTrails(store, display, window, options, now);
    const context = this.frame.getContext('2d');
    context.clearRect(0, 0, this.w, this.h);
    context.drawImage(this.kept, 0, 0);
    this.#drawNewest(context, store, display, window, options);
    this.#drawHeads(context, store, display, window, options, heads);
    return { bitmap: this.frame.transferToImageBitmap(), isPending };
  }

  #refreshTrails(store, display, window, options, now) {
    const last = this.drawn;
    const isSame = last && last.version === store.version && last.options === options.version
      && Math.abs(last.end - window.end) < window.length / 120 && !this.#isBehind(display, store);
    if (isSame) return false;
    const isJump = !last || window.end < last.end || last.options !== options.version;
    if (!isJump && last.cost > CHEAP && now - last.at < last.cost * 4) return true; // later
    const start = performance.now();
    this.#drawTrails(store, display, window, options);
    this.drawn.cost = performance.now() - start;
    Object.assign(this.drawn, { at: now, end: window.end, version: store.version, options: options.version });
    return false;
  }

  /** Whether heads left so many fixes behind the kept trails that drawing them anew is cheaper. */
  #isBehind(display, store) {
    let behind = 0;
    for (let id = 0; id < display.count; id++) {
      if (display.state[id] !== NONE && store.tracks[id].key[display.tail[id]] > this.drawn.keys[id]) behind++;
    }
    return behind > 200;
  }

  #drawTrails(store, display, window, options) {
    const context = this.kept.getContext('2d');
    context.clearRect(0, 0, this.w, this.h);
    setUp(context);
    const keys = new Float64Array(display.count).fill(Infinity);
    this.points = 0;
    for (let id = 0; id < display.count; id++) {
      if (display.state[id] === NONE) continue;
      const track = store.tracks[id];
      const from = track.indexAt(window.end - window.length - 1) + 1;
      const to = display.tail[id];
      keys[id] = track.key[to];
      if (to < from) continue;
      this.points += to - from + 1;
      this.trails.draw(context, this, track, from, to, null, window, this.#style(id, display, options));
    }
    this.drawn = { keys };
  }

  /** The part of each trail that the head passed since the trails were kept, up to the head. */
  #drawNewest(context, store, display, window, options) {
    setUp(context);
    for (let id = 0; id < display.count; id++) {
      if (display.state[id] === NONE) continue;
      const track = store.tracks[id];
      const to = display.tail[id];
      if (track.key[to] < window.end - window.length) continue;
      const from = Math.min(to, Math.max(0, track.indexAt(this.drawn.keys[id] ?? -Infinity)));
      const isAway = display.x[id] !== track.x[to] || display.y[id] !== track.y[to];
      if (from === to && !isAway) continue;
      const head = isAway ? { x: display.x[id], y: display.y[id] } : null;
      this.trails.draw(context, this, track, from, to, head, window, this.#style(id, display, options));
    }
  }

  #style(id, display, options) {
    const isFew = display.count <= FEW;
    return {
      color: options.colors[id] ?? '#555',
      width: (isFew ? 3 : 2) * this.dpr,
      halo: isFew ? options.paper : null,
    };
  }

  #drawHeads(context, store, display, window, options, heads) {
    const visible = this.#visible(display);
    this.visible = visible;
    const isMany = visible.length > MANY;
    const labels = [];
    // the freshest on top; the one that is followed last of all
    if (!isMany) visible.sort((a, b) => order(display, options, a.id) - order(display, options, b.id));
    for (const { id, x, y } of visible) {
      const color = options.colors[id] ?? '#555';
      const state = display.state[id];
      if (isMany) {
        context.fillStyle = color;
        context.fillRect(x - this.dpr, y - this.dpr, 3 * this.dpr, 3 * this.dpr);
        continue;
      }
      if (options.followed === id) this.#ring(context, x, y, color);
      this.#accuracy(context, store.tracks[id], display, id, x, y, color, visible.length);
      heads.draw(context, x, y, { color, state, heading: display.heading[id], dpr: this.dpr, ground: options.ground });
      labels.push({ x, y, text: this.#label(id, store, display, window, options), alpha: state === LOST ? 0.7 : 1 });
    }
    if (options.labels) drawLabels(context, labels.reverse(), { dpr: this.dpr, ink: options.ink, paper: options.paper, inside: this.inside });
  }

  #visible(display) {
    const visible = [];
    const margin = 16 * this.dpr;
    for (let id = 0; id < display.count; id++) {
      if (display.state[id] === NONE) continue;
      const y = display.y[id] * this.scale - this.oy;
      if (y < -margin || y > this.h + margin) continue;
      let x = display.x[id] * this.scale - this.ox;
      x += Math.ceil((-margin - x) / this.world) * this.world; // the leftmost copy of the world in view
      for (; x <= this.w + margin; x += this.world) visible.push({ id, x, y });
    }
    return visible;
  }

  #label(id, store, display, window, options) {
    const name = options.names[id] ?? '';
    const short = name.length > 24 ? `${name.slice(0, 23)}…` : name;
    if (display.state[id] < STALE) return short;
    return `${short} · ${age(window.reference - store.tracks[id].key[display.index[id]])}`;
  }

  #ring(context, x, y, color) {
    context.beginPath();
    context.arc(x, y, 16 * this.dpr, 0, 2 * Math.PI);
    context.lineWidth = 2 * this.dpr;
    context.strokeStyle = color;
    context.stroke();
  }

  #accuracy(context, track, display, id, x, y, color, count) {
    const metres = track.number('accuracy', display.index[id]);
    if (count > 100 || !(metres > 0)) return;
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

function setUp(context) {
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.setLineDash([]);
}

function order(display, options, id) {
  if (options.followed === id) return 10;
  return -display.state[id];
}
