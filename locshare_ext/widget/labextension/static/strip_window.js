// Which part of the past the timeline's strip shows, when it is not all of it.

const BEFORE = 0.1; // part of the strip that is left before a moment that it moves to

/**
 * Return where a strip of `span` ms begins that shows `moment`: where it did (`from`, null at first) as long as the
 * moment is on it, else a little before the moment; within [oldest, end] where that is longer than the strip.
 */
export function beginOf({ from, moment, span, oldest, end }) {
  const isOn = from !== null && moment >= from && moment <= from + span;
  const wanted = isOn ? from : moment - BEFORE * span;
  return Math.max(oldest, Math.min(end - span, wanted));
}
