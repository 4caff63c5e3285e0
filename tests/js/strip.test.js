import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { beginOf } = await load('strip_window.js');
const { roundLength } = await load('image_scale.js');

const part = more => beginOf({ from: null, span: 100, oldest: 1000, end: 2000, ...more });

test('a strip stays where it is while the moment is on it', () => {
  assert.equal(part({ from: 1300, moment: 1300 }), 1300);
  assert.equal(part({ from: 1300, moment: 1400 }), 1300);
});

test('a strip goes to the moment, and never beyond what there is', () => {
  assert.equal(part({ from: 1300, moment: 1401 }), 1391);
  assert.equal(part({ from: 1300, moment: 1299 }), 1289);
  assert.equal(part({ moment: 1000 }), 1000);
  assert.equal(part({ moment: 2000 }), 1900);
  assert.equal(part({ from: 1900, moment: 2000, end: 2500 }), 1900);
});

test('a scale is of a round length', () => {
  assert.deepEqual([0.7, 1, 9.99, 29, 450, 10_000, 7_999_999].map(roundLength), [0.5, 1, 5, 20, 300, 10_000, 5_000_000]);
});
