// One layer on this page: its fixes and renderer, its playhead, and what people chose. Views share it.

import { urlOf, WORKER } from './assets.js';
import { Colors } from './colors.js';
import { Emitter } from './emitter.js';
import { Feed } from './feed.js';
import { answerImage } from './image.js';
import { Looks } from './looks.js';
import { latOf, lonOf } from './projection.js';
import { PlayClock } from './clock.js';
import { watchKernel } from './kernel.js';
import { PlayheadLink } from './playhead_link.js';
import { snapshotOf } from './snapshot.js';

const DAY = 86400000;
const SETTINGS = [
  'trail', 'interpolate', 'labels', 'arrows', 'accuracy_circles', 'shape', 'stale_after', 'lost_after', 'gap_after',
  'color_by', 'color_range', 'units', 'legend', 'clock', 'styles', 'hidden', 'followed',
];

export class Session extends Emitter {
  constructor(model) {
    super();
    this.model = model;
    this.views = new Map();
    this.names = [];
    this.colors = new Colors();
    this.looks = new Looks(model, name => this.#ids.get(name));
    this.imagers = new Set(); // one for each view: functions that make a picture of it
    this.categories = {}; // texts of columns, by number
    this.status = null;
    this.told = {}; // the newest of what the kernel says of each kind, for panels that come later
    this.seenCalls = new Map(); // by member: until when (ms, received) somebody on this page has seen calls for help
    this.saidCalls = new Set(); // ids of those that were read out
    this.kernel = 'ok';
    this.frames = 0;
    this.bounds = { fixes: 0, oldest: Infinity, newest: -Infinity, members: 0 };
    this.last = null; // the last frame's places
    this.range = null; // that the colours of values stand for
    this.clock = this.#newClock();
    this.hands = 0; // how often somebody on this page has steered it
    this.#start();
  }

  #ids = new Map();
  #asks = new Map();
  #asked = 0;
  #views = 0;
  #unwatch;

  #start() {
    this.worker = new Worker(urlOf('worker.js'), { type: WORKER });
    this.worker.onmessage = ({ data }) => this.#fromWorker(data);
    this.worker.onerror = event => console.error('locshare renderer:', event.message);
    this.sendOptions();
    this.model.on(SETTINGS.map(name => `change:${name}`).join(' '), this.#onSettings, this);
    this.feed = new Feed(this.model, {
      names: (first, names) => this.#name(first, names),
      fixes: (message, buffer, skip, isHistory) => {
        const arrived = isHistory ? 0 : this.wall();
        this.worker.postMessage({ op: 'fixes', ...message, buffer, skip, arrived }, [buffer]);
        if (this.#isDrawnLive) for (const view of this.views.values()) view.hurry();
      },
      clear: () => this.#clear(),
      settings: settings => this.model.set(settings), // the kernel sets them too, when no cell runs
      categories: texts => this.#categorize(texts),
      fit: members => this.emit('fit', members),
      image: question => answerImage(this, question),
      status: status => { this.status = status; this.emit('status', status); },
      card: card => this.emit('card', card), // a secret: nothing keeps it
      told: said => { this.told[said.op] = said; this.emit(`told:${said.op}`, said); },
    });
    this.feed.start();
    this.#showSaved(snapshotOf(this.model));
    this.link = new PlayheadLink(this);
    this.#unwatch = watchKernel(this.model, state => {
      this.kernel = state;
      this.emit('kernel', state);
    });
    window.locshareLayers = window.locshareLayers ?? [];
    window.locshareLayers.push(this.handle = this.#handle());
  }

  /** Show what was saved with the notebook, if there is no kernel to ask. */
  #showSaved(saved) {
    this.isSaved = saved !== null;
    if (saved === null) return;
    const { names, categories, columns, count, buffer } = saved;
    this.#name(0, names);
    this.#categorize(categories);
    this.worker.postMessage({ op: 'fixes', columns, count, buffer, skip: [[0, count]], arrived: 0 }, [buffer]);
  }

