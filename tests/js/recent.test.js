import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { Store } = await load('store.js');
const { KnownStore } = await load('known.js');
const { ROOM } = await load('recent.js');
const { Tally } = await load('tally.js');
const { xOf, lonOf } = await load('projection.js');

const T = 10_000_000;
const MEMBERS = 7;

/** Fixes of some members in turn, the later half with an arrival and a speed, a few of them late or of another clock. */
const fixes = Array.from({ length: 900 }, (_, k) => {
  const time = T + 1000 * Math.floor(k / MEMBERS) - (k % 61 === 60 ? 40_500 : 0);
  const more = k < 450 ? {} : { received: time + (k % 5 ? 300 : -200), speed: k % 3 ? k : NaN };
  return { member: k * 3 % MEMBERS, time, lon: k / 10, ...more };
});

/** Return what is held of a member's fixes, by their moments. */
function rowsOf(track) {
  return Array.from({ length: track.count }, (_, k) => [
    track.key[k], track.timeAt(k), track.receivedAt(k), track.x[k], track.number('speed', k),
  ]);
}

/** Return the same as it has to be. */
function expected(id) {
  const own = fixes.filter(fix => fix.member === id).map(({ time, received, lon, speed = NaN }) => {
    const key = received > 0 && received < time ? received : time;
    return [key, time, received ?? key, xOf(lon), speed];
  });
  return own.sort((a, b) => a[0] - b[0]);
}

async function insert(store, some) {
  if (some.length) store.insert(await columnsOf(some), 0, some.length, T + 5);
}

test('fixes are in their tracks whenever somebody looks, however they came', async () => {
  for (const [size, looks] of [[1, 1], [13, 1], [13, 4], [100, 3], [900, 1]]) {
    const store = new Store();
    for (let k = 0; k < fixes.length; k += size) {
      await insert(store, fixes.slice(k, k + size));
      if (k / size % looks === 0) store.track(k % MEMBERS);
    }
    assert.equal(store.fixes, 900);
    for (let id = 0; id < MEMBERS; id++) {
      const newest = [store.heads.counts[id], store.heads.key[id], store.heads.x[id]];
      const { count, key, x } = store.track(id);
      assert.deepEqual(newest, [count, key[count - 1], x[count - 1]]);
      assert.deepEqual(rowsOf(store.track(id)), expected(id));
    }
  }
});

test('where a moment is among the fixes of a member is known without its track', async () => {
  const store = new Store();
  for (let k = 0; k < fixes.length; k += 13) {
    await insert(store, fixes.slice(k, k + 13));
    for (const moment of [T - 1, T + 1000 * Math.floor(k / MEMBERS), T + 1000 * Math.floor(k / MEMBERS / 2), Infinity]) {
      const found = store.indexAt(5, moment);
      const came = fixes.slice(0, k + 13).filter(({ member }) => member === 5);
      const before = came.filter(({ time, received = time }) => Math.min(time, received) <= moment);
      assert.equal(found, before.length - 1);
    }
  }
});

test('all tracks are whole when they are asked for at once, and of one who is new', async () => {
  const store = new Store();
  for (let k = 0; k < fixes.length; k += 50) {
    await insert(store, fixes.slice(k, k + 50));
    assert.equal(store.tracks.reduce((sum, track) => sum + track.count, 0), k + 50);
  }
  await insert(store, [{ member: 40, time: T + 1, lon: 5 }]);
  assert.equal(store.size, 41);
  assert.equal(store.tracks[40].count, 1);
  assert.equal(store.track(20), undefined);
  assert.equal(store.members, MEMBERS + 1);
});

test('members who share at one pace do not all move to their tracks at once', async () => {
  const store = new Store();
  const step = k => Array.from({ length: 64 }, (_, member) => ({ member, time: T + k * 100, lon: k / 100 }));
  for (let k = 0; k < 4 * ROOM; k++) await insert(store, step(k));
  const kind = Object.getPrototypeOf(store.track(0));
  const { take } = kind;
  const moved = [];
  kind.take = function count(...rest) {
    moved[moved.length - 1]++;
    return take.apply(this, rest);
  };
  for (let k = 4 * ROOM; k < 6 * ROOM; k++) {
    moved.push(0);
    await insert(store, step(k));
  }
  kind.take = take;
  assert.deepEqual(moved.slice(ROOM), Array(ROOM).fill(64 / ROOM));
});

test('the newest of each is said with its direction, and when its member was last heard of', async () => {
  const store = new Store();
  await insert(store, [{ member: 0, time: T + 1 }, { member: 1, time: T + 1 }]);
  assert.equal(store.heads.heard[1], T + 5);
  await insert(store, [{ member: 1, time: T + 2, received: T + 900 }]);
  await insert(store, [{ member: 1, time: T + 1, received: T + 800 }]); // a late one
  assert.deepEqual([...store.heads.heard.slice(0, 2)], [T + 5, T + 900]);
  const columns = await columnsOf([{ member: 0, time: T + 3 }]);
  columns.heading = { values: Float32Array.of(90), base: 0 };
  store.insert(columns, 0, 1);
  assert.equal(store.heads.heading[0], 90);
  assert.equal(store.track(0).number('heading', 1), 90);
});

test('what was known is picked from all that came', async () => {
  const store = new Store();
  const known = new KnownStore(store);
  for (let k = 0; k < 20; k++) {
    await insert(store, [{ member: 2, time: T + 1000 * k, received: T + 1000 * k + 10, lon: k }]);
    assert.equal(known.until(T + 1000 * k + 10, -Infinity).track(2).count, k + 1);
  }
  assert.equal(Math.round(lonOf(known.track(2).x[19])), 19);
  assert.equal(known.until(T + 5000, -Infinity).track(2).count, 5);
  assert.equal(known.size, store.size);
});

test('fixes in trails are counted in turn, and all at once where that is wanted', async () => {
  const store = new Store();
  const display = { count: 40, state: new Uint8Array(40).fill(1), tail: new Int32Array(40) };
  for (let k = 0; k < 10; k++) {
    await insert(store, Array.from({ length: 40 }, (_, member) => ({ member, time: T + k * 1000 })));
  }
  display.tail.fill(9);
  const tally = new Tally();
  const count = (end, now, isAll) => {
    tally.update(store, display, { end: T + end, length: 4000 }, now, isAll);
    return tally.total;
  };
  assert.equal(count(9000, 0, false), 200); // the first time
  display.tail.fill(7);
  assert.equal(count(9000, 250, false), 160); // half of them
  assert.equal(count(9000, 500, false), 120);
  display.tail.fill(9);
  assert.equal(count(9000, 501, true), 200);
  display.state[3] = 0;
  assert.equal(count(9000, 502, true), 195);
  display.count = 2; // others than before
  assert.equal(count(9000, 503, true), 10);
});

test('numbers are known of fixes in tracks and of those that are not yet', async () => {
  const store = new Store();
  const known = new KnownStore(store);
  for (let k = 0; k < 3 * ROOM; k++) {
    await insert(store, [{ member: 0, time: T + k, received: T + k, ...(k < 5 ? {} : { speed: k }) }]);
    const speeds = Array.from({ length: k + 1 }, (_, n) => store.number(0, 'speed', n));
    assert.deepEqual(speeds, Array.from({ length: k + 1 }, (_, n) => (n < 5 ? NaN : n)));
    assert.ok(Number.isNaN(store.number(0, 'battery', k)));
  }
  assert.equal(known.until(T + 99, -Infinity).number(0, 'speed', 9), 9);
});
