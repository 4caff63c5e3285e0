// Numbers as people read them.

const two = number => String(number).padStart(2, '0');

/** Return an age in ms as a short text: `4 s`, `12 min`, `3 h 5 min`, `2 d`. */
export function age(ms) {
  if (!Number.isFinite(ms)) return '–';
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const clockTime = ms => {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
};

export const clockSeconds = ms => `${clockTime(ms)}:${two(new Date(ms).getSeconds())}`;

export const day = ms => {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/** Return date and time of the reader's zone, to the second. */
export const moment = ms => `${day(ms)} ${clockSeconds(ms)}`;

/** Return when it was, with the date only if that is another day. */
export function since(ms, wall) {
  return day(ms) === day(wall) ? clockTime(ms) : `${day(ms)} ${clockTime(ms)}`;
}

/** Return m/s as km/h. */
export const speed = value => (Number.isFinite(value) ? `${(value * 3.6).toFixed(value < 2.75 ? 1 : 0)} km/h` : null);
export const battery = value => (Number.isFinite(value) ? `${Math.round(value * 100)} %` : null);
export const accuracy = value => (Number.isFinite(value) ? `±${value < 10 ? value.toFixed(0) : Math.round(value)} m` : null);

const NAMES = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'];

/** Return degrees clockwise from north with the wind's name. */
export const heading = value =>
  (Number.isFinite(value) ? `${Math.round(value) % 360}° ${NAMES[Math.round(value / 45) % 8]}` : null);
