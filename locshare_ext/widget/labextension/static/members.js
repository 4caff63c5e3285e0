// The list of members: who is where, how fresh that is, and what to do with them.

import { button, icon, ICONS, make, setText } from './dom.js';
import * as format from './format.js';
import { locale, t } from './language.js';

const REFRESH = 1000; // ms
const MOST = 300; // rows; beyond that a list helps nobody
const NARROW = 640; // px of map below which the list starts closed
const STATES = ['is-absent', 'is-fresh', 'is-stale', 'is-lost'];

export function createMembers({ L, map, session, isolate }) {
  const list = new MemberList(map, session);
  const control = new (L.Control.extend({ options: { position: 'topright' }, onAdd: () => list.element }))();
  isolate(list.element);
  map.addControl(control);
  return () => {
    list.close();
    map.removeControl(control);
  };
}

class MemberList {
  constructor(map, session) {
    this.map = map;
    this.session = session;
    this.rows = new Map();
    this.title = make('span', { text: t('members.title') });
    this.head = button({
      className: 'locshare-members-head', label: t('members.title'), on: { click: () => this.open(!this.isOpen) },
    }, icon(ICONS.members), this.title, make('span', { className: 'locshare-caret', attributes: { 'aria-hidden': 'true' } }));
    this.body = make('ul', { className: 'locshare-members-body', label: t('members.title') });
    this.more = make('div', { className: 'locshare-members-more' });
    this.element = make('div', { className: 'locshare-panel locshare-members' }, this.head, this.body, this.more);
    this.open(map.getSize().x >= NARROW);
    this.timer = setInterval(() => this.refresh(), REFRESH);
    this.undo = [
      session.on('bounds', () => this.#soon()), session.on('choice', () => this.#soon()),
      session.on('clock', () => this.#soon()),
      session.on('frame', () => { if (session.clock.state !== 'live') this.#soon(); }),
    ];
    this.refresh();
  }

  #pending = null;

  close() {
    clearInterval(this.timer);
    clearTimeout(this.#pending);
    this.undo.forEach(step => step());
  }

  open(isOpen) {
    this.isOpen = isOpen;
    this.element.classList.toggle('is-open', isOpen);
    this.head.setAttribute('aria-expanded', String(isOpen));
    this.head.title = t(isOpen ? 'members.close' : 'members.open');
    if (isOpen) this.refresh();
  }

  #soon() {
    this.#pending ??= setTimeout(() => { this.#pending = null; this.refresh(); }, 150);
  }

  async refresh() {
    const count = this.session.bounds.members;
    setText(this.title, t('members.count', { count }));
    this.head.setAttribute('aria-label', `${this.title.textContent}: ${this.head.title}`);
    if (!this.isOpen) return;
    const members = await this.session.ask('members');
    const { names } = this.session;
    members.sort((a, b) => collator.compare(names[a.id] ?? '', names[b.id] ?? ''));
    const kept = new Set();
    members.slice(0, MOST).forEach((member, place) => {
      const row = this.rows.get(member.id) ?? this.#add(member.id);
      kept.add(member.id);
      if (this.body.children[place] !== row.element) this.body.insertBefore(row.element, this.body.children[place] ?? null);
      row.update(member);
    });
    for (const [id, row] of this.rows) {
      if (!kept.has(id)) {
        row.element.remove();
        this.rows.delete(id);
      }
    }
    setText(this.more, members.length > MOST ? `+ ${members.length - MOST}` : '');
  }

  #add(id) {
    const row = new Row(id, this.map, this.session);
    this.rows.set(id, row);
    return row;
  }
}

const collator = new Intl.Collator(locale(), { numeric: true, sensitivity: 'base' });

class Row {
  constructor(id, map, session) {
    this.id = id;
    this.session = session;
    this.show = make('input', {
      className: 'locshare-show', attributes: { type: 'checkbox' },
      on: { change: () => session.setHidden(id, !this.show.checked) },
    });
    this.name = make('span', { className: 'locshare-name' });
    this.age = make('span', { className: 'locshare-age' });
    this.more = make('span', { className: 'locshare-more' });
    this.centre = button({ className: 'locshare-centre', on: { click: () => this.#centre(map) } },
      make('span', { className: 'locshare-first' }, this.name, this.age), this.more);
    this.follow = button({ className: 'locshare-follow', on: { click: () => session.follow(id) } }, icon(ICONS.target));
    this.element = make('li', { className: 'locshare-row' }, this.show, this.centre, this.follow);
  }

  update(member) {
    const { session, id } = this;
    const name = session.names[id] ?? '';
    const isHidden = session.hidden.has(id);
    const isFollowed = session.followed === id;
    this.element.style.setProperty('--locshare-color', session.colors.of(id));
    this.element.className = `locshare-row ${STATES[member.state]}${isHidden ? ' is-hidden' : ''}`;
    this.show.checked = !isHidden;
    setText(this.name, name);
    setText(this.age, isHidden ? t('members.hidden') : member.state === 0 ? t('members.notYet') : format.age(member.age));
    const heard = Number.isFinite(member.heard) ? t('members.heard', { age: format.age(member.heard) }) : null;
    const parts = [heard, format.speed(member.speed), format.battery(member.battery), format.accuracy(member.accuracy)];
    setText(this.more, member.state === 0 ? '' : parts.filter(part => part !== null).join(' · '));
    label(this.show, t('members.show', { name }));
    label(this.centre, [t('members.centre', { name }), this.age.textContent, this.more.textContent].filter(Boolean).join(', '));
    label(this.follow, t('members.follow', { name }));
    this.follow.setAttribute('aria-pressed', String(isFollowed));
  }

  #centre(map) {
    const place = this.session.placeOf(this.id);
    if (place) map.panTo([place.lat, place.lon]);
  }
}

function label(element, text) {
  if (element.getAttribute('aria-label') === text) return;
  element.setAttribute('aria-label', text);
  element.title = text;
}
