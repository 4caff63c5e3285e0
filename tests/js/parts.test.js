import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { xOf, yOf, lonOf, latOf, headingOf } = await load('projection.js');
const { gapLimit, medianInterval } = await load('gaps.js');
const { join, missing } = await load('ranges.js');
const { decodeColumns } = await load('columns.js');
const { Colors } = await load('colors.js');
const { Store } = await load('store.js');
const { Display, FRESH, LOST, NONE, STALE } = await load('display.js');
const format = await load('format.js');
const { heightsOf } = await load('density.js');
const { stepFor, degreeLabel } = await load('graticule.js');

test('coordinates come back within a centimetre', () => {
  for (const [lat, lon] of [[0, 0], [53.4, -2.9], [-33.9, 151.2], [85, 179.999999], [-85, -180], [37.5665, 126.978]]) {
    assert.ok(Math.abs(latOf(yOf(lat)) - lat) < 1e-7, `${lat}`);
    assert.ok(Math.abs(lonOf(xOf(lon)) - lon) < 1e-7, `${lon}`);
  }
  assert.equal(xOf(180), 0);
  assert.equal(yOf(90), 0);
});

test('headings are clockwise from north', () => {
  const to = (lat, lon) => Math.round(headingOf(xOf(0), yOf(0), xOf(lon), yOf(lat)));
  assert.deepEqual([to(1, 0), to(0, 1), to(-1, 0), to(0, -1)], [0, 90, 180, 270]);
  assert.equal(headingOf(5, 5, 5, 5), null);
  assert.equal(Math.round(headingOf(xOf(179.9), yOf(0), xOf(-179.9), yOf(0))), 90);
});

test('a gap is five median intervals, two minutes at least', () => {
  const every = seconds => Float64Array.from({ length: 50 }, (_, k) => k * seconds * 1000);
  assert.equal(medianInterval(every(10), 50), 10_000);
  assert.equal(gapLimit(every(10), 50), 120_000);
  assert.equal(gapLimit(every(60), 50), 300_000);
  assert.equal(gapLimit([], 0), 120_000);
  assert.equal(gapLimit([7], 1), 120_000);
  assert.equal(gapLimit(every(1), 50, 4000), 5000);
  assert.equal(gapLimit(every(1), 50, 9000), 9000);
});

test('ranges know what is missing', () => {
  let have = [];
  assert.deepEqual(missing(have, 0, 10), [[0, 10]]);
  have = join(have, 5, 10);
  have = join(have, 20, 30);
  assert.deepEqual(missing(have, 0, 40), [[0, 5], [10, 20], [30, 40]]);
  assert.deepEqual(missing(have, 6, 9), []);
  have = join(have, 10, 20);
  assert.deepEqual(have, [[5, 30]]);
  assert.deepEqual(join(have, 0, 40), [[0, 40]]);
});

test('columns are views into the one buffer', () => {
  const buffer = new ArrayBuffer(3 * 8 + 3 * 4 + 3 * 4);
  new Float64Array(buffer, 0, 3).set([1, 2, 3]);
  new Uint32Array(buffer, 24, 3).set([4, 5, 6]);
  new Float32Array(buffer, 36, 3).set([0.5, NaN, 1.5]);
  const columns = decodeColumns([
    { name: 'time', type: 'f8', base: 0 }, { name: 'member', type: 'u4' }, { name: 'speed', type: 'f4' },
  ], 3, buffer);
  assert.deepEqual([...columns.time.values], [1, 2, 3]);
  assert.deepEqual([...columns.member.values], [4, 5, 6]);
  assert.deepEqual([...columns.speed.values], [0.5, NaN, 1.5]);
});

test('colours differ while they can, and come back for the same names', () => {
  const names = Array.from({ length: 12 }, (_, k) => `member ${k}`);
  const of = () => {
    const colors = new Colors();
    names.forEach((name, id) => colors.add(id, name));
    return colors;
  };
  assert.equal(new Set(of().all()).size, 12);
  assert.deepEqual(of().all(), of().all());
  const dark = of();
  dark.isDark = true;
  assert.notEqual(dark.of(0), of().of(0));
});

const OPTIONS = { hidden: new Set(), interpolate: true, staleAfter: 60_000, lostAfter: 600_000 };
const T = 100_000_000;

