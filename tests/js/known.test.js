import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { Store } = await load('store.js');
const { KnownStore } = await load('known.js');

const T = 10_000_000;

/** Return a store of [member, time, received] rows, in order of arrival, in batches of so many. */
async function storeOf(rows, batch = rows.length) {
  const store = new Store();
  for (let k = 0; k < rows.length; k += batch) {
    const fixes = rows.slice(k, k + batch).map(([member, time, received]) => ({ member, time: T + time, received: T + received, speed: time }));
    store.insert(await columnsOf(fixes), 0, fixes.length);
  }
  return store;
}

const keysOf = track => [...track.key.slice(0, track.count)].map(key => key - T);
const keysAt = (known, moment) => keysOf(known.until(T + moment, -Infinity).tracks[0]);

test('fixes that came in order are known up to the moment', async () => {
  const known = new KnownStore(await storeOf([[0, 10, 12], [0, 20, 22], [0, 30, 90]]));
  assert.deepEqual(keysAt(known, 11), []);
  assert.deepEqual(keysAt(known, 22), [10, 20]);
  assert.deepEqual(keysAt(known, 89), [10, 20]);
  assert.deepEqual(keysAt(known, 90), [10, 20, 30]);
  assert.deepEqual(keysAt(known, 12), [10]);
});

test('a backlog is not there before it came, and then at its place', async () => {
  const store = await storeOf([[0, 10, 12], [0, 60, 62], [0, 20, 70], [0, 30, 70], [0, 80, 82]], 1);
  const known = new KnownStore(store);
  assert.deepEqual(keysAt(known, 65), [10, 60]);
  const before = known.revision;
  assert.deepEqual(keysAt(known, 70), [10, 20, 30, 60]);
  assert.notEqual(known.revision, before); // trails are to be drawn again
  assert.equal(known.tracks[0].number('speed', 1), 20);
  assert.equal(known.tracks[0].number('speed', 3), 60);
  const after = known.revision;
  assert.deepEqual(keysAt(known, 82), [10, 20, 30, 60, 80]);
  assert.equal(known.revision, after); // nothing came between
  assert.deepEqual(keysAt(known, 65), [10, 60]);
  assert.equal(known.revision, before);
});

test('the newest that is known is where a member was thought to be', async () => {
  const store = await storeOf([[0, 10, 11], [0, 100, 101], [0, 50, 150]], 1);
  const known = new KnownStore(store).until(T + 120, -Infinity);
  const place = known.placeAt(known.tracks[0], T + 120);
  assert.equal(place.time, T + 100);
  assert.equal(place.isMoving, false);
});

test('only what the trail needs is picked out: from one before its beginning on', async () => {
  const rows = Array.from({ length: 100 }, (_, k) => [0, 10 * k, 10 * k + 1]);
  rows.push([0, 955, 2000]);
  const known = new KnownStore(await storeOf(rows, 1));
  known.until(T + 1999, T + 900);
  assert.deepEqual(keysOf(known.tracks[0]), [900, 910, 920, 930, 940, 950, 960, 970, 980, 990]);
  known.until(T + 2000, T + 952);
  assert.deepEqual(keysOf(known.tracks[0]), [950, 955, 960, 970, 980, 990]);
});

test('a member who was silent for long is still where it was', async () => {
  const rows = [[0, 10, 11], [0, 20, 5000], [0, 30, 31], [1, 4000, 4001]];
  const known = new KnownStore(await storeOf(rows, 1)).until(T + 4500, T + 4000);
  assert.deepEqual(keysOf(known.tracks[0]).at(-1), 30);
});

test('fixes without a time of arrival are known at their own', async () => {
  const known = new KnownStore(await storeOf([[0, 10, -T], [0, 20, -T]]));
  assert.deepEqual(keysAt(known, 15), [10]);
});

test('what comes while one looks is known at its time', async () => {
  const store = await storeOf([[0, 10, 12]]);
  const known = new KnownStore(store);
  assert.deepEqual(keysAt(known, 50), [10]);
  store.insert(await columnsOf([{ time: T + 20, received: T + 40 }]), 0, 1);
  assert.deepEqual(keysAt(known, 50), [10, 20]);
  store.insert(await columnsOf([{ time: T + 15, received: T + 45 }]), 0, 1);
  assert.deepEqual(keysAt(known, 44), [10, 20]);
  assert.deepEqual(keysAt(known, 45), [10, 15, 20]);
  assert.deepEqual(known.reach(), { oldest: T + 12, newest: T + 45 });
});

test('density and steps go by arrival', async () => {
  for (const late of [[], [[0, 15, 35]]]) {
    const known = new KnownStore(await storeOf([[0, 10, 12], [0, 20, 22], ...late, [1, 5, 39]], 1));
    const counts = [...known.density(T + 0, T + 40, 4).counts];
    assert.deepEqual(counts, late.length ? [0, 1, 1, 2] : [0, 1, 1, 1]);
    assert.equal(known.step(T + 12, 1), T + 22);
    assert.equal(known.step(T + 22, 1), T + (late.length ? 35 : 39));
    assert.equal(known.step(T + 39, -1), T + (late.length ? 35 : 22));
    assert.equal(known.step(T + 39, 1), null);
    assert.equal(known.step(T + 12, -1), null);
  }
});

test('it is what was there, whatever came in which order', async () => {
  let seed = 7;
  const random = n => (seed = (seed * 48271) % 2147483647) % n;
  const rows = Array.from({ length: 300 }, (_, k) => [random(3), Math.max(0, k * 10 - random(400)), k * 10 + 1]);
  const store = await storeOf(rows, 7);
  const known = new KnownStore(store);
  for (let turn = 0; turn < 60; turn++) {
    const moment = random(3100);
    known.until(T + moment, -Infinity);
    for (let member = 0; member < 3; member++) {
      const expected = rows.filter(row => row[0] === member && row[2] <= moment).map(row => row[1]).sort((a, b) => a - b);
      assert.deepEqual(keysOf(known.tracks[member]), expected);
    }
  }
});
