// An invite as a card: a code to scan, the link, a way in for each phone app, and whether somebody has come.
// What is on it lets in whoever reads it: the kernel tells it to this page, and nothing of it is in the model.

import { button, make, select, setText } from './dom.js';
import { clockSeconds, since } from './format.js';
import { locale, t } from './language.js';
import { loadStyle } from './style.js';

const APPS = {
  owntracks: 'OwnTracks', traccar: 'Traccar Client', overland: 'Overland (iPhone)', gpslogger: 'GPSLogger (Android)', osmand: 'OsmAnd (Android)',
};
const NS = 'http://www.w3.org/2000/svg';
const PATIENCE = 8000; // ms for the kernel to tell what is on it

/** Show a model's card in an element; returns what ends it. */
export function showCard(model, element) {
  loadStyle();
  const card = make('section', { className: 'locshare-card' });
  const waiting = make('p', { text: t('card.loading') });
  card.lang = locale();
  card.append(waiting);
  element.append(card);
  let shown = null;
  const late = setTimeout(() => setText(waiting, t('card.gone')), PATIENCE);
  const heard = said => {
    if (said.op === 'card') {
      clearTimeout(late);
      shown = fill(card, said.card);
    } else if (said.op === 'status') shown?.(said.status);
  };
  model.on('msg:custom', heard);
  model.send({ op: 'show' });
  return () => {
    clearTimeout(late);
    model.off('msg:custom', heard);
    card.remove();
  };
}

/** Put what is on a card into its element; returns what shows a status. */
export function fill(card, { title, member, expires, ways, reason, todo }) {
  const head = make('div', { className: 'locshare-card-head' },
    make('h2', { text: member === null ? t('card.anyone') : member }),
    make('p', { text: t('card.to', { group: title, until: since(expires, Date.now()) }) }));
  const status = make('p', { className: 'locshare-card-status', attributes: { role: 'status' } });
  const body = ways.length > 0 ? wayIn(ways) : [];
  if (reason !== '') body.push(warning(reason, todo, ways.length === 0));
  card.replaceChildren(head, ...body, status);
  return said => showStatus(status, said);
}

/** Say what keeps phones away, or only some of them, and what the host can do. */
function warning(reason, todo, isAll) {
  const words = [make('p', { text: isAll ? t('card.noWay') : t('card.someWays') }), make('p', { text: `${reason}.` })];
  if (todo !== '') words.push(make('p', { text: t('card.todo', { todo }) }));
  return make('div', { className: 'locshare-card-warning', attributes: { role: isAll ? 'alert' : 'note' } }, ...words);
}

const called = app => APPS[app] ?? t('card.browser');

function wayIn(ways) {
  const code = make('div', { className: 'locshare-card-code' });
  const words = make('p', { className: 'locshare-card-how' });
  const link = make('input', { className: 'locshare-card-link', label: t('card.link'), attributes: { type: 'text', readonly: '', autocomplete: 'off', spellcheck: 'false' } });
  const copy = button({ className: 'locshare-card-copy', text: t('card.copy'), on: { click: () => copied(copy, link) } });
  const choose = select({ className: 'locshare-card-app', label: t('card.app') }, ways.map(({ app }) => [app, called(app)]), ways[0].app);
  const show = () => {
    const way = ways.find(({ app }) => app === choose.value);
    setText(words, t(`card.how.${way.app}`));
    link.value = way.link;
    code.hidden = way.code === null;
    code.replaceChildren(...(way.code === null ? [] : [picture(way.code, t('card.code', { app: called(way.app) }))]));
  };
  choose.addEventListener('change', show);
  link.addEventListener('focus', () => link.select());
  show();
  return [make('div', { className: 'locshare-card-way' }, code,
    make('div', { className: 'locshare-card-text' },
      make('label', {}, make('span', { text: t('card.app') }), choose), words,
      make('div', { className: 'locshare-card-copying' }, link, copy),
      make('p', { className: 'locshare-card-secret', text: t('card.secret') })))];
}

async function copied(copy, link) {
  try {
    await navigator.clipboard.writeText(link.value);
  } catch { // not allowed here, as where the page is no secure one
    link.select();
    document.execCommand('copy');
  }
  setText(copy, t('card.copied'));
}

function picture({ path, width }, label) {
  const svg = document.createElementNS(NS, 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${width}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  const dark = document.createElementNS(NS, 'path');
  dark.setAttribute('d', path);
  svg.append(dark);
  return svg;
}

function showStatus(element, { state, at, reason = '' }) {
  element.dataset.state = state;
  setText(element, t(`card.state.${state}`, { time: at === undefined ? '' : clockSeconds(at), reason }));
}
