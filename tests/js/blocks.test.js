import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { Blocks, SIZE, WIDE } = await load('blocks.js');
const { Display } = await load('display.js');
const { MemberPaint } = await load('paint.js');
const { Picture } = await load('picture.js');
const { Store } = await load('store.js');
const { Track } = await load('track.js');
const { Trails } = await load('trails.js');
const { WORLD, xOf, yOf } = await load('projection.js');

const T = 100_000_000;
const OPTIONS = { hidden: new Set(), interpolate: false, staleAfter: 60_000, lostAfter: 600_000, trailsVersion: 0 };
const MEMBERS = 40;

let seed = 1;
const random = () => (seed = seed * 48271 % 2147483647) / 2147483647;

/** Fixes of members who wander about, one step after the other; some rest for long, some come after a gap. */
function wander(steps, lon = 0) {
  const places = Array.from({ length: MEMBERS }, () => ({ lat: random() * 0.02 - 0.01, lon: lon + random() * 0.04 - 0.02 }));
  return Array.from({ length: steps }, (_, step) => places.map((place, member) => {
    const isResting = member % 5 === 0 && step % 200 > 60;
    place.lat += isResting ? 0 : (random() - 0.5) * 0.001;
    place.lon += isResting ? 0 : (random() - 0.5) * 0.001;
    const gap = member % 7 === 0 && step > steps / 2 ? 300_000 : 0;
    return { member, time: T + step * 1000 + gap, lat: place.lat, lon: place.lon > 180 ? place.lon - 360 : place.lon };
  })).flat();
}

async function storeOf(fixes) {
  const store = new Store();
  store.insert(await columnsOf(fixes), 0, fixes.length);
  return store;
}

function viewAt({ lon = 0, zoom = 14, dx = 0, dy = 0 }) {
  const world = 256 * 2 ** zoom;
  const scale = world / WORLD;
  const [w, h] = [200, 100];
  return { w, h, world, scale, dpr: 1, ox: Math.floor(xOf(lon) * scale - w / 2) + dx, oy: Math.floor(yOf(0) * scale - h / 2) + dy };
}

const paint = new MemberPaint(Array.from({ length: MEMBERS }, (_, id) => `#0000${(id + 16).toString(16)}`), '#ffffff');

/** Trails that are all drawn, and a way to go on with them. */
function shown(store, view) {
  const [trails, display] = [new Trails(), new Display()];
  let clock = 0;
  const finish = (end = T + 900_000) => {
    for (let isPending = true, turn = 0; isPending; turn++) {
      assert.ok(turn < 2000, 'never done');
      display.update(store, { live: true, moment: end, reference: end, now: clock }, OPTIONS);
      isPending = trails.update(store, display, { end, length: 1_000_000, reference: end }, OPTIONS, paint, clock += 1000);
    }
    return trails.front;
  };
  trails.setView(view);
  finish();
  return { trails, finish };
}

/** All pixels as they are when each fix is looked at. */
function expected(store, view) {
  const plain = Track.prototype.blocks;
  const { counts } = store.heads;
  Track.prototype.blocks = () => null;
  store.heads.counts = new Uint32Array(counts.length);
  try {
    const display = new Display();
    display.update(store, { live: false, moment: T + 900_000, reference: T + 900_000, now: 0 }, OPTIONS);
    const trails = new Trails();
    trails.setView(view);
    while (trails.update(store, display, { end: T + 900_000, length: 1_000_000 }, OPTIONS, paint, 1000));
    return trails.front;
  } finally {
    Track.prototype.blocks = plain;
    store.heads.counts = counts;
  }
}

const pixelsOf = ({ stamps }) => Array.from(stamps.keys()).filter(p => stamps[p]);

