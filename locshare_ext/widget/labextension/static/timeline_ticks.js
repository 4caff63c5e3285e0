// The ticks of the timeline: notes and other events, with what they say on hover and focus.

import { button, make } from './dom.js';
import { eventsOf, ticksOf } from './happenings.js';
import { moment } from './format.js';
import { t } from './language.js';

const MOST = 6; // events that one tick tells of in full

export class TimelineTicks {
  /** element: what ticks are put into; go(moment): moves the playhead there. */
  constructor(session, range, go) {
    this.session = session;
    this.range = range;
    this.go = go;
    this.box = make('div', { className: 'locshare-ticks', attributes: { role: 'group' }, label: t('timeline.events'), on: { keydown: event => this.#key(event) } });
    this.tip = make('div', { className: 'locshare-tick-tip', attributes: { 'aria-hidden': 'true' } }); // ticks' names say the same
    this.tip.hidden = true;
    this.events = [];
    this.undo = session.on('told:events', () => this.read());
    this.read();
  }

  #drawn = '';
  #width = 0;

  close() { this.undo(); }

  /** Take what there is, by the clock that is looked by. */
  read() {
    this.events = eventsOf(this.session.told.events?.events ?? [], this.session.model.get('clock'));
    this.#drawn = '';
    this.draw(this.#width);
  }

  /** Put the ticks where they belong on a strip of so many px. */
  draw(width) {
    this.#width = width;
    const range = this.range();
    this.box.hidden = range === null || !this.events.length;
    if (this.box.hidden || !width) return;
    const pixel = (range[1] - range[0]) / width; // ms
    const key = `${width} ${Math.round(range[0] / pixel)} ${Math.round(range[1] / pixel)}`;
    if (key === this.#drawn) return; // asked for with each frame
    this.#drawn = key;
    const ticks = ticksOf(this.events, range, width);
    const focused = [...this.box.children].indexOf(document.activeElement);
    this.box.replaceChildren(...ticks.map(tick => this.#tick(tick)));
    const first = this.box.children[Math.max(0, Math.min(focused, ticks.length - 1))];
    if (first) first.tabIndex = 0;
    if (focused >= 0) first?.focus({ preventScroll: true });
    else this.#hide();
  }

  #tick(tick) {
    const isNote = tick.events.some(event => SPOKEN.has(event.kind));
    const isUrgent = tick.events.some(event => event.kind === 'sos');
    const words = tick.events.map(saying).join('; ');
    const element = button({
      className: `locshare-tick${isNote ? ' is-note' : ''}${isUrgent ? ' is-urgent' : ''}`, label: `${moment(tick.events[0].at)}: ${words}`,
      attributes: { tabindex: '-1' },
      on: {
        pointerdown: event => event.stopPropagation(), pointermove: event => event.stopPropagation(),
        click: () => this.go(tick.events[0].at),
        pointerenter: () => this.#show(tick), pointerleave: () => this.#hide(),
        focus: () => this.#show(tick), blur: () => this.#hide(),
      },
    });
    element.style.left = `${tick.x.toFixed(1)}px`;
    return element;
  }

  #show(tick) {
    this.tip.replaceChildren(...rowsOf(tick.events));
    this.tip.hidden = false;
    const half = this.tip.offsetWidth / 2;
    this.tip.style.left = `${Math.max(0, Math.min(this.#width - 2 * half, tick.x - half))}px`;
  }

  #hide() { this.tip.hidden = true; }

  /** From tick to tick by arrows; away from them by Escape. */
  #key(event) {
    const ticks = [...this.box.children];
    const at = ticks.indexOf(event.target);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: ticks.length - 1 }[event.key];
    if (event.key === 'Escape') this.#hide();
    else if (next === undefined) {
      if (event.key === 'Enter' || event.key === ' ') event.stopPropagation(); // it is a click already
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (!ticks[next]) return;
    ticks[at].tabIndex = -1;
    ticks[next].tabIndex = 0;
    ticks[next].focus({ preventScroll: true });
  }
}

/** Return what tells of events in full, of many only the first. */
export function rowsOf(events) {
  const rows = events.slice(0, MOST).map(event => make('div', { className: 'locshare-tick-row' },
    make('span', { className: 'locshare-tick-when', text: moment(event.at) }), make('span', { className: 'locshare-tick-text', text: saying(event) })));
  if (events.length > MOST) rows.push(make('div', { text: t('timeline.moreEvents', { count: events.length - MOST }) }));
  return rows;
}

/** Return what an event says: its kind, whom it concerns, and its text. */
export function saying({ kind, member, text }) {
  const what = t(`event.${KINDS.has(kind) ? kind : 'other'}`);
  return [member ? `${what} · ${member}` : what, text].filter(Boolean).join(': ');
}

const SPOKEN = new Set(['note', 'alert', 'message', 'sos']); // what is to be read
const KINDS = new Set(['note', 'alert', 'gap', 'join', 'leave', 'message', 'sos']);
