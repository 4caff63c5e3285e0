// How what is seen gets here: live or not, by which transport and why, since when.

import { button, icon, ICONS, make, paragraphs } from './dom.js';
import { clockSeconds, since } from './format.js';
import { t } from './language.js';
import { Popover } from './popover.js';
import { phonesWords, statusWords } from './saying.js';

const REFRESH = 2000; // ms

/** Return {element, close}: the tool. */
export function createConnection(context) {
  const { session } = context;
  const opener = button({ className: 'locshare-link' }, icon(ICONS.link), make('span', { className: 'locshare-link-dot', attributes: { 'aria-hidden': 'true' } }));
  const popover = new Popover(context, opener, t('connection.title'), body => {
    const show = () => body.replaceChildren(...linesOf(session));
    const undo = ['status', 'kernel', 'told:keeping'].map(what => session.on(what, show));
    show();
    return () => undo.forEach(step => step());
  });
  const update = () => {
    const { kind, state } = connectionOf(session);
    const words = `${t('connection.title')}: ${t(`connection.${state}`)}`;
    opener.dataset.kind = kind;
    if (opener.title === words) return;
    opener.title = words;
    opener.setAttribute('aria-label', words);
  };
  const timer = setInterval(update, REFRESH); // silence is no event
  const undo = ['status', 'kernel'].map(what => session.on(what, update));
  update();
  return { element: opener, close: () => { clearInterval(timer); undo.forEach(step => step()); popover.remove(); } };
}

/** Return {state, kind}: a key of `connection.`, and whether that is `good`, `fair` or `bad`. */
export function connectionOf({ kernel, feed, status, model }) {
  if (kernel !== 'ok') return { state: kernel, kind: 'bad' };
  if (feed.silence) return { state: 'busy', kind: 'fair' };
  const mode = model.get('mode');
  if (mode === 'recording') return { state: mode, kind: 'good' };
  const state = status?.state ?? 'live';
  if (state === 'live') return { state: mode, kind: status?.note ? 'fair' : 'good' };
  return { state, kind: state === 'connecting' || state === 'unknown_group' ? 'fair' : 'bad' };
}

function linesOf(session) {
  const { state } = connectionOf(session);
  const { status, feed } = session;
  const isSource = status?.state === (state === 'replay' ? 'live' : state);
  const lines = [t(`connection.${state}`)];
  if (isSource && status.transport) lines.push(t('connection.over', { transport: status.transport }));
  if (isSource && status.since > 0) lines.push(t('connection.since', { time: since(status.since, session.wall()) }));
  if (!isSource && feed.heard) lines.push(t('connection.heard', { time: clockSeconds(feed.heard) }));
  const words = isSource ? statusWords(status, session.wall()) : '';
  const phones = phonesWords(session.told.keeping?.phones);
  const parts = paragraphs([...lines, words, phones].join('\n'));
  parts[0].classList.add('locshare-pop-first');
  return parts;
}