  close() {
    this.#unwatch();
    this.link.close();
    this.feed.close();
    this.worker.terminate();
    this.model.off(null, this.#onSettings, this);
    const at = window.locshareLayers.indexOf(this.handle);
    if (at >= 0) window.locshareLayers.splice(at, 1);
  }

  /** Now by the kernel's clock, which the fixes' ages are told by. */
  wall() {
    const { offset } = this.feed;
    return Date.now() + (Math.abs(offset) > 2000 ? offset : 0);
  }

  /** Whether what is shown goes on with what happens. */
  get isConnected() {
    const isSourceLive = !this.status || this.status.state === 'live';
    return this.kernel === 'ok' && this.feed.isConnected && !this.feed.silence && isSourceLive;
  }

  /** Whether what comes is seen at once: the moment that is shown hangs on no answer of the worker. */
  get #isDrawnLive() {
    return this.last !== null && this.clock.state === 'live' && this.bounds.fixes > 0;
  }

  /** The moment at the end of what there is to see: now, or a recording's last fix. */
  get end() {
    const { newest } = this.bounds;
    if (this.model.get('mode') !== 'live') return newest;
    const wall = this.wall();
    // what ended long ago, or is dated ahead, is looked at as of its own end
    return wall - newest > DAY || newest > wall ? newest : wall;
  }

  /** Move the clock on; returns {live, moment, reference}, null while there is nothing. */
  moment() {
    if (!(this.bounds.fixes > 0)) return null;
    this.clock.setBounds(this.bounds.oldest, this.end);
    const before = `${this.clock.state} ${this.clock.turns}`;
    const moment = this.clock.moment(performance.now());
    if (before !== `${this.clock.state} ${this.clock.turns}`) this.emit('clock');
    const live = this.clock.state === 'live';
    return { live, moment, reference: live ? Math.max(moment, this.wall()) : moment };
  }

  /** Whether the playhead is that of a replay, which others follow too. */
  get isShared() { return this.model.get('mode') === 'replay'; }

  #newClock() { return new PlayClock(this.model.get('mode') === 'live', this.isShared); }

  /** Do what a person asks for to the playhead, and show it. */
  steer(change) {
    this.hands++;
    this.move(change);
  }

  /** Do something to the playhead, and show it. */
  move(change) {
    change(this.clock, performance.now());
    this.emit('clock');
    this.wake();
  }

  attach(view) {
    const id = ++this.#views;
    this.views.set(id, view);
    this.wake();
    return id;
  }

  detach(id) {
    this.views.delete(id);
    this.worker.postMessage({ op: 'drop', view: id });
  }

  wake() {
    for (const view of this.views.values()) view.wake();
  }

  sendOptions(more = {}) {
    const get = name => this.model.get(name);
    this.worker.postMessage({ op: 'options', options: {
      names: this.looks.labelled(this.names), colors: this.colors.all(),
      hidden: [...this.hidden], followed: this.followed, styles: this.looks.styles,
      arrows: get('arrows'), circles: get('accuracy_circles'), shape: get('shape'),
      categories: Object.fromEntries(Object.entries(this.categories).map(([name, texts]) => [name, texts.length])),
      trail: Math.max(1, get('trail')) * 1000, interpolate: get('interpolate'), labels: get('labels'),
      staleAfter: get('stale_after') * 1000, lostAfter: get('lost_after') * 1000,
      gapAfter: get('gap_after') * 1000, colorBy: get('color_by'), colorRange: get('color_range'), clock: get('clock'), ...more,
    } });
    this.wake();
  }

  /** Draw for light or dark ground from now on. */
  setGround(isDark, inks) {
    this.colors.isDark = isDark;
    this.sendOptions(inks);
    this.emit('choice');
  }

