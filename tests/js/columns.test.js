import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { isSound } = await load('columns.js');

const COLUMNS = [
  { name: 'time', type: 'u4', base: 1_700_000_000_000 }, { name: 'member', type: 'u4' }, { name: 'x', type: 'u4' }, { name: 'y', type: 'u4' },
];

/** A message of two fixes, with another member or time in one of them. */
function message({ member = 1, time = 5, columns = COLUMNS, first = 0, count = 2 } = {}) {
  const values = Uint32Array.of(0, time, 0, member, 7, 8, 9, 10);
  return [{ first, count, columns }, values.buffer];
}

test('a message as the kernel sends it is taken', () => assert.ok(isSound(...message())));

const f8 = { name: 'time', type: 'f8' };
for (const [what, change] of Object.entries({
  'no bytes': [{}, new ArrayBuffer(0)],
  'too few bytes': [{ count: 3 }],
  'too many bytes': [{ count: 1 }],
  'no fix': [{ count: 0 }],
  'a part of a fix': [{ count: 1.5 }],
  'a place before the first': [{ first: -1 }],
  'no columns': [{ columns: null }],
  'no time': [{ columns: COLUMNS.map(column => ({ ...column, name: column.name === 'time' ? 'speed' : column.name })) }],
  'an unknown type': [{ columns: COLUMNS.map(column => ({ ...column, type: 'constructor' })) }],
  'a base that is no number': [{ columns: COLUMNS.map(column => ({ ...column, base: NaN })) }],
  'floats that are not aligned': [{ columns: [...COLUMNS.slice(1, 2), f8, ...COLUMNS.slice(2, 3)] }],
  'places that are floats': [{ columns: COLUMNS.map(column => ({ ...column, type: column.name === 'x' ? 'f4' : 'u4' })) }],
  'a member beyond all': [{ member: 2 ** 20 }],
})) {
  test(`a message with ${what} is left out`, () => {
    const [options, data] = change;
    const [content, bytes] = message(options);
    assert.equal(isSound(content, data ?? bytes), false);
  });
}

test('a time that is no number is left out', () => {
  const columns = [f8, ...COLUMNS.slice(1)];
  const data = new ArrayBuffer(20);
  assert.ok(isSound({ first: 0, count: 1, columns }, data));
  new Float64Array(data, 0, 1)[0] = NaN;
  assert.equal(isSound({ first: 0, count: 1, columns }, data), false);
});
