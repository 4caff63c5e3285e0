// Columns of a message from the kernel: views into its one buffer.

const TYPES = { u4: Uint32Array, f4: Float32Array, f8: Float64Array };
const NEEDED = ['member', 'x', 'y', 'time'];
const PLACED = new Set(['member', 'x', 'y', 'time', 'received']); // all others are numbers
const NAMES = Symbol('names of numbers'); // no column's name
const MOST_MEMBERS = 2 ** 20; // a pixel holds whose it is in 20 bits

/** Whether a message is one that can be decoded and drawn: a broken one is left out as if it had not come. */
export function isSound({ first, count, columns }, buffer) {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || first < 0 || count < 1) return false;
  if (!Array.isArray(columns)) return false;
  const isKnown = column => Object.hasOwn(TYPES, column?.type) && Number.isFinite(column.base ?? 0);
  if (!columns.every(isKnown) || !NEEDED.every(name => columns.some(column => column.name === name))) return false;
  const size = columns.reduce((all, { type }) => all + TYPES[type].BYTES_PER_ELEMENT * count, 0);
  if (size !== buffer.byteLength) return false;
  const isInOrder = columns.every(({ type }, k) => type !== 'f8' || k === 0 || columns[k - 1].type === 'f8');
  return isInOrder && hasPlaces(columns, count, buffer);
}

/** Whether each fix is of a member and at a time that there can be. */
function hasPlaces(columns, count, buffer) {
  const decoded = decodeColumns(columns, count, buffer);
  const [members, times] = [decoded.member.values, decoded.time.values];
  for (let row = 0; row < count; row++) {
    if (members[row] >= MOST_MEMBERS || !Number.isFinite(times[row])) return false;
  }
  return ['x', 'y'].every(name => decoded[name].values instanceof Uint32Array);
}

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

/** Return the effective time of a row, ms: the earlier of the device's and the server's clock. */
export function keyOf(columns, row) {
  const time = valueOf(columns.time, row);
  const received = valueOf(columns.received, row);
  return received > 0 && received < time ? received : time;
}

/** Return what a column has in a row, 0 without the column. */
export function valueOf(column, row) {
  return column ? column.values[row] + column.base : 0;
}

/** Return the names of the numbers that a message brings; looked up once for each message. */
export function numbersOf(columns) {
  return (columns[NAMES] ??= Object.keys(columns).filter(name => !PLACED.has(name)));
}
