import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, load } from './support.js';

const { Passes } = await load('passes.js');
const { Trails } = await load('trails.js');
const { Picture, packed } = await load('picture.js');
const { Store } = await load('store.js');
const { Display } = await load('display.js');
const { MemberPaint } = await load('paint.js');
const { WORLD, xOf, yOf } = await load('projection.js');

const HARD = { width: 1, edge: 0, isHard: true };
const PALETTE = Uint32Array.of(packed('#102030'), packed('#a0b0c0'));
const PAPER = packed('#ffffff');
const look = (stamp, more = {}) => ({ stamp, life: 1000, ahead: true, palette: PALETTE, paper: PAPER, ...more });

/** A picture of `passes` made from nothing. */
function anew(passes, back, how) {
  const copy = passes_ => {
    if (passes_ === null) return null;
    const other = new Passes(passes_.w, passes_.h);
    other.carry(passes_, null, { x: 0, y: 0 }, 1);
    return other;
  };
  const pixels = new Uint32Array(passes.w * passes.h);
  new Picture(passes.w, passes.h, pixels).compose(copy(passes), copy(back), how);
  return pixels;
}

function close(one, other, most, what) {
  for (let p = 0; p < one.length; p++) {
    assert.ok(Math.abs((one[p] >>> 24) - (other[p] >>> 24)) <= most, `${what}: opacity of pixel ${p}`);
    if (one[p] >>> 24 && other[p] >>> 24) assert.equal(one[p] & 0xffffff, other[p] & 0xffffff, `${what}: pixel ${p}`);
  }
}

test('a picture that is kept up to date is as one that is made anew', () => {
  const passes = new Passes(120, 90);
  const pixels = new Uint32Array(120 * 90);
  const picture = new Picture(120, 90, pixels);
  for (let k = 0; k < 300; k++) {
    const stamp = 1 + k * 7;
    passes.line(k % 100 + 3.5, k % 83 + 0.5, k % 97 + 0.5, k % 61 + 9.5, HARD, stamp, k % 2);
    picture.compose(passes, null, look(stamp));
    close(pixels, anew(passes, null, look(stamp)), 3, `frame ${k}`); // one step of the fade, at both ends
    picture.dot(k % 110, k % 80, 3, 0xff00ff, 1, PAPER); // gone in the next
  }
});

test('another colour, another time and other passes are seen at once', () => {
  const [passes, back] = [new Passes(50, 40), new Passes(50, 40)];
  passes.line(3.5, 3.5, 40.5, 30.5, HARD, 900, 0);
  back.line(3.5, 30.5, 40.5, 3.5, HARD, 950, 1);
  const pixels = new Uint32Array(50 * 40);
  const picture = new Picture(50, 40, pixels);
  const palette = PALETTE.slice();
  const shows = (back_, how) => {
    picture.compose(passes, back_, how);
    assert.deepEqual(pixels, anew(passes, back_, how));
  };
  shows(null, look(1000));
  shows(back, look(1000));
  shows(back, look(1000, { palette, changes: 1 }));
  palette[0] = 0x00ff00; // in place
  shows(back, look(1000, { palette, changes: 2 }));
  shows(null, look(1000, { palette, changes: 2 }));
  shows(null, look(400, { ahead: false }));
  shows(null, look(1500, { ahead: false }));
  shows(null, look(5000));
  passes.clear();
  shows(null, look(5000));
  assert.equal(pixels.filter(pixel => pixel).length, 0);
});

const MASK = { size: 3, alpha: Uint8Array.of(0, 128, 0, 255, 255, 255, 0, 128, 0), ink: Uint8Array.of(0, 255, 0, 0, 255, 255, 0, 255, 0) };
Object.assign(MASK, { first: Int16Array.of(1, 0, 1), last: Int16Array.of(2, 3, 2) });

test('masks are drawn in two colours, over what is there, and cut at the edges', () => {
  const pixels = new Uint32Array(20 * 10);
  const picture = new Picture(20, 10, pixels);
  picture.mask(MASK, 5.5, 5.5, 0x0000ff, 0xffffff);
  const at = (x, y) => pixels[y * 20 + x] >>> 0;
  assert.equal(at(4, 5), 0xffffffff);
  assert.equal(at(5, 5), 0xff0000ff);
  assert.equal(at(5, 4), 0x800000ff); // half seen, over nothing
  assert.equal(at(4, 4), 0);
  pixels[6 * 20 + 10] = 0xffff0000;
  picture.mask(MASK, 10.5, 5.5, 0x0000ff, 0xffffff);
  const mixed = at(10, 6);
  assert.equal(mixed >>> 24, 255);
  assert.ok(Math.abs((mixed & 0xff) - 128) < 3 && Math.abs(((mixed >>> 16) & 0xff) - 127) < 3);
  for (const [x, y] of [[0, 0], [19.9, 9.9], [-40, 5], [5, 90], [20.4, 5]]) picture.mask(MASK, x, y, 1, 2);
  assert.equal(pixels.length, 200);
});

const OPTIONS = { hidden: new Set(), interpolate: false, staleAfter: 60_000, lostAfter: 600_000, trailsVersion: 0, styles: new Map(), widths: new Map() };
const T = 100_000_000;

