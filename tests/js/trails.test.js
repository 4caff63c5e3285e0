import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { Passes, clip, coreOfMark, coverOfMark, indexOfMark } = await load('passes.js');
const { Trails, brushFor } = await load('trails.js');
const { Picture, packed } = await load('picture.js');
const { Store } = await load('store.js');
const { Display } = await load('display.js');
const { Visible } = await load('visible.js');
const { MemberPaint } = await load('paint.js');
const { WORLD, xOf, yOf } = await load('projection.js');

const T = 100_000_000;
const HARD = { width: 1, edge: 0, isHard: true };
const EDGED = { width: 3, edge: 1.2, isHard: false };

/** Pixels with a pass, as `x,y`. */
function drawn(passes) {
  const found = [];
  passes.stamps.forEach((stamp, p) => { if (stamp) found.push(`${p % passes.w},${Math.floor(p / passes.w)}`); });
  return found;
}

const at = (passes, x, y) => ({ stamp: passes.stamps[y * passes.w + x], mark: passes.marks[y * passes.w + x] });

test('a hard line passes each pixel on its way, and none outside', () => {
  const passes = new Passes(20, 10);
  passes.line(2.5, 3.5, 6.5, 3.5, HARD, 7, 1);
  assert.deepEqual(drawn(passes), ['2,3', '3,3', '4,3', '5,3', '6,3']);
  passes.clear();
  passes.line(-50, 5.5, 70, 5.5, HARD, 7, 1);
  assert.equal(drawn(passes).length, 20);
  passes.clear();
  passes.line(-50, -50, -1, 30, HARD, 7, 1);
  assert.deepEqual(drawn(passes), []);
});

test('lines of any length and place stay in the picture', () => {
  const passes = new Passes(33, 21);
  for (let k = 0; k < 3000; k++) {
    const place = () => (((k * 7919 + 13) * 2654435761) % 4001) / 10 - 200 + k % 7;
    passes.line(place(), place() - k, place() + k * 3, place(), k % 2 ? HARD : EDGED, k + 1, k % 5);
  }
  assert.equal(passes.stamps.length, 33 * 21);
  assert.equal(clip(-5, -5, -1, 20, 0, 0, 10, 10), null);
  assert.deepEqual(clip(-10, 5, 10, 5, 0, 0, 8, 8), [0, 5, 8, 5]);
});

test('the order in which lines are drawn does not matter', () => {
  const lines = [
    [1, 1, 28, 17, EDGED, 5, 1], [3, 16, 25, 2, EDGED, 9, 2], [15, 0, 15, 19, EDGED, 7, 3], [0, 9.5, 29, 9.5, EDGED, 3, 4],
  ];
  const [one, other] = [new Passes(30, 20), new Passes(30, 20)];
  for (const line of lines) one.line(...line);
  for (const line of lines.slice().reverse()) other.line(...line);
  assert.deepEqual(one.stamps, other.stamps);
  assert.deepEqual(one.marks, other.marks);
});

test('the newest pass is on top, and an edge hides no line', () => {
  const passes = new Passes(30, 20);
  passes.line(0, 10, 30, 10, EDGED, 5, 1);
  passes.line(15, 0, 15, 20, EDGED, 9, 2);
  assert.equal(indexOfMark(at(passes, 15, 10).mark), 2);
  assert.equal(indexOfMark(at(passes, 5, 10).mark), 1);
  assert.equal(indexOfMark(at(passes, 12, 9).mark), 1); // beside the newer line, in the older
  assert.equal(coreOfMark(at(passes, 5, 10).mark), 63);
  const edge = at(passes, 5, 12).mark;
  assert.ok(coreOfMark(edge) < 20 && coverOfMark(edge) > 20);
});

test('what was shown is carried to another place and zoom', () => {
  const passes = new Passes(40, 30);
  passes.line(10.5, 10.5, 10.5, 10.5, HARD, 5, 3);
  const moved = new Passes(40, 30);
  moved.carry(passes, null, { x: 0, y: 0 }, 1);
  moved.shift({ x: 4, y: -2 });
  assert.deepEqual(drawn(moved), ['6,12']);
  assert.equal(indexOfMark(at(moved, 6, 12).mark), 3);
  const larger = new Passes(40, 30);
  larger.carry(passes, null, { x: 5, y: 5 }, 0.5);
  assert.deepEqual(drawn(larger), ['10,10', '11,10', '10,11', '11,11']);
  const over = new Passes(40, 30);
  over.line(20.5, 20.5, 20.5, 20.5, HARD, 6, 4);
  moved.carry(passes, over, { x: 0, y: 0 }, 1);
  assert.deepEqual(drawn(moved), ['10,10', '20,20']);
});