/** Two pictures of the same trails: what is left out as too near may differ by a pixel here and there. */
function assertAlike(one, other) {
  const [these, those] = [pixelsOf(one), pixelsOf(other)].map(pixels => new Set(pixels));
  assert.ok(these.size > 100, `${these.size}`);
  const odd = [...these, ...those].filter(p => !(these.has(p) && those.has(p)));
  assert.ok(odd.length <= these.size * 0.02, `${odd.length} of ${these.size}`);
}

test('a block tells where all of its fixes are, also over the antimeridian', async () => {
  for (const lon of [0, 180]) {
    const store = await storeOf(wander(600, lon));
    for (const track of store.tracks) {
      const { levels } = track.blocks();
      assert.deepEqual(levels.map(level => level.count), [SIZE, 8 * SIZE, 64 * SIZE, 512 * SIZE].map(size => Math.floor(599 / size)));
      for (const level of levels) {
        for (let k = 0; k < level.firstOf(level.count); k++) {
          const block = k >> level.bits;
          for (const n of [k, k + 1]) {
            assert.ok(((track.x[n] - level.west[block]) >>> 0) <= level.width[block]);
            assert.ok(track.y[n] >= level.north[block] && track.y[n] <= level.south[block]);
          }
          assert.ok(track.key[k + 1] - track.key[k] <= level.pause[block]);
          assert.ok(level.width[block] * 360 / WORLD < 1);
        }
      }
    }
  }
});

test('the largest block that ends at a fix is found', async () => {
  const store = await storeOf(wander(620));
  const blocks = store.tracks[1].blocks();
  const found = [SIZE - 2, SIZE - 1, 2 * SIZE - 1, 8 * SIZE - 1, 16 * SIZE - 1, 619, 20 * SIZE - 1];
  assert.deepEqual(found.map(index => blocks.levelAt(index)), [-1, 0, 0, 1, 1, -1, -1]);
  blocks.forget(8 * SIZE);
  assert.deepEqual(blocks.levels.map(({ count }) => count), [7, 0, 0, 0]);
  blocks.update(store.tracks[1]);
  assert.deepEqual(blocks.levels.map(({ count }) => count), [19, 2, 0, 0]);
});

test('a trail that is a point from afar is looked at by its largest blocks', async () => {
  const store = await storeOf(wander(1200).filter(({ member }) => member === 1).map(fix => ({ ...fix, member: 0 })));
  const looks = [];
  const { levels } = store.track(0).blocks();
  levels.splice(0, 4, ...levels.map(level => new Proxy(level, { get(target, name) {
    if (name === 'pause') looks.push(target.bits);
    const value = target[name];
    return typeof value === 'function' ? value.bind(target) : value;
  } })));
  shown(store, viewAt({ zoom: 2 }));
  assert.ok(looks.includes(8) && looks.length < 1200 / SIZE - 7, `${looks}`);
});

test('what comes into view beyond the edges is left for when the map moves no more', async () => {
  const store = await storeOf(wander(600));
  const view = shift => ({ ...viewAt({ dx: shift }), pad: 40 });
  const { trails, finish } = shown(store, view(0));
  const display = new Display();
  const update = () => {
    display.update(store, { live: true, moment: T + 900_000, reference: T + 900_000, now: 1e6 }, OPTIONS);
    return trails.update(store, display, { end: T + 900_000, length: 1_000_000 }, OPTIONS, paint, 1e6);
  };
  for (const [shift, isPutOff] of [[8, true], [20, true], [29, false], [33, true]]) {
    trails.setView(view(shift));
    assert.equal(update() && trails.isPutOff, isPutOff);
    if (!isPutOff) assertAlike(finish(), expected(store, view(shift)));
  }
  assertAlike(finish(), expected(store, view(33)));
});

