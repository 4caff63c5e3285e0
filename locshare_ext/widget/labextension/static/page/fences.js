// The areas of geofences, as outlines on the map of a file that stands by itself.

import { setText } from '../dom.js';
import { project } from './points.js';

const SVG = 'http://www.w3.org/2000/svg';
const EQUATOR = 40075016.7; // m
const FLATTEST = 0.01; // of a circle's cosine: near the poles it would cover all

/** Return the outlines [[x, y], ...] of an area in px of the world at a zoom, on the turn next to a longitude. */
export function outlinesOf(area, zoom, near) {
  const rings = area.type === 'Polygon' ? area.coordinates : area.coordinates.flat();
  const turn = 360 * Math.round((near - rings[0][0][0]) / 360);
  return rings.map(ring => ring.map(([lon, lat]) => {
    const { x, y } = project([lat, lon + turn], zoom);
    return [x, y];
  }));
}

/** Return {x, y, r} of a circle in px of the world at a zoom, on the turn next to a longitude. */
export function circleOf({ lat, lon, radius }, zoom, near) {
  const { x, y } = project([lat, lon + 360 * Math.round((near - lon) / 360)], zoom);
  const across = project([lat, 360], zoom).x - project([lat, 0], zoom).x; // px of a parallel
  return { x, y, r: radius / (EQUATOR * Math.max(FLATTEST, Math.cos(lat * Math.PI / 180))) * across };
}

/** Return the class of a layer that shows fences [name, area], areas as our server tells of them. */
export function createFences(L) {
  return L.Layer.extend({
    options: { pane: 'tilePane' },

    initialize(fences) { this.fences = fences; },

    onAdd() {
      this.svg = document.createElementNS(SVG, 'svg');
      this.svg.setAttribute('class', 'locshare-fences');
      this.svg.setAttribute('aria-hidden', 'true'); // what happens at them is told by the timeline
      this.shapes = this.fences.map(([name, area]) => {
        const shape = this.svg.appendChild(document.createElementNS(SVG, 'radius' in area ? 'circle' : 'path'));
        const label = this.svg.appendChild(document.createElementNS(SVG, 'text'));
        setText(label, name);
        return { area, shape, label };
      });
      this.getPane().append(this.svg);
      this.draw();
    },

    onRemove() { this.svg.remove(); },

    getEvents() { return { zoomanim: this.draw, zoom: this.draw, zoomend: this.draw, moveend: this.draw, resize: this.draw }; },

    draw() {
      const map = this._map;
      const [zoom, near, origin] = [map.getZoom(), map.getCenter().lng, map.getPixelOrigin()];
      for (const { area, shape, label } of this.shapes) {
        const [x, y] = 'radius' in area ? putCircle(shape, circleOf(area, zoom, near), origin) : putPath(shape, outlinesOf(area, zoom, near), origin);
        label.setAttribute('x', x);
        label.setAttribute('y', y - 5);
      }
    },
  });
}

/** Put a circle where it belongs; returns the px of its top. */
function putCircle(shape, { x, y, r }, origin) {
  for (const [name, value] of Object.entries({ cx: x - origin.x, cy: y - origin.y, r })) shape.setAttribute(name, value.toFixed(1));
  return [x - origin.x, y - origin.y - r];
}

function putPath(shape, rings, origin) {
  const local = rings.map(ring => ring.map(([x, y]) => [x - origin.x, y - origin.y]));
  shape.setAttribute('d', local.map(ring => `M${ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`).join(''));
  const [xs, ys] = [0, 1].map(axis => local[0].map(point => point[axis]));
  return [(Math.min(...xs) + Math.max(...xs)) / 2, Math.min(...ys)];
}
