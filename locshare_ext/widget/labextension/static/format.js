// Numbers, times and units as people read them, in the page's language.

import { locale, onLanguage, t } from './language.js';

const made = new Map();
onLanguage(() => made.clear());

/** Return a formatter of `Intl`, made once: making one costs more than using it. */
function formatter(kind, options) {
  const key = `${kind}${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl[kind](locale(), options));
  return made.get(key);
}

/** Return a number with its unit as `Intl` names it, such as `second`. */
const unit = (value, name, digits = 0) =>
  formatter('NumberFormat', { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);

/** Return a number with three digits that count. */
export const figure = value => formatter('NumberFormat', { maximumSignificantDigits: 3 }).format(value);

/** Return an age in ms as a short text: `4 sec`, `12 min`, `3 hr 5 min`, `2 days 1 hr`. */
export function age(ms) {
  if (!Number.isFinite(ms)) return '–';
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return unit(seconds, 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return unit(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${unit(hours, 'hour')} ${unit(minutes % 60, 'minute')}`;
  return `${unit(Math.floor(hours / 24), 'day')} ${unit(hours % 24, 'hour')}`;
}

/** Return a span of seconds as a choice has it: `30 sec`, `5 min`, `1 hr`, `7 days`. */
export function span(seconds) {
  for (const [name, length] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (seconds >= length && (name !== 'day' || seconds > length) && seconds % length === 0) return unit(seconds / length, name);
  }
  return seconds < 120 ? unit(seconds, 'second', 1) : unit(seconds / 60, 'minute', 1);
}

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };

export const clockTime = ms => formatter('DateTimeFormat', CLOCK).format(ms);
export const clockSeconds = ms => formatter('DateTimeFormat', { ...CLOCK, second: '2-digit' }).format(ms);

/** Return a text that is the same for moments of one day, in the reader's zone. */
export const day = ms => new Date(ms).toDateString();

/** Return a day without its year. */
export const shortDay = ms => formatter('DateTimeFormat', { month: 'short', day: 'numeric' }).format(ms);

/** Return date and time of the reader's zone, to the second. */
export const moment = ms => formatter('DateTimeFormat', {
  ...CLOCK, year: 'numeric', month: 'short', day: 'numeric', second: '2-digit',
}).format(ms);

/** Return when it was, with the date only if that is another day. */
export function since(ms, wall) {
  return day(ms) === day(wall) ? clockTime(ms) : `${shortDay(ms)} ${clockTime(ms)}`;
}

/** Return m/s as km/h. */
export const speed = value => (Number.isFinite(value) ? unit(value * 3.6, 'kilometer-per-hour', value < 2.75 ? 1 : 0) : null);
export const battery = value => (Number.isFinite(value) ? formatter('NumberFormat', { style: 'percent' }).format(value) : null);
export const accuracy = value => (Number.isFinite(value) ? `±${unit(value, 'meter')}` : null);
export const altitude = value => (Number.isFinite(value) ? unit(value, 'meter') : null);

/** Return a length of whole metres, from 1,000 m on in km. */
export const distance = metres => (metres < 1000 ? unit(metres, 'meter') : unit(metres / 1000, 'kilometer'));

/** Return degrees clockwise from north with the wind's name. */
export const heading = value =>
  (Number.isFinite(value) ? `${Math.round(value) % 360}° ${t('compass').split(' ')[Math.round(value / 45) % 8]}` : null);

/** Return the sign of a unit: `km/h`. */
export const unitSign = name => formatter('NumberFormat', { style: 'unit', unit: name, unitDisplay: 'short' })
  .formatToParts(1).find(part => part.type === 'unit').value;
