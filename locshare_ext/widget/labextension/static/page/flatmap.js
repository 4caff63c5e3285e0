// A map to pan and zoom that needs no network: it speaks Leaflet's words as far as our layers and panels do.

import { latLngOf, Point, project, scaleOf, unproject, viewOf } from './points.js';

const LEAST_ZOOM = 0;
const MOST_ZOOM = 21;
const CORNERS = ['topleft', 'topright', 'bottomleft', 'bottomright'];
const PANES = ['tilePane', 'overlayPane'];

const element = (className, parent) => {
  const made = document.createElement('div');
  made.className = className;
  parent.append(made);
  return made;
};

export class FlatMap {
  constructor(container) {
    this.container = container;
    this.options = { crs: { scale: scaleOf } };
    this.dragging = { moving: () => this.isDragged };
    this.isDragged = false;
    container.classList.add('leaflet-container');
    this.pane = element('leaflet-pane leaflet-map-pane', container);
    this.panes = Object.fromEntries(PANES.map(name => [name, element('leaflet-pane', this.pane)]));
    const corners = element('leaflet-control-container', container);
    this.corners = Object.fromEntries(CORNERS.map(corner => {
      const [vertical, horizontal] = corner.match(/top|bottom|left|right/g);
      return [corner, element(`leaflet-${vertical} leaflet-${horizontal}`, corners)];
    }));
    this.center = { lat: 0, lng: 0 };
    this.zoom = 1;
    this.#reset();
    this.#resize = new ResizeObserver(() => {
      this.#reset();
      this.fire('resize').fire('zoomanim', { center: this.center, zoom: this.zoom }).fire('zoomend').fire('moveend');
    });
    this.#resize.observe(container);
  }

  #resize;
  #listeners = new Map();
  #layers = new Set();
  #origin = new Point(0, 0); // the pixel of the world at the panes' corner
  #flight = null;

  /** Listen no more to how large it is. */
  close() {
    this.stop();
    this.#resize.disconnect();
  }

  // events

  /** Call at events, whose names are parted by spaces. */
  on(names, listener, owner) {
    for (const name of names.split(' ')) {
      if (!this.#listeners.has(name)) this.#listeners.set(name, []);
      this.#listeners.get(name).push({ listener, owner });
    }
    return this;
  }

  off(names, listener, owner) {
    for (const name of names.split(' ')) {
      const kept = (this.#listeners.get(name) ?? []).filter(one => one.listener !== listener || one.owner !== owner);
      this.#listeners.set(name, kept);
    }
    return this;
  }

  once(name, listener) {
    const first = event => {
      this.off(name, first);
      listener(event);
    };
    return this.on(name, first);
  }

  fire(name, event = {}) {
    for (const { listener, owner } of [...(this.#listeners.get(name) ?? [])]) listener.call(owner ?? this, event);
    return this;
  }

  // what lies on it

  addLayer(layer) {
    this.#layers.add(layer);
    layer._map = this;
    for (const [name, listener] of Object.entries(layer.getEvents?.() ?? {})) this.on(name, listener, layer);
    layer.onAdd(this);
    return this.fire('layeradd', { layer });
  }

  removeLayer(layer) {
    if (!this.#layers.delete(layer)) return this;
    for (const [name, listener] of Object.entries(layer.getEvents?.() ?? {})) this.off(name, listener, layer);
    layer.onRemove(this);
    layer._map = null;
    return this;
  }

  hasLayer(layer) { return this.#layers.has(layer); }
  eachLayer(call) { this.#layers.forEach(call); }
  getPane(name) { return this.panes[name]; }
  getContainer() { return this.container; }

  addControl(control) {
    control.box = control.onAdd(this);
    control.box.classList.add('leaflet-control');
    const { position } = control.options;
    const corner = this.corners[position];
    if (position.startsWith('bottom')) corner.prepend(control.box); else corner.append(control.box);
    return this;
  }

  removeControl(control) {
    control.box?.remove();
    control.onRemove?.(this);
    return this;
  }

  // where it is

  getSize() { return new Point(this.container.clientWidth, this.container.clientHeight); }
  getZoom() { return this.zoom; }
  getCenter() { return this.center; }
  getZoomScale(zoom, from) { return 2 ** (zoom - from); }
  project(place, zoom = this.zoom) { return project(place, zoom); }
  unproject(point, zoom = this.zoom) { return unproject(Point.of(point), zoom); }
  getPixelOrigin() { return this.#origin; }
  get #corner() { return project(this.center, this.zoom).subtract(this.getSize().divideBy(2)); }

  getPixelBounds() {
    const min = this.#corner;
    return { min, max: min.add(this.getSize()) };
  }

  /** What the panes' corner would be with another middle and zoom. */
  _getNewPixelOrigin(center, zoom) {
    const shift = this.#origin.subtract(this.#corner);
    return project(center, zoom).subtract(this.getSize().divideBy(2)).add(shift).round();
  }

  latLngToContainerPoint(place) { return project(place, this.zoom).subtract(this.#corner); }
  containerPointToLatLng(point) { return unproject(this.#corner.add(point), this.zoom); }

  // moving it

  /** Be elsewhere at once; `isOver`: nothing of the same movement follows. */
  setView(center, zoom, isOver = true) {
    const isZoomed = zoom !== this.zoom;
    this.zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, zoom));
    this.center = this.#kept(latLngOf(center));
    if (isZoomed) this.#reset(); else this.#shift();
    // the layers scale what they show: a new picture takes a moment
    if (isZoomed) this.fire('zoomanim', { center: this.center, zoom: this.zoom }).fire('zoom');
    this.fire('move');
    return isOver ? this.fire('zoomend').fire('moveend') : this;
  }

  panBy(offset, isOver = true) {
    return this.setView(this.containerPointToLatLng(this.getSize().divideBy(2).add(offset)), this.zoom, isOver);
  }

  /** Zoom by so much with the place under a point of the container where it is. */
  zoomAround(point, by, isOver = true) {
    const zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, this.zoom + by));
    const fixed = project(this.containerPointToLatLng(point), zoom);
    const middle = fixed.subtract(Point.of(point)).add(this.getSize().divideBy(2));
    return this.setView(unproject(middle, zoom), zoom, isOver);
  }

  /** Go to a place, in a short flight unless motion is not wanted. */
  panTo(place, { duration = 0.4 } = {}) {
    this.stop();
    const [from, to] = [project(this.center, this.zoom), project(place, this.zoom)];
    const away = to.subtract(from);
    const isShort = Math.hypot(away.x, away.y) < 2 * Math.max(...Object.values(this.getSize()));
    this.fire('movestart');
    if (!isShort || matchMedia('(prefers-reduced-motion: reduce)').matches) return this.setView(place, this.zoom);
    const began = performance.now();
    const step = now => {
      const part = Math.max(0, Math.min(1, (now - began) / (duration * 1000)));
      const eased = 1 - (1 - part) ** 3;
      this.#flight = part < 1 ? requestAnimationFrame(step) : null;
      this.setView(part < 1 ? unproject(from.add(away.multiplyBy(eased)), this.zoom) : place, this.zoom, part === 1);
    };
    this.#flight = requestAnimationFrame(step);
    return this;
  }

  /** End a flight where it is. */
  stop() {
    if (this.#flight === null) return;
    cancelAnimationFrame(this.#flight);
    this.#flight = null;
    this.fire('moveend');
  }

  fitBounds(bounds, { paddingTopLeft = [0, 0], paddingBottomRight = [0, 0], maxZoom = MOST_ZOOM } = {}) {
    this.stop();
    const [before, after] = [Point.of(paddingTopLeft), Point.of(paddingBottomRight)];
    const room = this.getSize().subtract(before).subtract(after);
    const { zoom, middle } = viewOf(bounds, Math.max(room.x, 40), Math.max(room.y, 40), Math.min(maxZoom, MOST_ZOOM));
    const shown = Math.max(LEAST_ZOOM, zoom);
    const center = middle.multiplyBy(2 ** (shown - zoom)).add(after.subtract(before).divideBy(2));
    this.fire('movestart');
    return this.setView(unproject(center, shown), shown);
  }

  /** The world does not end sideways; upwards and downwards the map does. */
  #kept({ lat, lng }) {
    const size = scaleOf(this.zoom);
    const half = Math.min(size / 2, this.getSize().y / 2);
    const { y } = project({ lat, lng }, this.zoom);
    const within = Math.max(half, Math.min(size - half, y));
    return within === y ? { lat, lng } : { lat: unproject(new Point(0, within), this.zoom).lat, lng };
  }

  #reset() {
    this.#origin = this.#corner.round();
    this.#shift();
  }

  #shift() {
    const { x, y } = this.#origin.subtract(this.#corner);
    this.pane.style.transform = `translate3d(${x}px, ${y}px, 0)`;
  }
}
