// A grid of degrees with their names: the ground when there are no tiles.

import { t } from './language.js';
import { isDarkTheme } from './theme.js';

const STEPS = [
  90, 45, 30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001, 0.00005,
];
const SPACING = 90; // px at least between lines

/** Return the largest count of degrees of STEPS whose lines stand `SPACING` px apart or more. */
export function stepFor(pixelsPerDegree) {
  let best = STEPS[0];
  for (const step of STEPS) if (step * pixelsPerDegree >= SPACING) best = step;
  return best;
}

/** Return degrees as a label: `53.42° N`; `axis` is `lat` or `lon`. */
export function degreeLabel(value, step, axis) {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return `${Math.abs(value).toFixed(digits)}° ${value === 0 ? '' : t(`compass.${axis}`).split(' ')[value > 0 ? 0 : 1]}`.trim();
}

const wrapLon = lon => ((lon + 180) % 360 + 360) % 360 - 180;

export function createGraticule(L) {
  return L.Layer.extend({
    options: { pane: 'tilePane' },

    onAdd() {
      this.canvas = L.DomUtil.create('canvas', 'leaflet-layer leaflet-zoom-animated locshare-graticule', this.getPane());
      this.canvas.setAttribute('aria-hidden', 'true');
      this.observer = new MutationObserver(() => this.draw());
      this.observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name'] });
      this.draw();
    },

    onRemove() {
      this.observer.disconnect();
      this.canvas.remove();
    },

    getEvents() {
      return { moveend: this.draw, resize: this.draw, viewreset: this.draw, zoomanim: this.animate, move: this.duringMove, locsharebar: this.draw };
    },

    duringMove() {
      if (!this._map._animatingZoom && performance.now() - this.drawnAt > 50) this.draw();
    },

    animate({ center, zoom }) {
      const scale = this._map.getZoomScale(zoom, this.zoom);
      const origin = this._map._getNewPixelOrigin(center, zoom);
      L.DomUtil.setTransform(this.canvas, this.corner.multiplyBy(scale).subtract(origin), scale);
    },

    draw() {
      const map = this._map;
      const size = map.getSize();
      const pad = size.multiplyBy(0.2).floor();
      const dpr = Math.min(window.devicePixelRatio || 1, 3);
      this.zoom = map.getZoom();
      this.corner = map.getPixelBounds().min.subtract(pad);
      this.drawnAt = performance.now();
      const [width, height] = [size.x + 2 * pad.x, size.y + 2 * pad.y];
      const { canvas } = this;
      canvas.width = Math.round(width * dpr);
      canvas.height = Math.round(height * dpr);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      L.DomUtil.setTransform(canvas, this.corner.subtract(map.getPixelOrigin()), 1);
      const context = canvas.getContext('2d');
      context.scale(dpr, dpr);
      const bar = parseFloat(getComputedStyle(map.getContainer()).getPropertyValue('--locshare-bar')) || 0;
      // free of the scale and the attribution, beside the controls
      drawLines(context, map, { corner: this.corner, zoom: this.zoom, width, height, pad, size, bar, free: 120, side: 60 });
    },
  });
}

/**
 * Draw the lines of a box, from its `corner` in px at a zoom, with their names within {pad, size}.
 * free: px at the left and right that names leave to others; side: px left of the names of latitudes.
 */
export function drawLines(context, map, { corner, zoom, width, height, pad, size, bar, free, side }) {
  const style = getComputedStyle(map.getContainer());
  const at = (x, y) => map.unproject(corner.add([x, y]), zoom);
  const [northWest, southEast] = [at(0, 0), at(width, height)];
  const step = stepFor(width / (southEast.lng - northWest.lng));
  context.strokeStyle = isDarkTheme() ? 'rgb(255 255 255 / 13%)' : 'rgb(0 0 0 / 10%)';
  context.fillStyle = style.getPropertyValue('--locshare-faint').trim() || '#888';
  context.font = '10.5px system-ui, sans-serif';
  context.lineWidth = 1;
  const low = pad.y + size.y - bar - 8;
  for (let k = Math.ceil(northWest.lng / step); k * step <= southEast.lng; k++) {
    const x = Math.round(map.project([0, k * step], zoom).x - corner.x) + 0.5;
    stroke(context, x, 0, x, height);
    const isFree = x > pad.x + free && x < pad.x + size.x - free;
    if (isFree) context.fillText(degreeLabel(wrapLon(k * step), step, 'lon'), x + 4, low);
  }
  for (let k = Math.ceil(southEast.lat / step); k * step <= northWest.lat; k++) {
    const y = Math.round(map.project([k * step, 0], zoom).y - corner.y) + 0.5;
    stroke(context, 0, y, width, y);
    const isFree = y < low - 10; // of the scale
    if (isFree) context.fillText(degreeLabel(k * step, step, 'lat'), pad.x + side, y - 4);
  }
}

function stroke(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
