// Calls for help: a strip along the top of the map that stays until somebody has seen it, wherever the map looks.

import { button, icon, ICONS, isCalm, make, setText } from './dom.js';
import { age, moment } from './format.js';
import { callsOf } from './happenings.js';
import { locale, t } from './language.js';
import { latOf, lonOf } from './projection.js';

const REFRESH = 1000; // ms
const MOST = 3; // calls that are told of one by one
const NARROW = 620; // px of a map, below which one is
const NEAR = 15; // zoom, at least, to look at a place by

export function createCalls(context) {
  if (context.session.model.get('mode') !== 'live') return () => {}; // of the past, the timeline tells
  const strip = new Calls(context);
  return () => strip.close();
}

class Calls {
  constructor({ map, session, isolate }) {
    this.map = map;
    this.session = session;
    this.rows = make('div', { className: 'locshare-call-rows' });
    this.spoken = make('div', { className: 'locshare-unseen', attributes: { role: 'alert' } });
    this.element = make('div', { className: 'locshare-calls', attributes: { role: 'group' }, label: t('call.title') }, this.rows);
    this.element.hidden = true;
    isolate(this.element);
    this.spoken.lang = locale();
    map.getContainer().prepend(this.element, this.spoken); // first for those who come by keyboard, too
    this.resize = new ResizeObserver(() => this.#takeRoom());
    this.resize.observe(this.element);
    this.undo = ['told:events', 'calls'].map(what => session.on(what, () => this.update()));
    this.timer = setInterval(() => this.update(), REFRESH);
    this.update();
  }

  #shown = new Map(); // row of each call, by its id

  close() {
    clearInterval(this.timer);
    this.resize.disconnect();
    this.undo.forEach(step => step());
    this.element.remove();
    this.spoken.remove();
    this.#takeRoom();
  }

  update() {
    const { session } = this;
    const calls = callsOf(session);
    const most = this.map.getContainer().clientWidth > NARROW ? MOST : 1;
    const rows = new Map(calls.slice(0, most).map(call => [call.id, this.#shown.get(call.id) ?? this.#newRow(call)]));
    const more = calls.length > most ? make('div', { className: 'locshare-call-more', text: t('call.more', { count: calls.length - most }) }) : null;
    if ([...rows.keys()].join() !== [...this.#shown.keys()].join() || more !== null || this.rows.lastChild?.className === 'locshare-call-more') {
      const focused = document.activeElement;
      this.rows.replaceChildren(...[...rows.values()].map(row => row.element), ...(more ? [more] : []));
      if (this.rows.contains(focused)) focused.focus({ preventScroll: true });
    }
    // what has not been said yet is said, once
    const fresh = calls.filter(call => !session.saidCalls.has(call.id));
    if (fresh.length) setText(this.spoken, fresh.map(call => `${headOf(call)}: ${call.text ?? ''}`).join('. '));
    fresh.forEach(call => session.saidCalls.add(call.id));
    for (const row of rows.values()) setText(row.age, t('value.ago', { age: age(session.wall() - row.call.received) }));
    this.#shown = rows;
    this.element.hidden = calls.length === 0;
  }

  #newRow(call) {
    const { session } = this;
    const when = make('span', { className: 'locshare-call-age', title: moment(call.received) });
    const head = make('span', { className: 'locshare-call-who' }, ...headParts(call));
    const words = make('div', { className: 'locshare-call-words' }, head, when, make('span', { className: 'locshare-call-text', text: call.text ?? '' }));
    const show = button({ className: 'locshare-call-show', text: t('call.show'), label: t('call.showWho', { call: headOf(call) }), on: { click: () => this.#show(call) } });
    const seen = button({ className: 'locshare-call-seen', text: t('call.seen'), title: t('call.seenHow'), label: t('call.seenWho', { call: headOf(call) }), on: { click: () => {
      session.seenCalls.set(call.member, call.received);
      session.emit('calls'); // on all views of it
      this.map.getContainer().focus({ preventScroll: true });
    } } });
    show.hidden = call.place === null && !session.idsOf([call.member]).length;
    const element = make('div', { className: 'locshare-call', attributes: { 'data-call': call.id } },
      icon(ICONS.call), words, make('div', { className: 'locshare-call-buttons' }, show, seen));
    return { call, element, age: when };
  }

  /** Look at where they are now, if fixes of theirs come, else at where they called from. */
  async #show(call) {
    const { session, map } = this;
    const [id] = session.idsOf([call.member]);
    session.steer(clock => clock.live());
    if (id !== undefined && session.hidden.has(id)) session.setHidden(id, false);
    const found = id === undefined ? null : (await session.ask('where', { wanted: [[id, session.wall()]] }))?.[0];
    const place = found ? [latOf(found[1]), lonOf(found[0])] : call.place;
    if (place) map.setView(place, Math.max(map.getZoom(), Math.min(NEAR, map.getMaxZoom())), { animate: !isCalm() });
  }

  /** Let what else is on the map begin below it. */
  #takeRoom() {
    const container = this.map.getContainer();
    const height = this.element.isConnected ? this.element.offsetHeight : 0;
    container.style.setProperty('--locshare-calls', `${height}px`);
    container.style.setProperty('--locshare-height', `${container.clientHeight - height}px`);
  }
}

/** Return a call's head with the name by itself: it may run from right to left. */
function headParts({ member }) {
  if (!member) return [t('call.somebody')];
  const [before, after] = t('call.who', { name: '\n' }).split('\n');
  return [before, make('bdi', { text: member }), after];
}

const headOf = ({ member }) => (member ? t('call.who', { name: member }) : t('call.somebody'));
