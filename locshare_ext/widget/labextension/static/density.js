// The strip's heights: how many fixes there were in each part of the time.

/**
 * Return heights in [0, 1] of counts, `width` ms each; pauses below `gap` ms are no gaps. Empty parts between fixes that are no gap are filled:
 * on a wide strip fixes every few seconds would look like holes. What is a gap stays empty.
 */
export function heightsOf(counts, width, gap) {
  const heights = Float64Array.from(counts);
  let last = -1;
  for (let k = 0; k < counts.length; k++) {
    if (!counts[k]) continue;
    const isFilled = last >= 0 && k - last > 1 && (k - last) * width < gap;
    if (isFilled) heights.fill(Math.min(counts[last], counts[k]), last + 1, k);
    last = k;
  }
  const most = heights.reduce((a, b) => Math.max(a, b), 1);
  return heights.map(height => Math.sqrt(height / most));
}
