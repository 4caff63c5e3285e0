// Reads the fixes of a file: columns of whole numbers, as differences, by byte, compressed, as text.

import { xOf, yOf } from '../projection.js';

const DEGREE = 1e7; // units of a degree

/** Return the bytes of a text in base64 that were compressed (zlib). */
async function bytesOf(text) {
  const letters = atob(text);
  const packed = new Uint8Array(letters.length);
  for (let k = 0; k < packed.length; k++) packed[k] = letters.charCodeAt(k);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return `count` numbers from bytes: a column {first, step, width, known} that begins at `offset`. */
function numbersOf(bytes, offset, { first, step, width, known }, count) {
  const values = new Float64Array(count);
  const start = offset + (known ? 0 : Math.ceil(count / 8));
  let value = first;
  for (let row = 0; row < count; row++) {
    let code = 0;
    for (let byte = width - 1; byte >= 0; byte--) code = code * 256 + bytes[start + byte * count + row];
    value += (code % 2 ? -(code + 1) / 2 : code / 2) * step; // beyond 32 bits, where no shift reaches
    values[row] = known || bytes[offset + (row >> 3)] & (128 >> (row & 7)) ? value : NaN;
  }
  return values;
}

/** Return numbers in an array of another kind, changed one by one; `from` with a function takes far longer. */
function changed(Kind, values, change) {
  const made = new Kind(values.length);
  for (let row = 0; row < made.length; row++) made[row] = change(values[row], row);
  return made;
}

/** Return how many bytes a column takes. */
const sizeOf = ({ width, known }, count) => width * count + (known ? 0 : Math.ceil(count / 8));

/** Return {name: numbers} of a part {count, columns} of the file, whose bytes the text holds. */
export async function unpack({ count, columns }, text) {
  const bytes = await bytesOf(text);
  const unpacked = {};
  let offset = 0;
  for (const column of columns) {
    unpacked[column.name] = numbersOf(bytes, offset, column, count);
    offset += sizeOf(column, count);
  }
  if (offset !== bytes.length) throw new Error('a part of this file is broken');
  return unpacked;
}

/** Return {columns, buffer} of unpacked numbers as a kernel sends fixes; units: by name, what a whole number stands for. */
export function messageOf(unpacked, units) {
  const { time, lag, member, lat, lon, ...numbers } = unpacked;
  const parts = [['time', 'f8', time]];
  if (lag) parts.push(['received', 'f8', changed(Float64Array, time, (moment, row) => moment + lag[row])]);
  parts.push(['member', 'u4', new Uint32Array(member)]);
  parts.push(['x', 'u4', changed(Uint32Array, lon, one => xOf(one / DEGREE))], ['y', 'u4', changed(Uint32Array, lat, one => yOf(one / DEGREE))]);
  for (const [name, values] of Object.entries(numbers)) parts.push([name, 'f4', changed(Float32Array, values, one => one * units[name])]);
  const buffer = new Uint8Array(parts.reduce((size, [, , values]) => size + values.byteLength, 0));
  let offset = 0;
  for (const [, , values] of parts) {
    buffer.set(new Uint8Array(values.buffer), offset);
    offset += values.byteLength;
  }
  return { columns: parts.map(([name, type]) => ({ name, type, base: 0 })), buffer };
}
