// The rows of the list of members: only those in view are elements, however many members there are.

import { button, icon, ICONS, isCalm, make, setText } from './dom.js';
import * as format from './format.js';
import { noteAbout } from './happenings.js';
import { t } from './language.js';

const HEIGHT = 40; // px of a row, as in the style sheet
const AROUND = 4; // rows beyond the edges
const SAME = 5000; // ms by which position and sign of life may differ before both are told
const STATES = ['is-absent', 'is-fresh', 'is-stale', 'is-lost'];

/**
 * A grid for the keyboard: one stop of the tab key, arrows go from row to row and from control to control.
 * A row keeps its element while it is in view or has the focus, wherever it is sorted to.
 */
export class MemberGrid {
  /** refresh: called when rows are wanted of which nothing is known. */
  constructor(map, session, refresh) {
    this.map = map;
    this.session = session;
    this.refresh = refresh;
    this.ids = new Uint32Array(0);
    this.rows = new Map(); // by id, those that are elements
    this.active = null; // id of the row that the tab key comes to
    this.column = 1;
    this.inner = make('div', { className: 'locshare-rows', attributes: { role: 'presentation' } });
    this.element = make('div', {
      className: 'locshare-members-body', label: t('members.title'), attributes: { role: 'grid', 'aria-colcount': '3' },
      on: { scroll: () => this.#scroll(), keydown: event => this.#key(event), focusin: event => this.#focus(event) },
    }, this.inner);
    this.resize = new ResizeObserver(() => this.#scroll());
    this.resize.observe(this.element);
  }

  #request = null;

  close() {
    this.resize.disconnect();
    cancelAnimationFrame(this.#request);
  }

  /** Return [from, to) of the rows that are in view, and some around them. */
  span() {
    const first = Math.floor(this.element.scrollTop / HEIGHT);
    const count = Math.ceil((this.element.clientHeight || 12 * HEIGHT) / HEIGHT);
    return [Math.max(0, first - AROUND), first + count + AROUND];
  }

  /** List `ids`; `known`: what is known of the members of the span. */
  show(ids, known) {
    this.ids = ids;
    this.element.setAttribute('aria-rowcount', String(ids.length));
    this.element.hidden = ids.length === 0;
    this.inner.style.height = `${ids.length * HEIGHT}px`;
    this.#place();
    for (const member of known) this.rows.get(member.id)?.update(member);
  }

  #scroll() {
    this.#request ??= requestAnimationFrame(() => {
      this.#request = null;
      this.#place();
      this.refresh();
    });
  }

  /** Have an element for each row of the span, in its place. */
  #place() {
    const [from, to] = this.span();
    const wanted = new Set(this.ids.subarray(from, to));
    const focused = this.inner.contains(document.activeElement) ? this.active : null;
    if (focused !== null && this.ids.includes(focused)) wanted.add(focused);
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    if (!this.rows.has(this.active) && !wanted.has(this.active)) this.active = this.ids[from] ?? null;
    for (const id of wanted) {
      const at = from + this.ids.subarray(from, to).indexOf(id);
      this.#row(id).move(at < from ? this.ids.indexOf(id) : at);
    }
    for (const [id, row] of this.rows) row.setStop(id === this.active ? this.column : null);
  }

  #row(id) {
    if (!this.rows.has(id)) {
      const row = new Row(id, this.map, this.session);
      this.rows.set(id, row);
      this.inner.append(row.element);
    }
    return this.rows.get(id);
  }

  #focus({ target }) {
    for (const [id, row] of this.rows) {
      const column = row.controls.indexOf(target);
      if (column < 0) continue;
      this.active = id;
      this.column = column;
    }
    for (const [id, row] of this.rows) row.setStop(id === this.active ? this.column : null);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.ids.length) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / HEIGHT) - 1);
    const down = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (down === undefined && across === undefined) return;
    event.preventDefault();
    const at = Math.max(0, this.ids.indexOf(this.active));
    const row = Math.max(0, Math.min(this.ids.length - 1, at + (down ?? 0)));
    this.column = Math.max(0, Math.min(2, this.column + (across ?? 0)));
    this.active = this.ids[row];
    const { element } = this;
    if (row * HEIGHT < element.scrollTop) element.scrollTop = row * HEIGHT;
    else if ((row + 1) * HEIGHT > element.scrollTop + element.clientHeight) element.scrollTop = (row + 1) * HEIGHT - element.clientHeight;
    this.#place();
    this.#row(this.active).controls[this.column].focus({ preventScroll: true });
  }
}

