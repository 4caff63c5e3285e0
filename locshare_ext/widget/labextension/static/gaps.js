// When the silence between two fixes is a gap: then nothing is drawn or interpolated across it.

export const SHORTEST_GAP = 120000; // ms, unless the group has another
const FACTOR = 5;
const SAMPLE = 256;
const sample = new Float64Array(SAMPLE); // used again each time: it is asked for often

/** Return the ms beyond which a pause is a gap: max(5 x median interval, the shortest gap). */
export function gapLimit(keys, count, shortest = SHORTEST_GAP) {
  return Math.max(shortest, FACTOR * medianInterval(keys, count));
}

/** Return the median of the newest intervals between times (ascending, ms), 0 without any. */
export function medianInterval(keys, count) {
  let found = 0;
  for (let k = count - 1; k > 0 && found < SAMPLE; k--) {
    const interval = keys[k] - keys[k - 1];
    if (interval > 0) sample[found++] = interval;
  }
  if (!found) return 0;
  const intervals = sample.subarray(0, found).sort();
  const middle = intervals.length >> 1;
  return intervals.length % 2 ? intervals[middle] : (intervals[middle - 1] + intervals[middle]) / 2;
}