test('passes fade with age; later ones are not seen from before', () => {
  const passes = new Passes(4, 1);
  [100, 600, 1100, 1600].forEach((stamp, x) => passes.line(x + 0.5, 0.5, x + 0.5, 0.5, HARD, stamp, 0));
  const pixels = new Uint32Array(4);
  const picture = new Picture(4, 1, pixels);
  const look = { stamp: 1200, life: 1000, ahead: false, palette: Uint32Array.of(packed('#102030')), paper: packed('#ffffff') };
  picture.compose(passes, null, look);
  assert.equal(pixels[0], 0); // too old
  assert.ok(pixels[1] >>> 24 < pixels[2] >>> 24 && pixels[1] >>> 24 > 0);
  assert.equal(pixels[2] & 0xffffff, 0x302010);
  assert.equal(pixels[3], 0);
  picture.compose(passes, null, { ...look, ahead: true });
  assert.ok(pixels[3] >>> 24 > 200);
});

test('dots and lines of one frame are gone in the next', () => {
  const passes = new Passes(100, 80);
  passes.line(50.5, 10.5, 60.5, 10.5, HARD, 5, 0);
  const pixels = new Uint32Array(100 * 80);
  const picture = new Picture(100, 80, pixels);
  const look = { stamp: 5, life: 1000, ahead: false, palette: Uint32Array.of(packed('#102030')), paper: packed('#ffffff') };
  picture.compose(passes, null, look);
  const before = pixels.slice();
  assert.equal(before.filter(pixel => pixel).length, 11);
  picture.dot(30, 40, 2, 0x0000ff, 1, 0xffffff);
  picture.dot(99, 79, 2, 0x0000ff, 1, 0xffffff); // at the edge: left out
  picture.line(-10, 70, 90, 75, 0x0000ff);
  assert.ok(pixels.filter(pixel => pixel).length > 100);
  assert.equal(pixels[40 * 100 + 30], 0xff0000ff);
  picture.compose(passes, null, look);
  assert.deepEqual(pixels, before);
});

const OPTIONS = { hidden: new Set(), interpolate: false, staleAfter: 60_000, lostAfter: 600_000, trailsVersion: 0 };

/** A view of a piece of a town, and its trails as drawn at moments. */
function viewOf(store, { lat = 0, lon = 0, w = 200, h = 100, zoom = 14 } = {}) {
  const world = 256 * 2 ** zoom;
  const scale = world / WORLD;
  const view = { w, h, world, scale, dpr: 1, ox: Math.floor(xOf(lon) * scale - w / 2), oy: Math.floor(yOf(lat) * scale - h / 2) };
  const trails = new Trails();
  const display = new Display();
  const paint = new MemberPaint(Array.from({ length: 4000 }, () => '#000000'), '#ffffff');
  trails.setView(view);
  let clock = 0;
  const show = (end, { live = true, length = 600_000, options = OPTIONS, isBrief = false } = {}) => {
    let isPending = true;
    for (let turn = 0; isPending; turn++) {
      assert.ok(turn < 2000, 'never done');
      display.update(store, { live, moment: end, reference: end, now: clock }, options);
      isPending = trails.update(store, display, { end, length, reference: end }, options, paint, clock += isBrief ? 1 : 100) && !isBrief;
    }
    return drawn(trails.front);
  };
  return { view, trails, show, display };
}

const walk = (from, to, step = 1000, member = 0) => Array.from(
  { length: Math.floor((to - from) / step) + 1 },
  (_, k) => ({ member, time: T + from + k * step, lon: (from + k * step) / 1e6 * 2, lat: Math.sin((from + k * step) / 5000) * 0.001 }),
);

async function storeOf(...batches) {
  const store = new Store();
  for (const fixes of batches) store.insert(await columnsOf(fixes), 0, fixes.length);
  return store;
}

test('drawn piece by piece, at once, or with late fixes, it is the same', async () => {
  const all = walk(0, 5000);
  const expected = viewOf(await storeOf(all)).show(T + 5000);
  assert.ok(expected.length > 100);

  const store = new Store();
  const pieces = viewOf(store);
  for (const fix of all) {
    store.insert(await columnsOf([fix]), 0, 1);
    pieces.show(fix.time);
  }
  assert.deepEqual(pieces.show(T + 5000), expected);

  const late = await storeOf(all.filter((_, k) => k !== 2));
  const corrected = viewOf(late);
  assert.notDeepEqual(corrected.show(T + 5000), expected);
  late.insert(await columnsOf([all[2]]), 0, 1);
  assert.deepEqual(corrected.show(T + 5000), expected);
});

test('a member of whom much comes at once has its whole trail', async () => {
  const store = await storeOf(walk(0, 5000, 1000, 1));
  const shown = viewOf(store);
  const before = shown.show(T + 5000);
  store.insert(await columnsOf(walk(0, 5000).map(fix => ({ ...fix, lat: fix.lat + 0.001 }))), 0, 6);
  assert.ok(shown.show(T + 5000).length > before.length * 1.8);
});

