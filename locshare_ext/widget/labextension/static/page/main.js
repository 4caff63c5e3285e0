// A recording as a file that stands by itself: its map, and what is said above it.

import { button, icon, make, select, setText } from '../dom.js';
import { moment, since } from '../format.js';
import { createGraticule } from '../graticule.js';
import { locale, speak, t } from '../language.js';
import { createOverlay } from '../overlay.js';
import { createPanels } from '../panels.js';
import { Session } from '../session.js';
import { createFences } from './fences.js';
import { FlatMap } from './flatmap.js';
import { letMove } from './gestures.js';
import { L } from './leaflet.js';
import { Recorded } from './recorded.js';

const HALF = 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2.200v13.600a6.800 6.800 0 0 1 0-13.600z';
const LANGUAGES = [['en', 'English'], ['ko', '한국어']];
const BAR_KEYS = new Set([' ', 'Home', 'End', 'n', 'N', '[', ']', 'PageUp', 'PageDown']);

const about = JSON.parse(document.getElementById('about').textContent);
const parts = document.querySelectorAll('script.fixes');
const model = new Recorded(about, place => {
  const text = parts[place].textContent;
  parts[place].remove(); // it is read once
  return text;
});
const Overlay = createOverlay(L);
const Graticule = createGraticule(L);
const Fences = createFences(L);
const session = new Session(model);
let view = null; // where the map was, when it is made anew
let isMoved = false; // by hand
let clear = () => {};

function setTheme(isDark) {
  document.body.dataset.jpThemeLight = String(!isDark);
}

const isDark = () => document.body.dataset.jpThemeLight === 'false';

/** Make all that is seen, in the language of now. */
function show() {
  clear();
  document.documentElement.lang = locale();
  const box = make('main', { className: 'locshare-page-map', label: t('page.map'), attributes: { tabindex: '0' } });
  const head = headOf();
  document.body.prepend(head, box);
  const map = new FlatMap(box);
  if (view) map.setView(view.center, view.zoom);
  letMove(map);
  map.addControl(zoomOf(map));
  map.addLayer(new Graticule());
  if (about.fences?.length) map.addLayer(new Fences(about.fences));
  const overlay = new Overlay(session, (shown, layer) => createPanels(L, shown, layer, session));
  map.addLayer(overlay);
  box.classList.toggle('is-of-one-clock', !about.has_received);
  box.addEventListener('keydown', passOn);
  for (const name of ['pointerdown', 'wheel', 'keydown']) box.addEventListener(name, () => { isMoved = true; });
  clear = () => {
    view = { center: map.getCenter(), zoom: map.getZoom() };
    overlay.remove();
    map.close();
    head.remove();
    box.remove();
  };
}

/** Give the timeline the keys that the map has no use for. */
function passOn(event) {
  if (event.target !== event.currentTarget || !BAR_KEYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.currentTarget.querySelector('.locshare-bar').dispatchEvent(new KeyboardEvent('keydown', { key: event.key, shiftKey: event.shiftKey }));
}

function zoomOf(map) {
  const way = (name, sign, by) => button({ text: sign, title: t(name), label: t(name), on: {
    click: () => map.fire('movestart').zoomAround(map.getSize().divideBy(2), by),
  } });
  const box = make('div', { className: 'leaflet-bar leaflet-control-zoom', attributes: { role: 'group' }, label: t('page.zoom') },
    way('page.zoomIn', '+', 1), way('page.zoomOut', '−', -1));
  L.DomEvent.disableClickPropagation(box);
  return { options: { position: 'topleft' }, onAdd: () => box };
}

/** Return what stands above the map: what the file is, and how far it is read. */
function headOf() {
  const facts = make('p', { className: 'locshare-page-facts' });
  const words = make('div', { className: 'locshare-page-words' }, make('h1', { text: about.title, title: about.title }), facts);
  if (about.description) words.append(make('p', { className: 'locshare-page-description', text: about.description, title: about.description }));
  const language = select({ label: t('page.language'), title: t('page.language'), on: { change: () => {
    speak([language.value]);
    show();
  } } }, LANGUAGES, locale().split('-')[0]);
  const theme = button({ title: t('page.theme'), label: t('page.theme'), on: { click: () => setTheme(!isDark()) } }, icon(HALF));
  const update = () => {
    setText(facts, model.read < about.fixes ? t('page.reading', { read: model.read, count: about.fixes }) : factsOf().join(' · '));
  };
  model.onRead = read => {
    update();
    if (read === about.fixes && !isMoved) session.ask('members').then(() => session.emit('fit', [])); // once the worker has them all
  };
  model.onBroken = () => setText(facts, t('page.broken'));
  update();
  return make('header', { className: 'locshare-page-head' }, words, make('div', { className: 'locshare-page-choices' }, language, theme));
}

function factsOf() {
  const facts = [t('members.count', { count: about.members.length }), t('page.fixes', { count: about.fixes })];
  if (about.fixes) facts.push(`${moment(about.oldest)} – ${since(about.newest, about.oldest)} ${zoneOf(about.newest)}`);
  if (about.pseudonymised) facts.push(t('page.pseudonyms'));
  if (about.precision) facts.push(t('page.precision', { metres: about.precision }));
  return facts;
}

/** Return the sign of the reader's zone, in which all times are told. */
function zoneOf(ms) {
  const parts = new Intl.DateTimeFormat(locale(), { timeZoneName: 'short' }).formatToParts(ms);
  return parts.find(part => part.type === 'timeZoneName').value;
}

const wish = matchMedia('(prefers-color-scheme: dark)');
setTheme(wish.matches);
wish.addEventListener('change', () => setTheme(wish.matches)); // as the system does at dusk
show();
