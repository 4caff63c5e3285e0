// The renderer: holds the fixes and draws them, off the page's main thread.

import { decodeColumns } from './columns.js';
import { Display, LOST, NONE } from './display.js';
import { Heads } from './heads.js';
import { KnownStore } from './known.js';
import { paintFor } from './paint.js';
import { locale } from './language.js';
import { Painter } from './painter.js';
import { Store } from './store.js';
import { rangeOf } from './ramp.js';
import { Roster } from './roster.js';

const LONGEST_IMAGE = 20000; // ms
const IMAGE_STEP = 1000; // ms that are said to lie between its frames, so that none waits for the next
const REACH = 14; // css px from the pointer to a head that it is on

const store = new Store();
const known = new KnownStore(store);
const display = new Display();
const heads = new Heads();
const listed = new Roster(locale());
const views = new Map();
const wanted = new Map(); // by view: the picture that was asked for last
const soon = new MessageChannel(); // brings what comes back behind what has come
const options = {
  trailsVersion: 0, names: [], colors: [], hidden: new Set(), followed: null, trail: 600000, interpolate: true,
  labels: true, staleAfter: 60000, lostAfter: 600000, ground: 'light', ink: '#222222', paper: '#ffffff',
  colorBy: 'member', colorRange: [], clock: 'time', categories: {}, styles: new Map(), widths: new Map(),
  arrows: true, circles: true, shape: 'disc',
};
let paint = paintFor({ ...options, range: [0, 1] });
let ranged = 0; // fixes that there were when the colours' range was looked for
let window_ = null; // of the last frame
let seen = store; // what the last frame was drawn from: all, or what was known then

const handlers = {
  fixes({ columns, count, skip, buffer, arrived }) {
    const decoded = decodeColumns(columns, count, buffer);
    for (const [from, to] of skip) store.insert(decoded, from, to, arrived);
    tellBounds();
  },
  clear() {
    store.clear();
    known.clear();
    display.clear();
    for (const painter of views.values()) painter.trails.clear();
    tellBounds();
  },
  options(message) {
    const before = trailsOf(options);
    const { clock } = options;
    Object.assign(options, message.options);
    if (clock !== options.clock) tellBounds();
    if (message.options.hidden) options.hidden = new Set(message.options.hidden);
    if (message.options.styles) options.widths = widthsOf(options.styles);
    if (message.options.gapAfter !== undefined) store.setShortestGap(message.options.gapAfter);
    if (before !== trailsOf(options)) options.trailsVersion++;
    choosePaint();
  },
  drop({ view }) {
    views.delete(view);
    wanted.delete(view);
  },
  draw(question) {
    if (!wanted.size) soon.port2.postMessage(null);
    wanted.set(question.view, { ...wanted.get(question.view), ...question }); // where it is, is told once
  },
  hit({ view, ask, x, y }) {
    postMessage({ op: 'answer', ask, answer: hit(views.get(view), x, y) });
  },
  density({ ask, from, to, bins }) {
    const answer = byClock().density(from, to, bins);
    postMessage({ op: 'answer', ask, answer }, [answer.counts.buffer]);
  },
  step({ ask, moment, direction }) {
    postMessage({ op: 'answer', ask, answer: byClock().step(moment, direction) });
  },
  extent({ ask, all, ids }) { postMessage({ op: 'answer', ask, answer: extent(all, ids) }); },
  roster({ ask, ...question }) {
    const answer = roster(question);
    postMessage({ op: 'answer', ask, answer }, [answer.ids.buffer]);
  },
  image({ ask, ...question }) {
    const answer = image(question);
    postMessage({ op: 'answer', ask, answer }, [answer]);
  },
  where({ ask, wanted }) { postMessage({ op: 'answer', ask, answer: wanted.map(placeThen) }); },
  members({ ask }) { postMessage({ op: 'answer', ask, answer: members() }); },
};

onmessage = ({ data }) => {
  try {
    handlers[data.op](data);
  } catch (error) {
    console.error('locshare renderer:', error);
    if (data.ask !== undefined) postMessage({ op: 'answer', ask: data.ask, answer: null });
  }
};

/** Draw what is wanted, once all is taken that came before: of what was asked for meanwhile only the last counts. */
soon.port1.onmessage = () => {
  const questions = [...wanted.values()];
  wanted.clear();
  for (const question of questions) {
    try {
      draw(question);
    } catch (error) { // what failed is left out; the next picture is tried all the same
      console.error('locshare renderer:', error);
      postMessage({ op: 'failed', view: question.view });
    }
  }
};

/** Decide which colours things have, and tell the page the range that they stand for. */
function choosePaint() {
  const { colorBy, colorRange } = options;
  let range = [0, 1];
  if (colorRange.length === 2) range = colorRange;
  else if (colorBy === 'age') range = [0, options.lostAfter / 1000];
  else if (colorBy !== 'member' && !(colorBy in options.categories)) range = rangeOf(store.tracks, colorBy);
  ranged = store.fixes;
  paint = paintFor({ ...options, range });
  postMessage({ op: 'range', range });
}

/** What of the options trails hang on: they are drawn anew when it changes. */
function trailsOf({ hidden, trail, gapAfter }) {
  return JSON.stringify([[...hidden], trail, gapAfter]);
}

/** Return the widths of trails by member id, css px, of those that have their own. */
function widthsOf(styles) {
  return new Map(Array.from(styles, ([id, { width }]) => [id, width]).filter(([, width]) => width !== undefined));
}

