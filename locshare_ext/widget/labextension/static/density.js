// The strip's heights: how many fixes there were in each part of the time.

const STEADY = 16; // fixes that a height stands for: of fewer, where a part begins would show, not how many there were
const WIDEST = 8; // parts to each side that are taken together at most

/**
 * Return heights in [0, 1] of counts, `width` ms each; pauses below `gap` ms are no gaps: fixes stand for the time since those before them.
 * Else, on a wide strip, fixes every few seconds would look like holes, or, where a part has now one and now two, like a comb. What is a gap stays empty.
 */
export function heightsOf(counts, width, gap) {
  const runs = runsOf(counts, width, gap);
  const rates = ratesOf(counts, runs);
  const parts = runs.reduce((sum, [from, to]) => sum + to - from, 0);
  const mean = counts.reduce((a, b) => a + b, 0) / Math.max(1, parts);
  const reach = mean > 0 ? Math.min(WIDEST, Math.max(0, Math.ceil((STEADY / mean - 1) / 2))) : 0;
  const heights = new Float64Array(counts.length);
  for (const [from, to] of runs) {
    for (let k = from; k < to; k++) {
      const part = rates.subarray(Math.max(from, k - reach), Math.min(to, k + reach + 1));
      heights[k] = part.reduce((a, b) => a + b, 0) / part.length;
    }
  }
  const most = heights.reduce((a, b) => Math.max(a, b), 0);
  return heights.map(height => (most > 0 ? Math.sqrt(height / most) : 0));
}

/** Return fixes per part, those of a part spread over the empty ones since the last that had some. */
function ratesOf(counts, runs) {
  const rates = new Float64Array(counts.length);
  for (const [from, to] of runs) {
    let last = -1;
    for (let k = from; k < to; k++) {
      if (!counts[k]) continue;
      const first = last < 0 ? k : last + 1;
      rates.fill(counts[k] / (k + 1 - first), first, k + 1);
      if (last === from) rates[from] /= k - from; // what was before the first is not known: as after it
      last = k;
    }
  }
  return rates;
}

/** Return the [from, to) parts between gaps, each of which begins and ends with fixes. */
function runsOf(counts, width, gap) {
  const runs = [];
  for (let k = 0; k < counts.length; k++) {
    if (!counts[k]) continue;
    const last = runs[runs.length - 1];
    if (last && (k === last[1] || (k + 1 - last[1]) * width < gap)) last[1] = k + 1;
    else runs.push([k, k + 1]);
  }
  return runs;
}
