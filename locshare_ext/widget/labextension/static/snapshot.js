// A recording's fixes that were saved with a notebook, for who opens it without its kernel.

import { isSound } from './columns.js';

/** Return what `snapshot.py` wrote: {names, categories, columns, count, buffer}; null without it, or with a kernel. */
export function snapshotOf(model) {
  const saved = model.get('_snapshot');
  if (model.comm || !saved) return null;
  try {
    const bytes = typeof saved === 'string' ? bytesOf(saved) : new Uint8Array(saved.buffer, saved.byteOffset, saved.byteLength);
    if (bytes.length <= 4) return null;
    const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
    const buffer = bytes.slice(start).buffer;
    return isSound({ ...head, first: 0 }, buffer) ? { ...head, buffer } : null;
  } catch {
    return null; // a notebook may be edited by anybody
  }
}

/** Return the bytes that base64 text stands for: what a stock widget's model keeps. */
const bytesOf = text => Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
