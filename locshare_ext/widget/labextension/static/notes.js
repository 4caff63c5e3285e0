// Notes on the group's timeline: a tool to write one at the moment that is shown, and all that there are.

import { button, icon, ICONS, make, select, setText } from './dom.js';
import { ask } from './errands.js';
import { clockSeconds, day, moment, since } from './format.js';
import { notesOf } from './happenings.js';
import { locale, t } from './language.js';
import { Popover } from './popover.js';
import { saying } from './timeline_ticks.js';

const LONGEST = 2000; // characters, as the server takes them
const MOST = 200; // notes of the list, the newest
const MOST_NAMES = 1000; // to choose whom a note is about

/** Return {element, close}: the tool. */
export function createNotes(context) {
  const { session } = context;
  const opener = button({ className: 'locshare-note-tool', title: t('note.title'), label: t('note.title') }, icon(ICONS.note));
  const popover = new Popover(context, opener, t('note.title'), body => fill(body, session));
  const update = () => {
    opener.hidden = !session.told.keeping?.may_note && !notesOf(session).length;
  };
  const undo = ['told:keeping', 'told:events'].map(what => session.on(what, update));
  update();
  return { element: opener, close: () => { undo.forEach(step => step()); popover.remove(); } };
}

function fill(body, session) {
  const said = make('p', { className: 'locshare-pop-said', attributes: { role: 'status' } });
  const list = make('ul', { className: 'locshare-notes' });
  const none = make('p', { text: t('note.none') });
  const form = formOf(session, said);
  const onMap = make('input', { attributes: { type: 'checkbox' }, on: { change: () => {
    session.showsNotes = onMap.checked;
    session.emit('notes');
  } } });
  onMap.checked = session.showsNotes !== false;
  const choice = make('label', { className: 'locshare-note-choice' }, onMap, make('span', { text: t('note.onMap') }));
  body.append(form.element, said, none, choice, list);
  const show = () => {
    const notes = notesOf(session).slice(-MOST).reverse();
    form.element.hidden = !session.told.keeping?.may_note;
    none.hidden = notes.length > 0;
    choice.hidden = !notes.some(note => note.member || note.place);
    list.replaceChildren(...notes.map(note => itemOf(note, session, said)));
  };
  const undo = [
    ...['told:events', 'told:keeping'].map(what => session.on(what, show)),
    ...['frame', 'clock'].map(what => session.on(what, form.update)),
  ];
  show();
  return () => undo.forEach(step => step());
}

/** Return the form for a new note; it is written at the moment that is shown, while live at the moment of writing. */
function formOf(session, said) {
  const text = make('textarea', { label: t('note.text'), attributes: { rows: 2, maxlength: LONGEST, placeholder: t('note.what') } });
  const about = aboutOf(session);
  const at = make('span', { className: 'locshare-note-at' });
  const save = button({ className: 'locshare-primary', text: t('note.save'), attributes: { type: 'submit' } });
  const shown = () => (session.clock.state === 'live' ? null : session.clock.moment(performance.now()));
  const update = () => {
    const when = shown();
    setText(at, t('note.at', { time: when === null ? t('note.now') : day(when) === day(session.wall()) ? clockSeconds(when) : moment(when) }));
  };
  const submit = async event => {
    event.preventDefault();
    if (text.value.trim() === '' || save.disabled) return;
    save.disabled = true;
    setText(said, '');
    const when = shown();
    const { why } = await ask(session, 'note', { text: text.value, member: about.value || null, at: when === null ? Math.round(session.wall()) : Math.round(when) },
      () => setText(said, t('dialog.waiting')));
    save.disabled = false;
    setText(said, why ? t('note.failed', { why }) : '');
    if (why === null) text.value = about.value = '';
  };
  text.addEventListener('keydown', event => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event); });
  const element = make('form', { className: 'locshare-note-form', on: { submit } }, text, about, make('div', { className: 'locshare-pop-row' }, at, save));
  update();
  return { element, update };
}

/** Return the choice of whom a note is about: who is followed, else the whole group. */
function aboutOf(session) {
  const names = session.names.filter(Boolean).slice(0, MOST_NAMES).sort(new Intl.Collator(locale(), { numeric: true }).compare);
  const choices = [['', t('note.all')], ...names.map(name => [name, name])];
  const about = select({ className: 'locshare-note-about', title: t('note.about'), label: t('note.about') }, choices, '');
  const followed = session.followed === null ? '' : session.names[session.followed];
  if (names.includes(followed)) about.value = followed;
  return about;
}

function itemOf(note, session, said) {
  const time = since(note.at, session.wall());
  const text = note.text ?? '';
  const go = button({
    className: 'locshare-note-go', title: t('note.go'),
    on: { click: () => session.steer((clock, now) => { clock.pause(now); clock.seek(note.at, now); }) },
  }, make('span', { className: 'locshare-note-time', text: time }),
  make('span', { className: 'locshare-note-text', text: note.kind === 'note' ? [note.member, text].filter(Boolean).join(': ') : saying(note) }));
  const remove = button({ className: 'locshare-note-remove', title: t('note.remove'), label: t('note.remove'), on: { click: async () => {
    remove.disabled = true;
    const { why } = await ask(session, 'remove_note', { id: note.id }, () => setText(said, t('dialog.waiting')));
    remove.disabled = false;
    setText(said, why ? t('note.removeFailed', { why }) : '');
  } } }, icon(ICONS.close));
  remove.hidden = !session.told.keeping?.may_note || !note.id || note.kind !== 'note';
  return make('li', {}, go, remove);
}
