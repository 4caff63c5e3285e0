// Colours for values: from low to high they grow lighter evenly, and are told apart by colour-blind people.

import { hues } from './colors.js';

export const STEPS = 64;
export const UNKNOWN = '#777777';
export const OTHER = '#a9a9a9'; // texts beyond those with a colour of their own

// the inner parts of two ramps, so that neither end is lost on its ground
const ANCHORS = {
  light: ['#3b1c8c', '#7a04a6', '#b5367a', '#dd5e52', '#e8912d'],
  dark: ['#5a6ff0', '#21a5b5', '#3fc77f', '#a5db36', '#fde725'],
};
const ENOUGH = 20000; // values that tell a range
const FIXED = { battery: [0, 1] };

/** Return the colours `#rrggbb` of all steps, then that of unknown values. */
export function ramp(ground) {
  const anchors = ANCHORS[ground === 'dark' ? 'dark' : 'light'].map(parts);
  const steps = Array.from({ length: STEPS }, (_, k) => {
    const at = k / (STEPS - 1) * (anchors.length - 1);
    const first = Math.min(anchors.length - 2, Math.floor(at));
    return hex(anchors[first].map((value, n) => value + (anchors[first + 1][n] - value) * (at - first)));
  });
  return [...steps, UNKNOWN];
}

/** Return the colours of texts by number: those that came first have their own, then all others', then unknown. */
export const categoryColors = ground => [...hues(ground === 'dark'), OTHER, UNKNOWN];

/** Return a value's step in a range; STEPS when it is unknown. */
export function stepOf(value, [low, high]) {
  if (!Number.isFinite(value)) return STEPS;
  return Math.max(0, Math.min(STEPS - 1, Math.floor((value - low) / (high - low) * STEPS)));
}

/** Return [low, high] of most of a number's values, in round figures; [0, 1] while there are none. */
export function rangeOf(tracks, name) {
  if (FIXED[name]) return FIXED[name];
  const values = [];
  const total = tracks.reduce((sum, track) => sum + (track?.count ?? 0), 0);
  const step = Math.max(1, Math.ceil(total / ENOUGH));
  let next = 0; // in the row of all fixes
  for (const track of tracks) {
    if (!track) continue;
    for (; next < track.count; next += step) {
      const value = track.number(name, next);
      if (Number.isFinite(value)) values.push(value);
    }
    next -= track.count;
  }
  if (!values.length) return [0, 1];
  values.sort((a, b) => a - b);
  return rounded(values[Math.floor(values.length * 0.02)], values[Math.ceil(values.length * 0.98) - 1]);
}

/** Return a range around another, in figures that people like to read. */
export function rounded(low, high) {
  if (!(high > low)) return [low, low + 1];
  const unit = 10 ** Math.floor(Math.log10(high - low)) / 2;
  return [Math.floor(low / unit) * unit, Math.ceil(high / unit) * unit];
}

const parts = color => [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
const hex = values => `#${values.map(value => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
