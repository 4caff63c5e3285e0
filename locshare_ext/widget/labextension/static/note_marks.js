// Notes on the map: a mark where a note says it is, or where the member that it is about was at its moment.

import { button, icon, ICONS, make, setText } from './dom.js';
import { moment } from './format.js';
import { isUnseen, notesOf } from './happenings.js';
import { t } from './language.js';
import { latOf, lonOf } from './projection.js';
import { rowsOf, saying } from './timeline_ticks.js';

const MOST = 200; // notes, the newest
const AGAIN = 2000; // ms until places are looked for again: a fix from before a note may come late
const NEAR = 20; // px, within which marks are one

export function createNoteMarks(context) {
  const marks = new NoteMarks(context);
  return () => marks.close();
}

class NoteMarks {
  constructor({ map, session, isolate }) {
    this.map = map;
    this.session = session;
    this.places = []; // [{note, lat, lon}], in order of time
    this.box = make('div', { className: 'locshare-note-marks', attributes: { role: 'group' }, label: t('note.title') });
    this.tip = make('div', { className: 'locshare-note-tip', attributes: { 'aria-hidden': 'true' } }); // names say the same
    this.tip.hidden = true;
    isolate(this.box);
    map.getContainer().append(this.box, this.tip);
    this.undo = [
      session.on('told:events', () => this.#find()), session.on('bounds', () => this.#soon()), session.on('settings', () => this.#find()),
      ...['frame', 'clock', 'notes', 'calls'].map(what => session.on(what, () => this.#draw())),
    ];
    map.on('move zoomend moveend resize viewreset', this.#place).on('zoomstart', this.#leave);
    this.#find();
  }

  #isAsking = false;
  #again = null;
  #drawn = '';
  #place = () => this.#draw(true);
  #leave = () => { this.box.hidden = this.tip.hidden = true; this.#drawn = ''; };

  close() {
    this.undo.forEach(step => step());
    clearTimeout(this.#again);
    this.map.off('move zoomend moveend resize viewreset', this.#place).off('zoomstart', this.#leave);
    this.box.remove();
    this.tip.remove();
  }

  #soon() {
    if (notesOf(this.session).some(isPlaced)) this.#again ??= setTimeout(() => { this.#again = null; this.#find(); }, AGAIN);
  }

  /** Ask where the members were when something was noted of them. */
  async #find() {
    const { session } = this;
    if (this.#isAsking) return this.#soon();
    const notes = notesOf(session).filter(isPlaced).slice(-MOST);
    const wanted = notes.map(note => [session.idsOf([note.member])[0] ?? -1, note.at]);
    this.#isAsking = true;
    const found = notes.length ? await session.ask('where', { wanted }) : [];
    this.#isAsking = false;
    this.places = notes.flatMap((note, k) => {
      const place = note.place ?? (found?.[k] && [latOf(found[k][1]), lonOf(found[k][0])]);
      return place ? [{ note, lat: place[0], lon: place[1] }] : [];
    });
    this.#drawn = '';
    this.#draw();
  }

  /** Have a mark for each note up to the moment that is shown; isElsewhere: the map has moved. */
  #draw(isElsewhere = false) {
    const { session, map } = this;
    const at = session.clock.moment(performance.now());
    const isLive = session.clock.state === 'live';
    const hidden = new Set(session.model.get('hidden') ?? []);
    const isChosen = note => session.showsNotes !== false && !hidden.has(note.member);
    const shown = at === null ? [] // a call for help is seen whatever was chosen, until somebody has seen it
      : this.places.filter(({ note }) => (isLive || note.at <= at) && (isChosen(note) || isUnseen(session, note)));
    const key = shown.map(({ note }) => `${note.id} ${note.at}`).join();
    if (key === this.#drawn && !isElsewhere) return;
    this.#drawn = key;
    this.box.hidden = shown.length === 0 || Boolean(map._animatingZoom);
    if (this.box.hidden) { this.tip.hidden = true; return; }
    const groups = groupsOf(shown, map);
    const focused = [...this.box.children].indexOf(document.activeElement);
    while (this.box.children.length > groups.length) this.box.lastChild.remove();
    groups.forEach((group, k) => this.#mark(this.box.children[k], group));
    if (focused >= 0 && !this.box.contains(document.activeElement)) this.box.children[Math.min(focused, groups.length - 1)]?.focus({ preventScroll: true });
  }

  #mark(element, { notes, x, y }) {
    const mark = element ?? this.box.appendChild(this.#newMark());
    mark.notes = notes;
    mark.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    mark.classList.toggle('is-urgent', notes.some(note => note.kind === 'sos'));
    setText(mark.lastChild, notes.length > 1 ? String(notes.length) : '');
    const words = `${moment(notes[0].at)}: ${notes.map(saying).join('; ')}`;
    if (mark.getAttribute('aria-label') !== words) mark.setAttribute('aria-label', words);
  }

  #newMark() {
    const { session } = this;
    const mark = button({ className: 'locshare-note-mark', on: {
      click: () => session.steer((clock, now) => { clock.pause(now); clock.seek(mark.notes[0].at, now); }),
      pointerenter: () => this.#tell(mark), pointerleave: () => { this.tip.hidden = true; },
      focus: () => this.#tell(mark), blur: () => { this.tip.hidden = true; },
      keydown: event => { if (event.key === 'Escape') this.tip.hidden = true; },
    } }, icon(ICONS.note), make('span'));
    return mark;
  }

  #tell(mark) {
    const { tip, map } = this;
    tip.replaceChildren(...rowsOf(mark.notes));
    tip.hidden = false;
    const own = map.getContainer().getBoundingClientRect();
    const box = mark.getBoundingClientRect();
    const size = map.getSize();
    const left = Math.max(4, Math.min(size.x - tip.offsetWidth - 4, box.left - own.left + box.width / 2 - tip.offsetWidth / 2));
    const above = box.top - own.top - tip.offsetHeight - 6;
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(above > 4 ? above : box.bottom - own.top + 6)}px)`;
  }
}

const isPlaced = note => note.place !== null || Boolean(note.member);

/** Return [{notes, x, y}] of the places that are in view, in px of the map; near ones together. */
function groupsOf(places, map) {
  const size = map.getSize();
  const groups = [];
  for (const { note, lat, lon } of places) {
    const { x, y } = map.latLngToContainerPoint([lat, lon]);
    if (x < 0 || y < 0 || x > size.x || y > size.y) continue;
    const near = groups.find(group => Math.hypot(group.x - x, group.y - y) < NEAR);
    if (near) near.notes.push(note); else groups.push({ notes: [note], x, y });
  }
  return groups;
}