async function shown(fixes, at, options = OPTIONS) {
  const store = new Store();
  store.insert(await columnsOf(fixes), 0, fixes.length);
  const display = new Display();
  display.update(store, { live: true, moment: T, reference: T, now: 0, ...at }, options);
  return { store, display };
}

test('the older a position, the paler; hidden members are not shown', async () => {
  const fixes = [0, 61_000, 601_000, 0].map((age, member) => ({ member, time: T - age }));
  const { display } = await shown(fixes, {}, { ...OPTIONS, hidden: new Set([3]) });
  assert.deepEqual([...display.state.slice(0, 4)], [FRESH, STALE, LOST, NONE]);
  assert.ok(Number.isNaN(display.time[3]));
});

test('a head glides to a new fix, and no further', async () => {
  const { store, display } = await shown([{ time: T, lon: 0 }], {});
  store.insert(await columnsOf([{ time: T + 1000, lon: 1 }]), 0, 1);
  const at = now => {
    display.update(store, { live: true, moment: T + 1000, reference: T + 1000, now }, OPTIONS);
    return [lonOf(display.x[0]), display.time[0], display.isMoving];
  };
  assert.equal(Math.round(at(1000)[0] * 10), 0);
  assert.ok(Math.abs(at(1250)[0] - 0.5) < 1e-6);
  assert.equal(at(1250)[1], T + 500);
  assert.deepEqual(at(9000).slice(1), [T + 1000, false]);
});

test('a head does not glide across a gap', async () => {
  const { store, display } = await shown([{ time: T - 2000 }, { time: T - 1000 }, { time: T, lon: 0 }], {});
  store.insert(await columnsOf([{ time: T + 500_000, lon: 1 }]), 0, 1);
  display.update(store, { live: true, moment: T + 500_000, reference: T + 500_000, now: 1000 }, OPTIONS);
  assert.equal(display.time[0], T + 500_000);
});

test('numbers as people read them', () => {
  assert.deepEqual([4000, 99_000, 120_000, 3 * 3600e3 + 300e3, 50 * 3600e3].map(format.age), ['4 sec', '99 sec', '2 min', '3 hr 5 min', '2 days 2 hr']);
  assert.equal(format.age(NaN), '–');
  assert.equal(format.speed(10), '36 km/h');
  assert.equal(format.speed(NaN), null);
  assert.equal(format.heading(359.9), '0° N');
});

test('the grid has round degrees', () => {
  assert.equal(stepFor(1000), 0.1);
  assert.equal(stepFor(1), 90);
  assert.equal(degreeLabel(-2.95, 0.05, 'lon'), '2.95° W');
  assert.equal(degreeLabel(53, 1, 'lat'), '53° N');
  assert.equal(degreeLabel(0, 1, 'lat'), '0°');
});

test('the strip shows gaps, and no holes between fixes that only come slowly', () => {
  const counts = Uint32Array.of(4, 0, 4, 0, 0, 1, 0);
  assert.deepEqual([...heightsOf(counts, 5000, 120_000)].map(height => height > 0), [true, true, true, true, true, true, false]);
  assert.deepEqual([...heightsOf(counts, 60_000, 120_000)].map(height => height > 0), [true, false, true, false, false, true, false]);
});

test('a steady pace makes a level strip, whatever its parts are', () => {
  for (const [every, width] of [[5000, 7100], [5000, 4900], [1000, 2600], [30_000, 47_000]]) {
    const counts = new Uint32Array(300);
    for (let at = 0; at < 300 * width; at += every) counts[Math.floor(at / width)]++;
    const heights = heightsOf(counts, width, 120_000).subarray(0, 299); // the last part may have none
    assert.ok(Math.min(...heights) > 0.9, `${every} ms in parts of ${width}: ${Math.min(...heights)}`);
  }
});

test('a whole group that sends at once, now and then, makes a level strip too', () => {
  const counts = new Uint32Array(100);
  for (let k = 0; k < 100; k += 4) counts[k] = 300;
  const heights = heightsOf(counts, 7500, 120_000).subarray(0, 97);
  assert.ok(Math.min(...heights) > 0.9, `${heights}`);
});

test('many fixes in a part count as they are, and none spread into a gap', () => {
  const counts = Uint32Array.of(100, 400, 100, 0, 0, 100);
  assert.deepEqual([...heightsOf(counts, 60_000, 120_000)], [0.5, 1, 0.5, 0, 0, 0.5]);
  assert.deepEqual([...heightsOf(new Uint32Array(3), 1000, 120_000)], [0, 0, 0]);
});
