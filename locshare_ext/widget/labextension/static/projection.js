// Web Mercator in whole numbers: x and y are uint32 fractions of the world, as the kernel sends them.

export const WORLD = 4294967296;

export const lonOf = x => ((x + 0.5) / WORLD - 0.5) * 360;
export const latOf = y => Math.atan(Math.sinh(Math.PI * (1 - 2 * (y + 0.5) / WORLD))) * 180 / Math.PI;

/** Return x of a longitude, wrapped into the world. */
export function xOf(lon) {
  return Math.floor((lon / 360 + 0.5) * WORLD) >>> 0;
}

/** Return y of a latitude, cut where the square world ends. */
export function yOf(lat) {
  const phi = Math.max(-85.0511287798066, Math.min(85.0511287798066, lat)) * Math.PI / 180;
  const y = Math.floor((0.5 - Math.asinh(Math.tan(phi)) / (2 * Math.PI)) * WORLD);
  return Math.max(0, Math.min(WORLD - 1, y));
}

/** Return the shorter way from x0 to x1 in units, negative to the west: over the antimeridian if need be. */
export const eastward = (x0, x1) => (x1 - x0) | 0;

/** Return x a fraction of the shorter way from x0 to x1. */
export const between = (x0, x1, fraction) => (x0 + eastward(x0, x1) * fraction) >>> 0;

/** Return the direction of travel on the map, degrees clockwise from north, null when at rest. */
export function headingOf(x0, y0, x1, y1) {
  const east = eastward(x0, x1);
  const south = y1 - y0;
  if (east === 0 && south === 0) return null;
  return (Math.atan2(east, -south) * 180 / Math.PI + 360) % 360;
}

/** Return the smallest range of x around points that may lie on both sides of the antimeridian. */
export function span(xs) {
  if (!xs.length) return null;
  const first = xs[0];
  let low = 0;
  let high = 0;
  for (const x of xs) {
    const offset = eastward(first, x);
    if (offset < low) low = offset;
    if (offset > high) high = offset;
  }
  return [first + low, first + high]; // may lie outside [0, WORLD): unwrapped
}