test('late fixes move the boxes of their blocks, and of what follows', async () => {
  const all = wander(200).filter(({ member }) => member === 0);
  const isLate = (_, k) => k === 70 || k === 64;
  const store = await storeOf(all.filter((fix, k) => !isLate(fix, k)));
  store.tracks[0].blocks();
  const late = all.filter(isLate).map(fix => ({ ...fix, lat: 1 }));
  store.insert(await columnsOf(late), 0, late.length);
  const other = new Blocks();
  other.update(store.tracks[0]);
  const [mended, anew] = [store.tracks[0].blocks(), other].map(({ levels }) => levels[0]);
  assert.equal(mended.count, anew.count);
  for (const name of ['west', 'width', 'north', 'south', 'pause']) {
    assert.deepEqual(mended[name].subarray(0, anew.count), anew[name].subarray(0, anew.count));
  }
  assert.ok(store.heads.north[0] <= yOf(1));
});

test('who goes around the world has a box that rules nothing out', async () => {
  const track = (await storeOf(Array.from({ length: 300 }, (_, k) => ({ time: T + k * 1000, lon: (k * 60) % 360 - 180 })))).tracks[0];
  assert.deepEqual(track.blocks().levels.slice(0, 2).map(({ width }) => width[0]), [WIDE, WIDE]);
});

test('the newest fixes side by side are those of the tracks', async () => {
  const fixes = wander(30);
  const store = await storeOf(fixes);
  const check = () => store.tracks.forEach((track, id) => {
    const { heads } = store;
    const last = track.count - 1;
    assert.deepEqual([heads.counts[id], heads.key[id], heads.x[id], heads.y[id]], [last + 1, track.key[last], track.x[last], track.y[last]]);
    if (!Number.isNaN(heads.beforeKey[id])) {
      assert.deepEqual([heads.beforeKey[id], heads.beforeX[id]], [track.key[last - 1], track.x[last - 1]]);
    }
    for (let k = 0; k < track.count; k++) assert.ok(((track.x[k] - heads.west[id]) >>> 0) <= heads.width[id]);
  });
  check();
  store.insert(await columnsOf([{ member: 3, time: T + 500, lat: 2, lon: 3 }, { member: 4, time: T + 900_000 }]), 0, 2);
  check();
  assert.ok(Number.isNaN(store.heads.beforeKey[4])); // a gap
});

test('trails are the same when blocks out of view are passed over', async () => {
  for (const [lon, zoom] of [[0, 14], [0, 16], [0, 9], [0, 11], [180, 15]]) {
    const store = await storeOf(wander(600, lon));
    const view = viewAt({ lon, zoom });
    assertAlike(shown(store, view).finish(), expected(store, view));
  }
});

test('after a drag, and another, nothing is missing', async () => {
  const store = await storeOf(wander(600));
  const { trails, finish } = shown(store, viewAt({}));
  for (const [dx, dy] of [[31, -17], [-60, 5], [-61, 90], [0, 0]]) {
    trails.setView(viewAt({ dx, dy }));
    assertAlike(finish(), expected(store, viewAt({ dx, dy })));
  }
});

test('a picture that moved is as one made anew', async () => {
  const store = await storeOf(wander(100));
  const { trails, finish } = shown(store, viewAt({}));
  const look = { stamp: trails.stampOf(T + 900_000), life: 1e9, ahead: true, palette: paint.palette, paper: paint.paper };
  const moving = new Picture(200, 100, new Uint32Array(20_000));
  moving.compose(trails.front, null, look);
  for (const [dx, dy] of [[3, 0], [-20, 11], [-21, -40], [60, -41]]) {
    moving.dot(50, 50, 2, 0xff, 1, 0xffffff);
    moving.shift(trails.setView(viewAt({ dx, dy })));
    finish();
    moving.compose(trails.front, null, look);
    const anew = new Picture(200, 100, new Uint32Array(20_000));
    for (let run = 0; run < trails.front.touched.length; run++) trails.front.touched[run] &&= 2;
    anew.compose(trails.front, null, look);
    assert.ok(anew.pixels.some(pixel => pixel));
    assert.deepEqual(moving.pixels, anew.pixels);
  }
});

