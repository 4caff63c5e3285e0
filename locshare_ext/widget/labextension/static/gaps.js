// When the silence between two fixes is a gap: then nothing is drawn or interpolated across it.

export const SHORTEST_GAP = 120000; // ms, unless the group has another
const FACTOR = 5;
const SAMPLE = 256;

/** Return the ms beyond which a pause is a gap: max(5 x median interval, the shortest gap). */
export function gapLimit(keys, count, shortest = SHORTEST_GAP) {
  return Math.max(shortest, FACTOR * medianInterval(keys, count));
}

/** Return the median of the newest intervals between times (ascending, ms), 0 without any. */
export function medianInterval(keys, count) {
  const intervals = [];
  for (let k = count - 1; k > 0 && intervals.length < SAMPLE; k--) {
    const interval = keys[k] - keys[k - 1];
    if (interval > 0) intervals.push(interval);
  }
  if (!intervals.length) return 0;
  intervals.sort((a, b) => a - b);
  const middle = intervals.length >> 1;
  return intervals.length % 2 ? intervals[middle] : (intervals[middle - 1] + intervals[middle]) / 2;
}