class Row {
  constructor(id, map, session) {
    this.id = id;
    this.session = session;
    this.name = make('span', { className: 'locshare-name' });
    this.noted = make('span', { className: 'locshare-noted', attributes: { role: 'img' } }, icon(ICONS.note));
    this.age = make('span', { className: 'locshare-age' });
    this.more = make('span', { className: 'locshare-more' });
    this.show = make('input', {
      className: 'locshare-show', attributes: { type: 'checkbox', tabindex: '-1' },
      on: { change: () => session.setHidden([id], !this.show.checked) },
    });
    this.centre = button({ className: 'locshare-centre', attributes: { tabindex: '-1' }, on: { click: () => this.#centre(map) } },
      make('span', { className: 'locshare-first' }, this.name, this.noted, this.age), this.more);
    this.follow = button(
      { className: 'locshare-follow', attributes: { tabindex: '-1' }, on: { click: () => session.follow(id) } }, icon(ICONS.target),
    );
    this.controls = [this.show, this.centre, this.follow];
    const cells = this.controls.map((control, column) =>
      make('div', { className: 'locshare-cell', attributes: { role: 'gridcell', 'aria-colindex': column + 1 } }, control));
    this.element = make('div', { className: 'locshare-row', attributes: { role: 'row' } }, ...cells);
    this.update({ state: 0 });
  }

  /** Put it at a place of the list. */
  move(place) {
    this.element.style.transform = `translateY(${place * HEIGHT}px)`;
    this.element.setAttribute('aria-rowindex', String(place + 1));
  }

  /** Let the tab key come to one of its controls, or (null) to none. */
  setStop(column) {
    this.controls.forEach((control, k) => control.setAttribute('tabindex', k === column ? '0' : '-1'));
  }

  update(member) {
    const { session, id } = this;
    const name = session.names[id] ?? '';
    const isHidden = session.hidden.has(id);
    this.element.style.setProperty('--locshare-color', session.colors.of(id));
    this.element.className = `locshare-row ${STATES[member.state]}${isHidden ? ' is-hidden' : ''}`;
    this.show.checked = !isHidden;
    setText(this.name, name);
    setText(this.age, isHidden ? t('members.hidden') : member.state === 0 ? t('members.notYet') : format.age(member.age));
    setText(this.more, member.state === 0 ? '' : detailsOf(member).join(' · '));
    label(this.show, t('members.show', { name }));
    const at = session.clock.moment(performance.now());
    const note = at === null ? null : noteAbout(session, name, session.clock.state === 'live' ? Infinity : at);
    this.noted.hidden = note === null;
    this.noted.classList.toggle('is-urgent', note?.kind === 'sos');
    if (note !== null) label(this.noted, `${t(`event.${note.kind}`)}: ${note.text ?? ''}`);
    const centre = t('members.centre', { name }); // what it says is its name
    if (this.centre.title !== centre) this.centre.title = centre;
    label(this.follow, t('members.follow', { name }));
    this.follow.setAttribute('aria-pressed', String(session.followed === id));
  }

  #centre(map) {
    const place = this.session.placeOf(this.id);
    if (place) map.panTo([place.lat, place.lon], { animate: !isCalm() });
  }
}

function detailsOf(member) {
  const isNews = Number.isFinite(member.heard) && Math.abs(member.heard - member.age) > SAME; // else it is said already
  const heard = isNews ? t('members.heard', { age: format.age(member.heard) }) : null;
  const word = { 2: t('members.state.stale'), 3: t('members.state.lost') }[member.state] ?? null; // colours are not seen by all
  return [word, heard, format.speed(member.speed), format.battery(member.battery), format.accuracy(member.accuracy)]
    .filter(part => part !== null);
}

function label(element, text) {
  if (element.getAttribute('aria-label') === text) return;
  element.setAttribute('aria-label', text);
  element.title = text;
}
