import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { Store } = await load('store.js');
const { lonOf, latOf } = await load('projection.js');

const T = 10_000_000;

async function storeOf(...batches) {
  const store = new Store();
  for (const fixes of batches) store.insert(await columnsOf(fixes), 0, fixes.length);
  return store;
}

test('late fixes and history are inserted at their places', async () => {
  const store = await storeOf(
    [{ time: T + 40 }, { time: T + 60 }],
    [{ time: T + 50 }, { time: T + 70 }],
    [{ time: T + 10 }, { time: T + 20 }, { time: T + 30 }],
  );
  const track = store.tracks[0];
  assert.deepEqual([...track.key.slice(0, track.count)], [10, 20, 30, 40, 50, 60, 70].map(k => T + k));
  assert.equal(store.fixes, 7);
  assert.equal(store.oldest, T + 10);
  assert.equal(store.newest, T + 70);
});

test('every column moves with its fix, also those that come only later', async () => {
  const store = await storeOf(
    [{ time: T + 2, lon: 2 }, { time: T + 4, lon: 4 }],
    [{ time: T + 3, lon: 3, speed: 30 }, { time: T + 5, lon: 5, speed: 50 }],
  );
  const track = store.tracks[0];
  assert.deepEqual([0, 1, 2, 3].map(k => Math.round(lonOf(track.x[k]))), [2, 3, 4, 5]);
  assert.deepEqual([0, 1, 2, 3].map(k => track.number('speed', k)), [NaN, 30, NaN, 50]);
  assert.ok(Number.isNaN(track.number('battery', 0)));
});

test('many random batches end sorted, whatever their order', async () => {
  const times = Array.from({ length: 500 }, (_, k) => T + ((k * 7919) % 500));
  const batches = [];
  for (let k = 0; k < 500; k += 13) batches.push(times.slice(k, k + 13).map(time => ({ time, lon: (time - T) / 10 })));
  const { tracks: [track] } = await storeOf(...batches);
  assert.equal(track.count, 500);
  for (let k = 0; k < 500; k++) {
    assert.equal(track.key[k], T + k);
    assert.ok(Math.abs(lonOf(track.x[k]) - k / 10) < 1e-6);
  }
});

test('a clock ahead pins nothing: the earlier clock orders', async () => {
  const { tracks: [track] } = await storeOf([
    { time: T + 72_000_000, received: T + 1 }, { time: T + 2, received: T + 3 },
  ]);
  assert.equal(track.timeAt(0), T + 72_000_000);
  assert.equal(track.newest, T + 2);
});

test('last heard of, as of the moment that is looked at', async () => {
  const { tracks: [track] } = await storeOf([
    { time: T, received: T + 100 }, { time: T + 1000, received: T + 90_000 }, { time: T + 2000, received: T + 90_000 },
  ]);
  assert.equal(track.heardBy(2, T + 5000), T + 100);
  assert.equal(track.heardBy(2, T + 95_000), T + 90_000);
  assert.equal(track.heardBy(0, T + 50), 0);
});

test('between fixes the place is interpolated', async () => {
  const store = await storeOf([{ time: T, lat: 10, lon: 20 }, { time: T + 1000, lat: 12, lon: 22 }]);
  const place = store.placeAt(store.tracks[0], T + 500);
  assert.ok(Math.abs(lonOf(place.x) - 21) < 1e-6);
  assert.ok(Math.abs(latOf(place.y) - 11) < 0.01);
  assert.equal(place.time, T + 500);
  assert.ok(place.isMoving);
  assert.equal(store.placeAt(store.tracks[0], T + 500, false).time, T);
});

test('not before the first fix, and never past the newest', async () => {
  const store = await storeOf([{ time: T, lon: 1 }, { time: T + 1000, lon: 2 }]);
  assert.equal(store.placeAt(store.tracks[0], T - 1), null);
  const place = store.placeAt(store.tracks[0], T + 60_000);
  assert.equal(place.time, T + 1000);
  assert.equal(place.isMoving, false);
});

test('never across a gap', async () => {
  const store = await storeOf([
    { time: T - 2000, lon: 0 }, { time: T - 1000, lon: 0 }, { time: T, lon: 1 }, { time: T + 1000, lon: 2 },
    { time: T + 200_000, lon: 50 },
  ]);
  const place = store.placeAt(store.tracks[0], T + 100_000);
  assert.equal(Math.round(lonOf(place.x)), 2);
  assert.equal(place.time, T + 1000);
});

test('a group may have shorter gaps', async () => {
  const walk = Array.from({ length: 20 }, (_, k) => ({ time: T + k * 1000, lon: 1 }));
  const store = await storeOf([...walk, { time: T + 30_000, lon: 2 }]);
  assert.ok(Math.abs(lonOf(store.placeAt(store.tracks[0], T + 25_000).x) - 1) > 0.1);
  const before = store.revision;
  store.setShortestGap(4000);
  assert.ok(store.revision > before); // trails are drawn anew
  assert.ok(Math.abs(lonOf(store.placeAt(store.tracks[0], T + 25_000).x) - 1) < 1e-6);
  store.insert(await columnsOf([{ member: 1, time: T }, { member: 1, time: T + 5000 }]), 0, 2);
  assert.equal(store.tracks[1].shortestGap, 4000);
  assert.equal(store.density(T, T + 30_000, 3).gap, 5000);
});

test('the short way over the antimeridian', async () => {
  const store = await storeOf([{ time: T, lon: 179 }, { time: T + 1000, lon: -179 }]);
  const place = store.placeAt(store.tracks[0], T + 250);
  assert.ok(Math.abs(lonOf(place.x) - 179.5) < 1e-6);
  const box = store.extent([0], T, T + 1000);
  const { span } = await load('projection.js');
  const [west, east] = span(box.xs);
  assert.ok(Math.abs(lonOf(east) - lonOf(west) - 2) < 1e-6);
});

test('density counts each fix in its bin', async () => {
  const store = await storeOf([{ time: T }, { time: T + 5 }, { time: T + 99 }, { member: 3, time: T + 50 }]);
  assert.deepEqual([...store.density(T, T + 100, 4).counts], [2, 0, 1, 1]);
});

test('stepping finds the next and the last fix of any member', async () => {
  const store = await storeOf([{ time: T + 10 }, { time: T + 30 }, { member: 2, time: T + 20 }]);
  assert.equal(store.step(T + 10, 1), T + 20);
  assert.equal(store.step(T + 30, -1), T + 20);
  assert.equal(store.step(T + 30, 1), null);
  assert.equal(store.step(T + 10, -1), null);
});
