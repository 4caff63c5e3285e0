import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { paintFor } = await load('paint.js');
const { STEPS, UNKNOWN, ramp, rangeOf, rounded, stepOf } = await load('ramp.js');
const { packed } = await load('picture.js');
const { Store } = await load('store.js');
const { Display } = await load('display.js');

const T = 100_000_000;
const GROUND = { ground: 'light', paper: '#ffffff', colors: ['#112233', '#445566'] };
const OPTIONS = { hidden: new Set(), interpolate: false, staleAfter: 60_000, lostAfter: 600_000 };

async function shown(fixes) {
  const store = new Store();
  store.insert(await columnsOf(fixes), 0, fixes.length);
  const display = new Display();
  display.update(store, { live: true, moment: T, reference: T, now: 0 }, OPTIONS);
  return { store, display };
}

test('values have steps, unknown ones a colour of their own', () => {
  assert.deepEqual([-5, 0, 5, 10, 99].map(value => stepOf(value, [0, 10])), [0, 0, 32, 63, 63]);
  assert.equal(stepOf(NaN, [0, 10]), STEPS);
  for (const ground of ['light', 'dark']) {
    const colors = ramp(ground);
    assert.equal(colors.length, STEPS + 1);
    assert.equal(colors[STEPS], UNKNOWN);
    assert.ok(colors.every(color => /^#[0-9a-f]{6}$/.test(color)));
  }
});

test('a range leaves out what is rare, and has round ends', async () => {
  assert.deepEqual(rounded(0.3, 9.1), [0, 9.5]);
  assert.deepEqual(rounded(4, 4), [4, 5]);
  const speeds = [...Array.from({ length: 200 }, (_, k) => k / 20), 500];
  const { store } = await shown(speeds.map((speed, k) => ({ member: k % 7, time: T - k, speed })));
  const [low, high] = rangeOf(store.tracks, 'speed');
  assert.ok(low === 0 && high >= 9.5 && high <= 12, `${low} ${high}`);
  assert.deepEqual(rangeOf(store.tracks, 'battery'), [0, 1]);
  assert.deepEqual(rangeOf(store.tracks, 'altitude'), [0, 1]);
});

test('each fix is coloured by its own value, each head by the newest', async () => {
  const { store, display } = await shown([{ time: T - 2000, speed: 0 }, { time: T - 1000, speed: 10 }, { time: T, speed: NaN }]);
  const paint = paintFor({ ...GROUND, colorBy: 'speed', range: [0, 10] });
  assert.deepEqual([0, 1, 2].map(k => paint.indexAt(0, store, k)), [0, STEPS - 1, STEPS]);
  assert.equal(paint.styleOf(0, store, display), UNKNOWN);
  assert.equal(paint.colorOf(0, store, display), packed(UNKNOWN));
  assert.notEqual(paint.version, paintFor({ ...GROUND, colorBy: 'speed', range: [0, 20] }).version);
});

test('ages change colours without drawing trails anew', async () => {
  const { store, display } = await shown([{ member: 0, time: T }, { member: 1, time: T - 500_000 }]);
  const paint = paintFor({ ...GROUND, colorBy: 'age', range: [0, 600] });
  const { version } = paint;
  paint.update(store, display, T);
  const before = [paint.styleOf(0), paint.styleOf(1)];
  assert.notEqual(before[0], before[1]);
  paint.update(store, display, T + 500_000);
  assert.equal(paint.styleOf(0), before[1]);
  assert.equal(paint.version, version);
});

test('members have the colours that they are given', () => {
  const paint = paintFor({ ...GROUND, colorBy: 'member' });
  assert.equal(paint.styleOf(1), '#445566');
  assert.equal(paint.colorOf(0), 0x332211);
});
