// What our layers and panels ask of Leaflet, for the map of a file that stands by itself.

import { latLngOf, Point } from './points.js';

const OWN_EVENTS = ['click', 'dblclick', 'contextmenu', 'pointerdown', 'mousedown', 'touchstart'];
const ROUND = [1, 2, 5];

/** Return a class as Leaflet's `extend` makes it: with options, and `initialize` as its constructor. */
function extend(Base, properties) {
  class Extended extends Base {
    constructor(...args) {
      super();
      this.initialize?.(...args);
    }
  }
  Object.assign(Extended.prototype, properties, { options: { ...Base.prototype.options, ...properties.options } });
  return Extended;
}

class Layer {
  static extend(properties) { return extend(this, properties); }

  getPane() { return this._map.getPane(this.options.pane); }
  remove() { this._map?.removeLayer(this); }
}

class Control {
  static extend(properties) { return extend(this, properties); }
}

/** Return a control that tells how long a part of the map is. */
function scale({ position, maxWidth }) {
  const line = DomUtil.create('div', 'leaflet-control-scale-line');
  let shown = null;
  const update = () => {
    const { lat } = shown.getCenter();
    const metre = shown.options.crs.scale(shown.getZoom()) / (40075016.7 * Math.cos(lat * Math.PI / 180)); // px
    const most = maxWidth / metre;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = power * ROUND.findLast(part => part * power <= most);
    line.style.width = `${Math.round(length * metre)}px`;
    line.textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
  };
  const onAdd = map => {
    shown = map;
    map.on('move resize', update);
    update();
    const box = DomUtil.create('div', 'leaflet-control-scale');
    box.append(line);
    return box;
  };
  return { options: { position }, onAdd, onRemove: map => map.off('move resize', update) };
}

const DomUtil = {
  create(tag, className = '', parent = null) {
    const element = document.createElement(tag);
    element.className = className;
    parent?.append(element);
    return element;
  },

  setTransform(element, { x, y }, factor = 1) {
    element.style.transform = `translate3d(${x}px, ${y}px, 0) scale(${factor})`;
  },
};

const stop = event => event.stopPropagation();

const DomEvent = {
  disableClickPropagation(element) { for (const name of OWN_EVENTS) element.addEventListener(name, stop); },
  disableScrollPropagation(element) { element.addEventListener('wheel', stop); },
};

export const L = {
  Layer, Control, DomUtil, DomEvent, control: { scale },
  point: (x, y) => new Point(x, y),
  latLngBounds: (southWest, northEast) => [latLngOf(southWest), latLngOf(northEast)],
};
