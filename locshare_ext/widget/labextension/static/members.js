// The list of members: who is where, how fresh that is, and what to do with them.

import { button, icon, ICONS, make, select, setText } from './dom.js';
import { fit } from './fit.js';
import { t } from './language.js';
import { MemberGrid } from './members_grid.js';

const REFRESH = 1000; // ms
const SOON = 200; // ms, in which several reasons to look again are one
const FEW = 6; // members who need no search
const NARROW = 640; // px of map below which the list starts closed
const SORTS = ['name', 'age', 'speed', 'battery', 'accuracy'];

export function createMembers(context) {
  const { L, map, isolate } = context;
  const list = new MemberList(context);
  const control = new (L.Control.extend({ options: { position: 'topright' }, onAdd: () => list.element }))();
  isolate(list.element);
  map.addControl(control);
  return () => {
    list.close();
    map.removeControl(control);
  };
}

class MemberList {
  constructor(context) {
    const { map, session } = context;
    this.session = session;
    this.title = make('span', { text: t('members.title') });
    this.head = button({
      className: 'locshare-members-head', on: { click: () => this.open(!this.isOpen) },
    }, icon(ICONS.members), this.title, make('span', { className: 'locshare-caret', attributes: { 'aria-hidden': 'true' } }));
    this.grid = new MemberGrid(map, session, () => this.refresh());
    this.none = make('p', { className: 'locshare-members-none', attributes: { role: 'status' } });
    this.element = make('section', { className: 'locshare-panel locshare-members', label: t('members.title') },
      this.head, this.#tools(context), this.grid.element, this.none);
    this.open(map.getSize().x >= NARROW);
    this.timer = setInterval(() => this.refresh(), REFRESH);
    this.undo = [
      ...['bounds', 'choice', 'clock', 'told:events'].map(what => session.on(what, () => this.#soon())),
      session.on('frame', () => { if (session.clock.state !== 'live') this.#soon(); }),
    ];
    this.refresh();
  }

  #pending = null;
  #isAsking = false;
  #isBehind = false;

  close() {
    clearInterval(this.timer);
    clearTimeout(this.#pending);
    this.undo.forEach(step => step());
    this.grid.close();
  }

  open(isOpen) {
    this.isOpen = isOpen;
    this.element.classList.toggle('is-open', isOpen);
    this.head.setAttribute('aria-expanded', String(isOpen));
    this.head.title = t(isOpen ? 'members.close' : 'members.open');
    this.refresh();
  }

  #tools(context) {
    this.search = make('input', {
      className: 'locshare-members-search', label: t('members.search'), on: { input: () => this.#begin() },
      attributes: { type: 'search', placeholder: t('members.search'), spellcheck: 'false', autocomplete: 'off' },
    });
    this.sort = select({ title: t('members.sort'), label: t('members.sort'), on: { change: () => this.#begin() } },
      SORTS.map(sort => [sort, t(`members.sort.${sort}`)]), 'name');
    this.reverse = button({
      title: t('members.reverse'), label: t('members.reverse'), attributes: { 'aria-pressed': 'false' },
      on: { click: () => {
        this.reverse.setAttribute('aria-pressed', String(!this.isReversed));
        this.#begin();
      } },
    }, icon(ICONS.order));
    const tool = (name, shape, click) => button({ title: t(name), label: t(name), on: { click } }, icon(shape));
    const show = tool('members.showAll', ICONS.eye, () => this.session.setHidden(this.grid.ids, false));
    const hide = tool('members.hideAll', ICONS.hidden, () => this.session.setHidden(this.grid.ids, true));
    const see = tool('members.fitShown', ICONS.fit, () => fit(context, this.grid.ids));
    this.tools = make('div', { className: 'locshare-members-tools' },
      this.search, make('div', { className: 'locshare-members-row' }, this.sort, this.reverse, show, hide, see));
    return this.tools;
  }

  get isReversed() { return this.reverse.getAttribute('aria-pressed') === 'true'; }

  /** List others, or in another order: from the first. */
  #begin() {
    this.grid.element.scrollTop = 0;
    this.refresh();
  }

  #soon() {
    this.#pending ??= setTimeout(() => { this.#pending = null; this.refresh(); }, SOON);
  }

  /** Ask who is to be listed and show it; one question at a time, so that a slow answer delays no drawing. */
  async refresh() {
    const count = this.session.bounds.members;
    this.#count(count, count);
    if (!this.isOpen || document.hidden) return;
    if (this.#isAsking) { this.#isBehind = true; return; }
    this.#isAsking = true;
    this.tools.hidden = count < FEW && this.search.value === '';
    const [from, to] = this.grid.span();
    const { ids, rows } = await this.session.ask('roster', {
      search: this.search.value, sort: this.sort.value, isReversed: this.isReversed, from, to,
    });
    this.grid.show(ids, rows);
    this.#count(ids.length, count);
    setText(this.none, ids.length || !this.search.value ? '' : t('members.none'));
    this.#isAsking = false;
    if (this.#isBehind) {
      this.#isBehind = false;
      this.refresh();
    }
  }

  #count(found, count) {
    const isPart = this.isOpen && this.search.value.trim() !== '';
    setText(this.title, isPart ? t('members.found', { found, count }) : t('members.count', { count }));
    const said = `${this.title.textContent}: ${this.head.title}`;
    if (this.head.getAttribute('aria-label') !== said) this.head.setAttribute('aria-label', said);
  }
}
