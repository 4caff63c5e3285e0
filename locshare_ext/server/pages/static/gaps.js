// Which silence of this phone is a gap, and what it was caused by.

const SHORTEST = 120000; // ms: shorter ones are no gap on any map

/**
 * Return {from, until, reason} of the gap that a new position at `now` (ms) ends, null if it ends none.
 * last: when the one before was measured, null after a pause. wasClosed: whether the page was closed
 * since then; hidden: [[from, until], ...] of when it was not seen.
 */
export function gapBefore({ last, now, wasClosed, hidden }) {
  if (last === null || last === undefined || now - last < SHORTEST) return null;
  if (wasClosed) return { from: last, until: now, reason: 'closed' };
  const covered = hidden.reduce((sum, [from, until]) => sum + Math.max(0, Math.min(until, now) - Math.max(from, last)), 0);
  return { from: last, until: now, reason: covered * 2 > now - last ? 'hidden' : 'no_position' };
}