test('no line is drawn across a gap', async () => {
  const store = await storeOf([
    { time: T, lon: -0.002 }, { time: T + 1000, lon: -0.001 }, { time: T + 200_000, lon: 0.001 }, { time: T + 201_000, lon: 0.002 },
  ]);
  const { show, view } = viewOf(store);
  const columns = new Set(show(T + 201_000).map(pixel => Number(pixel.split(',')[0])));
  const middle = view.w / 2;
  for (let x = middle - 5; x <= middle + 5; x++) assert.ok(!columns.has(x), `${x}`);
  assert.ok([...columns].some(x => x < middle) && [...columns].some(x => x > middle));
});

test('looking back shows what was there then, and forward again the same', async () => {
  const all = walk(0, 5000);
  const store = await storeOf(all);
  const { show } = viewOf(store);
  const end = show(T + 5000, { live: false });
  const early = show(T + 2000, { live: false });
  assert.deepEqual(early, viewOf(await storeOf(all.slice(0, 3))).show(T + 2000, { live: false }));
  assert.deepEqual(show(T + 5000, { live: false }), end);
});

test('however a playhead was dragged, it ends with what was there then', async () => {
  const all = [0, 1, 2].flatMap(member => walk(member * 100, 300_000, 200, member));
  const store = await storeOf(all);
  const { show } = viewOf(store);
  const from = { live: false, length: 60_000 };
  show(T + 300_000, from);
  for (const last of [150_000, 260_000, 40_000, 41_000]) {
    for (let turn = 0; turn < 20; turn++) show(T + last + (20 - turn) * 1500, { ...from, isBrief: true });
    const expected = viewOf(await storeOf(all.filter(({ time }) => time <= T + last))).show(T + last, from);
    assert.deepEqual(show(T + last, from), expected);
  }
});

test('a clock that steps back a little draws nothing again', async () => {
  const { show, trails } = viewOf(await storeOf(walk(0, 5000)));
  const before = show(T + 5000);
  const { front } = trails;
  assert.deepEqual(show(T + 4990), before);
  assert.equal(trails.front, front); // drawing again would have exchanged it
  show(T + 4000, { live: false });
  assert.notEqual(trails.front, front);
});

test('hidden members leave no trail', async () => {
  const { show } = viewOf(await storeOf(walk(0, 5000)));
  assert.ok(show(T + 5000).length > 0);
  assert.deepEqual(show(T + 5000, { options: { ...OPTIONS, hidden: new Set([0]), trailsVersion: 1 } }), []);
});

test('another view is carried at once and drawn anew', async () => {
  const store = await storeOf(walk(0, 5000));
  const shown = viewOf(store);
  shown.show(T + 5000);
  const moved = { ...shown.view, ox: shown.view.ox + 31, oy: shown.view.oy - 17 };
  shown.trails.setView(moved);
  const carried = drawn(shown.trails.front);
  const anew = shown.show(T + 5000);
  const inside = pixels => new Set(pixels.filter(pixel => Number(pixel.split(',')[0]) < 200 - 31 - 6));
  assert.deepEqual(inside(carried), inside(anew));
});

test('over the antimeridian, on each copy of the world', async () => {
  const store = await storeOf([{ time: T, lon: 179.99 }, { time: T + 1000, lon: -179.99 }]);
  const { show } = viewOf(store, { lon: 180, zoom: 12 });
  const columns = show(T + 1000).map(pixel => Number(pixel.split(',')[0]));
  assert.ok(Math.max(...columns) - Math.min(...columns) < 80);
  const long = await storeOf([{ time: T, lon: 170 }, { time: T + 1000, lon: -170 }]);
  const wide = viewOf(long, { lon: 0, zoom: 1, w: 2048 });
  const places = new Set(wide.show(T + 1000).map(pixel => Math.floor(Number(pixel.split(',')[0]) / 512)));
  assert.equal(places.size, 4);
});

test('very long times fit into stamps', async () => {
  const month = 20 * 86_400_000;
  const store = await storeOf([{ time: T, lon: 0.0 }, { time: T + month, lon: 0.002 }, { time: T + 2 * month, lon: 0.004 }]);
  const { show, trails } = viewOf(store);
  assert.ok(show(T + 2 * month, { length: 3 * month }).length > 0);
  assert.ok(trails.stampOf(T + 2 * month) > trails.stampOf(T + month));
});

test('many members are drawn without smoothing', () => {
  assert.equal(brushFor(10, 1).edge, 1.2);
  assert.equal(brushFor(10_000, 1).isHard, true);
  assert.equal(brushFor(10_000, 2).width, 3);
});

test('heads in view, on each copy of the world, and the nearest of them', async () => {
  const store = await storeOf([{ time: T, member: 0, lon: 0, lat: 0 }, { time: T, member: 1, lon: 10, lat: 80 }]);
  const { view, display, show } = viewOf(store, { zoom: 0, w: 700, h: 40 });
  show(T);
  const visible = new Visible();
  visible.find(view, display, 5);
  assert.deepEqual([...visible.ids.subarray(0, visible.count)], [0, 0, 0]);
  assert.equal(visible.nearest(visible.xs[1] + 3, visible.ys[1], 5), 1);
  assert.equal(visible.nearest(visible.xs[1] + 30, visible.ys[1], 5), -1);
});
