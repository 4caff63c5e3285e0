// Places in pixels and on earth, as the layers and panels of our maps count with them.

const MOST_LAT = 85.0511287798066; // where the square world ends
const TILE = 256; // px of the world at zoom 0

export class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }

  /** Return a point of {x, y} or [x, y]. */
  static of(value) { return Array.isArray(value) ? new Point(value[0], value[1]) : value; }

  add(other) { const { x, y } = Point.of(other); return new Point(this.x + x, this.y + y); }
  subtract(other) { const { x, y } = Point.of(other); return new Point(this.x - x, this.y - y); }
  multiplyBy(factor) { return new Point(this.x * factor, this.y * factor); }
  divideBy(factor) { return new Point(this.x / factor, this.y / factor); }
  floor() { return new Point(Math.floor(this.x), Math.floor(this.y)); }
  round() { return new Point(Math.round(this.x), Math.round(this.y)); }
}

/** px around the world at a zoom, which may be any number. */
export const scaleOf = zoom => TILE * 2 ** zoom;

/** Return {lat, lng} of that or of [lat, lng]. */
export const latLngOf = place => (Array.isArray(place) ? { lat: place[0], lng: place[1] } : place);

/** Return the pixel of a place at a zoom, from the world's north-west corner. */
export function project(place, zoom) {
  const { lat, lng } = latLngOf(place);
  const phi = Math.max(-MOST_LAT, Math.min(MOST_LAT, lat)) * Math.PI / 180;
  const size = scaleOf(zoom);
  return new Point((lng / 360 + 0.5) * size, (0.5 - Math.asinh(Math.tan(phi)) / (2 * Math.PI)) * size);
}

/** Return {lat, lng} of a pixel at a zoom. */
export function unproject(point, zoom) {
  const size = scaleOf(zoom);
  const lat = Math.atan(Math.sinh(Math.PI * (1 - 2 * point.y / size))) * 180 / Math.PI;
  return { lat, lng: (point.x / size - 0.5) * 360 };
}

/** Return the zoom, and the middle at it, at which a box [south-west, north-east] fills so many px. */
export function viewOf([southWest, northEast], width, height, mostZoom) {
  const [low, high] = [project(southWest, 0), project(northEast, 0)];
  const zoom = Math.min(mostZoom, Math.log2(width / Math.max(high.x - low.x, 1e-9)), Math.log2(height / Math.max(low.y - high.y, 1e-9)));
  return { zoom, middle: low.add(high).multiplyBy(2 ** zoom / 2) };
}
