// Columns of a message from the kernel: views into its one buffer.

const TYPES = { u4: Uint32Array, f4: Float32Array, f8: Float64Array };

/** Return {name: {values, base}} of a message with `count` fixes; the buffer is aligned by 8. */
export function decodeColumns(descriptions, count, buffer) {
  const columns = Object.create(null); // names are of any kind
  let offset = 0;
  for (const { name, type, base = 0 } of descriptions) {
    const values = new TYPES[type](buffer, offset, count);
    columns[name] = { values, base };
    offset += values.byteLength;
  }
  return columns;
}