/** What answers for the clock that people look by. */
function byClock() { return options.clock === 'received' ? known : store; }

function tellBounds() {
  const { oldest, newest } = options.clock === 'received' ? known.reach() : store;
  postMessage({ op: 'bounds', fixes: store.fixes, oldest, newest, members: store.members });
}

/** Bring all that is drawn to a moment. */
function prepare({ live, moment, reference }, now) {
  window_ = { end: moment, length: options.trail, reference };
  if (options.colorBy !== 'member' && store.fixes > ranged * 2) choosePaint(); // more is known
  // live, all that came is known
  seen = options.clock === 'received' && !live ? known.until(moment, moment - options.trail) : store;
  display.update(seen, { live, moment, reference, now }, options);
  paint.update(seen, display, reference);
}

function draw({ view, geometry, ...moment }) {
  if (geometry && !views.has(view)) views.set(view, new Painter());
  const painter = views.get(view);
  if (geometry) painter.setView(geometry);
  if (!painter) return;
  const now = performance.now();
  prepare(moment, now);
  const { bitmap, isPending, isPutOff } = painter.draw(seen, display, window_, options, paint, heads, now);
  const xs = display.x.slice(0, display.count);
  const ys = display.y.slice(0, display.count);
  const times = display.time.slice(0, display.count);
  const { w, h, ox, oy, dpr, z } = painter;
  postMessage({
    op: 'frame', view, bitmap, geometry: { w, h, ox, oy, dpr, z }, xs, ys, times, points: painter.tally.total,
    isMoving: display.isMoving || isPutOff, isPending, visible: painter.visible.count, cost: performance.now() - now,
  }, [bitmap, xs.buffer, ys.buffer, times.buffer]);
}

/** Return a whole picture of its own, once nothing of it is missing. */
function image({ geometry, ...moment }) {
  const painter = new Painter();
  painter.setView(geometry);
  let now = performance.now();
  prepare(moment, now);
  const end = now + LONGEST_IMAGE;
  for (;; now += IMAGE_STEP) {
    const { bitmap, isPending } = painter.draw(seen, display, window_, options, paint, heads, now);
    if (!isPending || performance.now() > end) return bitmap;
    bitmap.close();
  }
}

/** Return what a tooltip says of the head nearest to device pixels, null when none is near. */
function hit(painter, x, y) {
  const visible = painter?.visible;
  const row = visible?.nearest(x, y, REACH * painter.dpr) ?? -1;
  if (row < 0 || display.state[visible.ids[row]] === NONE) return null;
  const id = visible.ids[row];
  const numbers = Array.from(seen.track(id).numbers, ([name, values]) => [name, values[display.index[id]]]);
  return { ...describe(id), x: visible.xs[row], y: visible.ys[row], numbers };
}

/**
 * Return {xs, north, south} around all fixes, or around members (`wanted`: ids, else everybody) and their
 * trails of now; lost ones only if all are.
 */
function extent(all, wanted = store.tracks.keys()) {
  if (all) return store.extent(store.tracks.keys(), -Infinity, Infinity);
  if (!window_) return null;
  const shown = [...wanted].filter(id => id < display.count && display.state[id] !== NONE);
  const found = shown.filter(id => display.state[id] !== LOST);
  const ids = found.length ? found : shown;
  const box = seen.extent(ids, window_.end - window_.length, window_.end);
  for (const id of ids) {
    box.xs.push(display.x[id]);
    box.north = Math.min(box.north, display.y[id]);
    box.south = Math.max(box.south, display.y[id]);
  }
  return box.xs.length ? box : null;
}

function describe(id) {
  const track = seen.track(id);
  const index = display.index[id];
  return {
    id, state: display.state[id], age: window_.reference - display.indexKey[id], heard: heardAge(id, track, index),
    speed: track.number('speed', index), heading: display.headingOf(seen, id), battery: track.number('battery', index),
    accuracy: track.number('accuracy', index), altitude: track.number('altitude', index),
  };
}

/** Age of the last sign of life: of the member now, or as of the moment that is looked at. */
function heardAge(id, track, index) {
  const heard = display.wasLive ? store.heads.heard[id] : track.heardBy(index, window_.reference);
  return heard > 0 ? Math.max(0, window_.reference - heard) : NaN;
}

/** Return [x, y] of where a member (id) was at a moment, null before its first fix. */
function placeThen([id, moment]) {
  const place = store.tracks[id]?.count ? store.placeAt(store.tracks[id], moment) : null;
  return place && [place.x, place.y];
}

function members() {
  return window_ ? present().map(rowOf) : [];
}

/** Return {ids, rows}: all that a list has, in order, and what is known of those in its rows [from, to). */
function roster({ search, sort, isReversed, from, to }) {
  if (!window_) return { ids: new Uint32Array(0), rows: [] };
  const valueOf = id => {
    if (!isShown(id)) return NaN;
    const index = display.index[id];
    return sort === 'age' ? window_.reference - display.indexKey[id] : seen.track(id).number(sort, index);
  };
  const ids = listed.list({ names: options.names, present: present(), search, sort, isReversed, valueOf });
  return { ids, rows: Array.from(ids.subarray(from, to), rowOf) };
}

const isShown = id => id < display.count && display.state[id] !== NONE;
const present = () => Array.from({ length: store.size }, (_, id) => id).filter(id => store.heads.counts[id] > 0);
const rowOf = id => (isShown(id) ? describe(id) : { id, state: NONE, age: NaN, heard: NaN });
