// A recording's fixes that were saved with a notebook, for who opens it without its kernel.

import { isSound } from './columns.js';

/** Return what `snapshot.py` wrote: {names, categories, columns, count, buffer}; null without it, or with a kernel. */
export function snapshotOf(model) {
  const saved = model.get('_snapshot');
  if (model.comm || !(saved?.byteLength > 4)) return null;
  const bytes = new Uint8Array(saved.buffer, saved.byteOffset, saved.byteLength);
  const start = 4 + saved.getUint32(0, true);
  try {
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
    const buffer = bytes.slice(start).buffer;
    return isSound({ ...head, first: 0 }, buffer) ? { ...head, buffer } : null;
  } catch {
    return null; // a notebook may be edited by anybody
  }
}
