// Places made coarser on the phone, by the grid of the server: what it makes coarser again stays as it is.

const RADIUS = 6371008.8; // m
const DEGREE = Math.PI / 180 * RADIUS; // m of latitude
const DECIMALS = 1e6; // 0.1 m

/** Return {lat, lon} of the nearest point of a grid of about so many metres. */
export function gridPlace(lat, lon, size) {
  const step = size / DEGREE;
  const row = Math.min(Math.max(rounded(lat / step) * step, -90), 90);
  const around = Math.ceil(360 / step * Math.max(Math.cos(row * Math.PI / 180), 1e-9)); // points: the grid closes
  const turned = modulo(rounded(lon / 360 * around), around) * 360 / around;
  return { lat: decimal(row), lon: decimal(turned <= 180 ? turned : turned - 360) };
}

/** Return a fix as it may be kept and sent with a precision in metres, null for exact. */
export function coarsened(fix, size) {
  if (!size) return fix;
  const { altitude, ...kept } = fix;
  return { ...kept, ...gridPlace(fix.lat, fix.lon, size), accuracy: Math.max(fix.accuracy ?? 0, size) };
}

/** Return the coarser of two precisions, null when both are exact. */
export const coarser = (one, other) => Math.max(one ?? 0, other ?? 0) || null;

/** Round halves to even, as the server does. */
function rounded(value) {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

const modulo = (value, size) => ((value % size) + size) % size;
const decimal = value => rounded(value * DECIMALS) / DECIMALS;
