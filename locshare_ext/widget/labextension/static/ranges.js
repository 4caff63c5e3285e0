// Which numbered fixes of the kernel's log this page holds, as sorted half-open ranges.

/** Return what of [first, last) is not in `ranges`. */
export function missing(ranges, first, last) {
  const gaps = [];
  for (const [from, to] of ranges) {
    if (to <= first) continue;
    if (from >= last) break;
    if (from > first) gaps.push([first, from]);
    first = Math.max(first, to);
  }
  if (first < last) gaps.push([first, last]);
  return gaps;
}

/** Return `ranges` with [first, last) joined in. */
export function join(ranges, first, last) {
  const joined = [];
  for (const [from, to] of ranges) {
    if (to < first || from > last) joined.push([from, to]);
    else { first = Math.min(first, from); last = Math.max(last, to); }
  }
  joined.push([first, last]);
  return joined.sort((a, b) => a[0] - b[0]);
}
