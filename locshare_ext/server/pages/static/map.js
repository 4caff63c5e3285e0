// The small map: oneself, the others, degrees and a scale; no tiles, so nobody else learns where it is looked at.

const STEPS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30];
const UNDER_SCALE = 44; // px from the top that the scale takes
const LABEL = 60; // px that a label takes
const LINES = 4; // on the shorter side, about

/** Return the degrees between lines where so many are seen. */
export const stepOf = seen => STEPS.find(step => seen / step <= LINES) ?? STEPS[STEPS.length - 1];

/** Return the multiples of a step in [from, to]. */
export function linesOf(from, to, step) {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

export class SmallMap {
  /** L: Leaflet. box: the element. label: what a screen reader calls it. */
  constructor(L, box, label) {
    this.L = L;
    box.setAttribute('aria-label', label);
    this.map = L.map(box, { attributionControl: false, zoomControl: false, minZoom: 2, maxZoom: 20, zoomAnimation: false, worldCopyJump: true });
    L.control.zoom({ position: 'topright' }).addTo(this.map);
    L.control.scale({ imperial: false, position: 'topleft' }).addTo(this.map);
    this.map.createPane('grid').style.zIndex = 350; // below those who are on it
    this.grid = L.layerGroup().addTo(this.map);
    this.markers = new Map();
    this.isOwn = false; // whether the person has moved it: then it stays
    this.map.on('moveend zoomend resize', () => this.#graticule());
    this.map.on('dragstart', () => { this.isOwn = true; });
    for (const type of ['wheel', 'dblclick', 'keydown', 'click']) box.addEventListener(type, event => { this.isOwn ||= type !== 'click' || event.target.closest('a') !== null; });
    this.map.setView([0, 0], 2);
    new ResizeObserver(() => this.map.invalidateSize()).observe(box);
  }

  /** Show oneself, {lat, lon, accuracy} or null, and the others as `Others.list` has them. */
  show(place, me, others) {
    const seen = new Set();
    const known = this.markers.size;
    if (place) this.#mark(seen, ' me', [place.lat, place.lon], me, 'me');
    for (const { member, fix, state, calls } of others) {
      this.#mark(seen, member, [fix.lat, fix.lon], member, `other ${state}`);
      if (calls) this.#mark(seen, ` sos ${member}`, [fix.lat, fix.lon], null, 'sos-mark', 18);
    }
    for (const [name, marker] of this.markers) {
      if (seen.has(name)) continue;
      marker.remove();
      this.markers.delete(name);
    }
    if (!this.isOwn && (this.markers.size !== known || !this.#seesAll())) this.fit();
  }

  /** Bring all into view. */
  fit() {
    const places = [...this.markers.values()].map(marker => marker.getLatLng());
    if (!places.length) return;
    this.isOwn = false;
    this.map.fitBounds(this.L.latLngBounds(places).pad(0.15), { maxZoom: 16, padding: [24, 24], animate: false });
  }

  #seesAll() {
    const bounds = this.map.getBounds();
    return [...this.markers.values()].every(marker => bounds.contains(marker.getLatLng()));
  }

  #mark(seen, name, place, label, className, radius = 9) {
    seen.add(name);
    let marker = this.markers.get(name);
    if (!marker) {
      marker = this.L.circleMarker(place, { radius, className, weight: 2, fillOpacity: 1, interactive: false, color: null, fillColor: null }).addTo(this.map);
      if (label) marker.bindTooltip(textOf(label), { permanent: true, direction: 'auto', offset: [8, 0] });
      this.markers.set(name, marker);
    }
    marker.setLatLng(place);
    const path = marker.getElement();
    if (path && marker.shown !== className) { // Leaflet writes colours as attributes, which a style sheet overrules
      path.setAttribute('class', `leaflet-interactive ${className}`);
      marker.shown = className;
    }
  }

  #graticule() {
    const { L, map } = this;
    const bounds = map.getBounds();
    const [south, north, west, east] = [Math.max(-85, bounds.getSouth()), Math.min(85, bounds.getNorth()), bounds.getWest(), bounds.getEast()];
    const step = stepOf(Math.min(north - south, east - west));
    const decimals = Math.max(0, Math.ceil(-Math.log10(step)));
    this.grid.clearLayers();
    const { x: width } = map.getSize();
    const isClear = place => { const { x, y } = map.latLngToContainerPoint(place); return y > UNDER_SCALE && x < width - LABEL; };
    const line = (from, to) => L.polyline([from, to], { pane: 'grid', className: 'graticule', weight: 1, interactive: false, color: null }).addTo(this.grid);
    const label = (place, text) => isClear(place) && L.marker(place, {
      pane: 'grid', interactive: false, keyboard: false, icon: L.divIcon({ className: 'degrees', html: textOf(text), iconSize: null, iconAnchor: [0, 14] }),
    }).addTo(this.grid);
    for (const lat of linesOf(south, north, step)) {
      line([lat, west], [lat, east]);
      label([lat, west], `${Math.abs(lat).toFixed(decimals)}°${lat < 0 ? 'S' : 'N'}`);
    }
    for (const lon of linesOf(west, east, step)) {
      line([south, lon], [north, lon]);
      const round = ((lon + 540) % 360 + 360) % 360 - 180;
      label([south, lon], `${Math.abs(round).toFixed(decimals)}°${round < 0 ? 'W' : 'E'}`);
    }
  }
}

/** Names are of any letters: they are shown as text, never read as markup. */
function textOf(text) {
  const element = document.createElement('span');
  element.textContent = text;
  return element;
}