test('after drags, also while trails are being drawn, nothing is missing', async () => {
  const fixes = [];
  for (let k = 0; k < 1500; k++) {
    for (let member = 0; member < 3; member++) {
      fixes.push({ member, time: T + k * 100, lon: Math.sin(k / 40 + member) * 0.01, lat: Math.cos(k / 31 + 2 * member) * 0.006 });
    }
  }
  const store = new Store();
  store.insert(await columnsOf(fixes), 0, fixes.length);
  const world = 256 * 2 ** 14;
  const scale = world / WORLD;
  const home = { w: 260, h: 180, world, scale, dpr: 1, ox: Math.floor(xOf(0) * scale - 130), oy: Math.floor(yOf(0) * scale - 90) };
  const paint = new MemberPaint(['#000000', '#111111', '#222222'], '#ffffff');
  const end = T + 150_000;
  const made = () => ({ trails: new Trails(), display: new Display(), clock: 0 });
  const step = one => {
    one.display.update(store, { live: true, moment: end, reference: end, now: one.clock }, OPTIONS);
    return one.trails.update(store, one.display, { end, length: 600_000, reference: end }, OPTIONS, paint, one.clock += 100);
  };
  const finish = one => { for (let k = 0; step(one); k++) assert.ok(k < 2000, 'never done'); };
  const dragged = made();
  dragged.trails.setView(home);
  for (const [turn, [x, y]] of [[9, 4], [-70, 33], [5, -90], [140, 60], [-300, 10], [30, 30], [1, 0]].entries()) {
    if (turn % 2) step(dragged); else finish(dragged);
    home.ox += x;
    home.oy += y;
    dragged.trails.setView(home);
  }
  finish(dragged);
  const fresh = made();
  fresh.trails.setView(home);
  finish(fresh);
  assert.ok(fresh.trails.front.stamps.some(stamp => stamp > 0));
  assert.deepEqual(dragged.trails.front.stamps, fresh.trails.front.stamps);
});

test('rows are told beyond which a picture is empty, whatever is drawn in it', () => {
  const [w, h] = [100, 80];
  const passes = new Passes(w, h);
  const pixels = new Uint32Array(w * h);
  const picture = new Picture(w, h, pixels);
  const look = { stamp: 5, life: 1000, ahead: true, palette: Uint32Array.of(0x302010), paper: 0xffffff };
  const check = isEmpty => {
    const [top, bottom] = picture.rows();
    const rows = [...pixels.keys()].filter(p => pixels[p]).map(p => Math.floor(p / w));
    assert.equal(rows.length === 0, isEmpty);
    assert.ok(rows.every(row => row >= top && row < bottom));
    if (!isEmpty) assert.ok(rows[0] - top <= 1 && bottom - rows[rows.length - 1] <= 2, `${top} ${bottom} ${rows}`);
    else assert.deepEqual([top, bottom], [0, 0]);
  };
  picture.compose(passes, null, look);
  check(true);
  passes.line(50, 40, 60, 44, { width: 1, edge: 0, isHard: true }, 5, 0);
  picture.compose(passes, null, look);
  check(false);
  picture.dot(30, 70, 2, 0xff, 1, 0xffffff);
  check(false);
  picture.compose(passes, null, look);
  picture.line(10, 5, 30, 9, 0xff);
  picture.mask(MASK, 50, 79, 0xff, 0xffffff);
  check(false);
  passes.clear();
  picture.compose(passes, null, { ...look, stamp: 6 });
  check(true);
});

test('colours are mixed in each of their parts', () => {
  const pixels = new Uint32Array(9);
  const picture = new Picture(3, 3, pixels);
  const mask = { size: 1, alpha: Uint8Array.of(255), ink: Uint8Array.of(127), first: [0], last: [1] };
  for (const [color, paper, mean] of [[0xff00ff, 0x00ff00, 0x7f7f7f], [0xffffff, 0, 0x7f7f7f], [0x123456, 0x563412, 0x343434]]) {
    picture.mask(mask, 1, 1, color, paper);
    const found = pixels.find(pixel => pixel);
    for (const shift of [0, 8, 16]) {
      assert.ok(Math.abs(((found >>> shift) & 0xff) - ((mean >>> shift) & 0xff)) <= 1, found.toString(16));
    }
    pixels.fill(0);
  }
});

test('a picture that is seen for a moment shows all that was passed by then, and is exact once it stays', () => {
  const passes = new Passes(200, 150);
  const pixels = new Uint32Array(200 * 150);
  const picture = new Picture(200, 150, pixels);
  for (let k = 0; k < 75; k++) passes.line(3, 2 * k, 190, 2 * k, HARD, 1000 + 10 * k, k % 2);
  const at = stamp => look(stamp, { life: 900, ahead: false });
  assert.equal(picture.compose(passes, null, at(1700)), false);
  for (const stamp of [1600, 1400, 1300, 1500, 1690, 1800]) { // back and forth
    assert.equal(picture.compose(passes, null, { ...at(stamp), isBrief: true }), true);
    const exact = anew(passes, null, at(stamp));
    close(pixels, exact, 255, 'seen briefly'); // the same colours where both have one
    assert.ok(pixels.every((pixel, p) => pixel === 0 || exact[p] !== 0), 'nothing from later is seen');
    assert.ok(exact.every((pixel, p) => pixel === 0 || pixels[p] !== 0), 'nothing is missing');
  }
  assert.equal(picture.compose(passes, null, at(1800)), false);
  assert.deepEqual(pixels, anew(passes, null, at(1800)));
});