  /** Return the ids of members by name, of those that are known. */
  idsOf(names) { return names.map(name => this.#ids.get(name)).filter(id => id !== undefined); }

  /** Ids of members that are not drawn. */
  get hidden() { return this.looks.hidden; }

  /** Id of the member that the map moves with, or null. */
  get followed() { return this.looks.followed; }

  /** Hide members (one id or several), or show them again. */
  setHidden(ids, isHidden) {
    const changed = new Set(Array.from(typeof ids === 'number' ? [ids] : ids, id => this.names[id]));
    const kept = (this.model.get('hidden') ?? []).filter(name => !changed.has(name));
    this.save({ hidden: isHidden ? [...kept, ...changed] : kept });
    if (isHidden && changed.has(this.model.get('followed'))) this.save({ followed: null });
  }

  /** Follow a member (id), or no longer if it is followed. */
  follow(id) {
    this.save({ followed: this.followed === id ? null : this.names[id] });
  }

  /** Change settings of the layer, here and in the kernel. */
  save(settings) {
    this.model.set(settings);
    if (this.model.comm_live !== false) this.model.save_changes();
  }

  /** Ask the worker; resolves with its answer. */
  ask(op, question = {}) {
    const ask = ++this.#asked;
    return new Promise(resolve => {
      this.#asks.set(ask, resolve);
      this.worker.postMessage({ op, ask, ...question });
    });
  }

  /** Return {lat, lon, time} of a member as last drawn, null if it is not. */
  placeOf(id) {
    if (id === undefined || !this.last || id >= this.last.times.length) return null;
    const time = this.last.times[id];
    if (Number.isNaN(time)) return null;
    return { lat: latOf(this.last.ys[id]), lon: lonOf(this.last.xs[id]), time: Math.round(time) };
  }

  /** Tell the kernel that a member was clicked, as ipyleaflet's layers tell of clicks. */
  tellClick(id) {
    const place = this.placeOf(id);
    if (place === null) return;
    const { lat, lon, time } = place;
    this.feed.tell({ event: 'interaction', type: 'click', coordinates: [lat, lon], member: this.names[id], time });
  }

  #onSettings() {
    this.#look();
    this.emit('settings');
    this.emit('choice');
  }

  #look() {
    this.looks.update();
    this.colors.own = this.looks.colors();
    this.sendOptions();
  }

  #categorize(texts) {
    for (const [name, [first, more]] of Object.entries(texts)) {
      const known = (this.categories[name] ??= []);
      more.forEach((text, k) => { known[first + k] = text; });
    }
    if (!Object.keys(texts).length) return;
    this.sendOptions();
    this.emit('settings');
  }

  #name(first, names) {
    names.forEach((name, k) => {
      this.names[first + k] = name;
      this.#ids.set(name, first + k);
      this.colors.add(first + k, name);
    });
    if (names.length) this.#look();
  }

  #clear() {
    this.names = [];
    this.categories = {};
    this.#ids.clear();
    this.looks.update();
    this.colors = Object.assign(new Colors(), { isDark: this.colors.isDark });
    this.last = null;
    this.clock = this.#newClock();
    this.worker.postMessage({ op: 'clear' });
    this.emit('clock');
  }

  #fromWorker(data) {
    if (data.op === 'frame') {
      this.frames++;
      this.last = data;
      const view = this.views.get(data.view);
      if (view) view.show(data); else data.bitmap.close();
      this.emit('frame', data);
    } else if (data.op === 'bounds') {
      this.bounds = data;
      this.emit('bounds', data);
      if (!this.#isDrawnLive) this.wake(); // else it was asked for with the fixes
    } else if (data.op === 'failed') {
      this.views.get(data.view)?.fail();
    } else if (data.op === 'range') {
      this.range = data.range;
      this.emit('range');
    } else {
      this.#asks.get(data.ask)?.(data.answer);
      this.#asks.delete(data.ask);
    }
  }

  /** What `window.locshareLayers` offers to measurements and tests. */
  #handle() {
    return {
      stats: () => ({
        frames: this.frames, fixes: this.bounds.fixes, members: this.bounds.members,
        trailPoints: this.last?.points ?? 0, connected: this.isConnected,
      }),
      positionOf: member => this.placeOf(this.#ids.get(member)),
      title: () => this.model.get('title'),
      cost: () => this.last?.cost ?? 0, // ms that the last frame took to draw
      zoom: () => this.last?.geometry.z ?? null, // of the last picture
      isWhole: () => this.last !== null && !this.last.isPending, // whether nothing is missing in it
      clock: () => ({ state: this.clock.state, moment: this.clock.moment(performance.now()), speed: this.clock.speed }),
    };
  }
}

const sessions = new WeakMap();

/** Return the session of a model, shared by its views; `release` it when a view goes. */
export function acquire(model) {
  let held = sessions.get(model);
  if (!held) sessions.set(model, held = { session: new Session(model), users: 0 });
  held.users++;
  return held.session;
}

export function release(model) {
  const held = sessions.get(model);
  if (held && --held.users === 0) {
    sessions.delete(model);
    held.session.close();
  }
}
