// The recording light: whether and since when the group is recorded, and a way to start and stop.

import { button, icon, ICONS, make, setText } from './dom.js';
import { ask } from './errands.js';
import { moment, since } from './format.js';
import { t } from './language.js';
import { Popover } from './popover.js';

/** Return {element, close}: the tool. */
export function createRecorder(context) {
  const { session } = context;
  const opener = button({ className: 'locshare-light' }, icon(ICONS.record));
  const popover = new Popover(context, opener, t('record.title'), body => fill(body, session));
  const update = () => {
    const { state, words } = lightOf(session);
    opener.hidden = state === 'none';
    opener.dataset.light = state;
    if (opener.title !== words) {
      opener.title = words;
      opener.setAttribute('aria-label', words);
    }
  };
  const undo = ['told:keeping', 'status'].map(what => session.on(what, update));
  update();
  return { element: opener, close: () => { undo.forEach(step => step()); popover.remove(); } };
}

/** Return {state, words}: `never` (nothing of the group is kept), `failing` (since when nothing is kept), `on`, `off`, or `none` for who may not record. */
export function lightOf(session) {
  const { status, told } = session;
  const { recordings = [], may_record: mayRecord = false, is_ephemeral: isEphemeral = false } = told.keeping ?? {};
  if (isEphemeral) return { state: 'never', words: t('record.ephemeral') };
  if (status?.unrecorded) return { state: 'failing', words: t('record.failing', { time: since(status.unrecorded, session.wall()) }) };
  if (recordings.length) {
    const words = recordings.map(({ name, since: began }) => t('record.running', { name, time: since(began, session.wall()) }));
    return { state: 'on', words: words.join('; ') };
  }
  return { state: mayRecord ? 'off' : 'none', words: t('record.start') };
}

function fill(body, session) {
  const said = make('p', { className: 'locshare-pop-said', attributes: { role: 'status' } });
  const list = make('ul', { className: 'locshare-recordings' });
  const failing = make('p', { className: 'locshare-failing' });
  body.append(failing, list, ...(session.told.keeping?.may_record ? [formOf(session, said)] : []), said);
  const show = () => {
    const light = lightOf(session);
    failing.hidden = light.state !== 'failing' && light.state !== 'never';
    failing.classList.toggle('is-calm', light.state === 'never');
    setText(failing, failing.hidden ? '' : light.words);
    const running = session.told.keeping?.recordings ?? [];
    list.replaceChildren(...running.map(one => itemOf(one, session, said)), ...(running.length || light.state === 'never' ? [] : [make('li', { text: t('record.idle') })]));
  };
  const undo = ['told:keeping', 'status'].map(what => session.on(what, show));
  show();
  return () => undo.forEach(step => step());
}

function itemOf(one, session, said) {
  const stop = button({ text: t('record.stopShort'), label: t('record.stop', { name: one.name }), on: { click: async () => {
    stop.disabled = true;
    const { why } = await ask(session, 'stop', { id: one.id }, () => setText(said, t('dialog.waiting')));
    stop.disabled = false;
    setText(said, why ? t('record.stopFailed', { why }) : '');
  } } });
  stop.hidden = !session.told.keeping?.may_record;
  return make('li', {}, make('span', { className: 'locshare-light-on', attributes: { 'aria-hidden': 'true' } }),
    make('span', { className: 'locshare-record-name', text: t('record.running', { name: one.name, time: since(one.since, session.wall()) }) }), stop);
}

function formOf(session, said) {
  const name = make('input', {
    label: t('record.name'),
    attributes: { type: 'text', maxlength: 100, autocomplete: 'off', placeholder: t('record.default', { time: moment(session.wall()) }) },
  });
  const start = button({ className: 'locshare-primary', text: t('record.startShort'), attributes: { type: 'submit' } });
  const submit = async event => {
    event.preventDefault();
    if (start.disabled) return;
    start.disabled = true;
    const called = name.value.trim() || name.placeholder;
    const { why } = await ask(session, 'record', { called }, () => setText(said, t('dialog.waiting')));
    start.disabled = false;
    setText(said, why ? t('record.failed', { why }) : '');
    if (why === null) name.value = '';
  };
  return make('form', { className: 'locshare-pop-row', on: { submit } }, name, start);
}
