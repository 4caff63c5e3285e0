// Stands where a widget's model and its kernel would: settings that live in the page, and the fixes of the file.

import { messageOf, unpack } from './unpack.js';

const BEAT = 5000; // ms, as a kernel does

export class Recorded {
  /** about: what the file says of itself; textOf(part): the text of a part's bytes. */
  constructor(about, textOf) {
    this.about = about;
    this.#textOf = textOf;
    this.#settings = {
      title: about.title, mode: 'recording', trail: 600, interpolate: true, labels: true, arrows: true, accuracy_circles: true,
      shape: 'disc', legend: true, units: {}, styles: {}, hidden: [], followed: null, stale_after: 60, lost_after: 600, gap_after: 120,
      color_by: 'member', color_range: [], clock: 'time', panels: ['timeline', 'members', 'tools', 'status'], fit: true, is_fitted: false,
      ...about.settings,
    };
    this.read = 0; // fixes
  }

  comm = {}; // there is somebody to speak to
  comm_live = true;
  #textOf;
  #settings;
  #listeners = [];
  #reading = null;

  get(name) { return this.#settings[name]; }

  set(names, value) {
    const settings = typeof names === 'string' ? { [names]: value } : names;
    const changed = Object.keys(settings).filter(name => JSON.stringify(this.#settings[name]) !== JSON.stringify(settings[name]));
    Object.assign(this.#settings, settings);
    for (const name of changed) this.#emit(`change:${name}`);
  }

  save_changes() {}

  on(names, listener, owner) {
    for (const name of names.split(' ')) this.#listeners.push({ name, listener, owner });
  }

  off(names, listener, owner) {
    const isMeant = one => (names === null || names.split(' ').includes(one.name)) && one.listener === listener && one.owner === owner;
    this.#listeners = this.#listeners.filter(one => !isMeant(one));
  }

  /** Take what the page tells its kernel: it asks for all there is. */
  send({ op, page }) {
    if (op === 'hello') queueMicrotask(() => this.#answer(page));
  }

  #emit(name, ...args) {
    for (const { listener, owner } of this.#listeners.filter(one => one.name === name)) listener.call(owner ?? this, ...args);
  }

  #say(op, content, buffers = []) {
    this.#emit('msg:custom', { op, epoch: 'file', now: Date.now(), ...content }, buffers);
  }

  #answer(page) {
    const { members, fixes, events } = this.about;
    this.#say('state', {
      page, head: fixes, oldest: 0, names: [0, members], settings: {},
      status: null,
      told: [{ op: 'events', events }],
    });
    this.#reading ??= this.#readAll().catch(error => {
      console.error('locshare:', error);
      this.onBroken?.(error);
    });
  }

  async #readAll() {
    setInterval(() => this.#say('beat', { head: this.about.fixes, oldest: 0, sequence: 0 }), BEAT);
    const { parts, units } = this.about;
    for (const [place, part] of parts.entries()) {
      const { columns, buffer } = messageOf(await unpack(part, this.#textOf(place)), units);
      this.#say('fixes', { first: this.read, count: part.count, columns, sequence: 0 }, [buffer]);
      this.read += part.count;
      this.onRead?.(this.read);
    }
  }
}
