// Says in words what is wrong and what to do; while all is well, only what is worth knowing.

import { button, icon, ICONS, make, paragraphs } from './dom.js';
import { since } from './format.js';
import { t } from './language.js';
import { phonesWords, statusWords } from './saying.js';

const REFRESH = 2000; // ms

export function createStatus({ map, session, isolate }) {
  const text = make('div', { className: 'locshare-status-text' });
  const near = make('div', { className: 'locshare-status-near' });
  const box = make('div', { className: 'locshare-panel locshare-status', attributes: { role: 'status', 'aria-live': 'polite' } });
  const dismiss = button({ className: 'locshare-status-close', title: t('status.close'), label: t('status.close'), on: { click: () => {
    dismissed = box.dataset.message;
    update();
  } } }, icon(ICONS.close));
  box.append(make('div', { className: 'locshare-status-words' }, text, near), dismiss);
  isolate(box);
  map.getContainer().append(box);
  let dismissed = null;

  const update = () => {
    const message = messageOf(session);
    if (message === null) dismissed = null; // the same trouble, come again, is said again
    const key = message && `${message.kind} ${message.text}`;
    box.hidden = message === null || key === dismissed;
    if (box.hidden || box.dataset.message === key) return;
    box.dataset.message = key;
    box.dataset.kind = message.kind;
    text.replaceChildren(...paragraphs(message.text));
    near.replaceChildren(...nearNames(message.near, message.text));
  };
  const resize = new ResizeObserver(() => { // on a narrow map the list ends above it
    map.getContainer().style.setProperty('--locshare-said', `${box.offsetHeight}px`);
  });
  resize.observe(box);
  const timer = setInterval(update, REFRESH);
  const undo = ['status', 'kernel', 'bounds', 'told:keeping'].map(name => session.on(name, update));
  update();
  return () => {
    clearInterval(timer);
    resize.disconnect();
    undo.forEach(step => step());
    box.remove();
  };
}

/** Return {kind, text, near} of what people should know now, null when nothing. */
export function messageOf(session) {
  const asOf = since(session.feed.heard, Date.now());
  const seen = session.feed.heard ? t('status.asOf', { time: asOf }) : '';
  if (session.kernel === 'stopped') {
    const key = session.feed.heard ? 'status.kernelStoppedAsOf' : 'status.kernelStopped';
    return { kind: 'error', text: t(key, { time: asOf }) };
  }
  if (session.kernel === 'unreachable') {
    return { kind: 'error', text: [t('status.serverSilent'), seen, t('status.serverAgain')].join(' ') };
  }
  if (session.feed.silence) {
    return { kind: 'wait', text: t('status.kernelBusy', { time: asOf }) };
  }
  const { status } = session;
  const words = status ? statusWords(status, Date.now()) : '';
  if (status && status.state !== 'live' && words) {
    const kind = status.state === 'connecting' ? 'wait' : status.state === 'unknown_group' ? 'hint' : 'error';
    return { kind, text: words, near: status.near };
  }
  if (status?.unrecorded) return { kind: 'error', text: words }; // it outweighs that nothing came yet
  if (session.feed.isConnected && !session.bounds.fixes && session.feed.head === 0) {
    if (session.model.get('mode') !== 'live') return { kind: 'hint', text: t('status.noRecorded') };
    const phones = session.told.keeping?.phones;
    return { kind: 'hint', text: [t('status.noFixes'), phones?.page || phones?.apps ? '' : phonesWords(phones)].filter(Boolean).join('\n') };
  }
  return words ? { kind: 'hint', text: words } : null;
}

function nearNames(all, text) {
  const names = (all ?? []).filter(name => !text.includes(name)); // others are said already
  if (!names.length) return [];
  return [make('span', { text: `${t('status.near')} ` }), ...names.map(name => make('code', { text: name }))];
}
