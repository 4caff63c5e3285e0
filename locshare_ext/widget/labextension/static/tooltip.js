// What is known of the member under the pointer.

import { icon, ICONS, make } from './dom.js';
import { barOf } from './fit.js';
import * as format from './format.js';
import { noteAbout } from './happenings.js';
import { t } from './language.js';
import { VALUES, valueOf } from './values.js';

const REFRESH = 500; // ms while the pointer rests

export function createTooltip({ L, map, overlay, session }) {
  const container = map.getContainer();
  const tip = make('div', { className: 'locshare-tip', attributes: { role: 'tooltip' } });
  tip.hidden = true;
  container.append(tip);
  let pointer = null;
  let isAsking = false;
  let shownAt = 0;

  const look = async () => {
    if (!pointer || !overlay.shown || isAsking) return;
    isAsking = true;
    const { z, dpr, ox, oy } = overlay.shown;
    const at = map.project(pointer, z).multiplyBy(dpr);
    const found = await session.ask('hit', { view: overlay.id, x: at.x - ox, y: at.y - oy });
    isAsking = false;
    shownAt = performance.now();
    if (!pointer) return;
    container.classList.toggle('locshare-over', found !== null);
    if (found === null) { tip.hidden = true; return; }
    tip.replaceChildren(...lines(found, session));
    tip.hidden = false;
    place(tip, map, L.point(found.x + ox, found.y + oy).divideBy(dpr), z);
  };
  const click = async event => {
    move(event);
    const { z, dpr, ox, oy } = overlay.shown ?? {};
    if (z === undefined) return;
    const at = map.project(event.latlng, z).multiplyBy(dpr);
    const found = await session.ask('hit', { view: overlay.id, x: at.x - ox, y: at.y - oy });
    if (found !== null) session.tellClick(found.id);
  };
  const move = event => {
    if (map.dragging?.moving()) return; // it would lie over what is looked for
    pointer = event.latlng;
    look();
  };
  const leave = () => {
    pointer = null;
    tip.hidden = true;
    container.classList.remove('locshare-over');
  };
  const unlisten = session.on('frame', () => { if (!tip.hidden && performance.now() - shownAt > REFRESH) look(); });
  map.on('mousemove', move).on('click', click).on('mouseout movestart zoomstart', leave);
  return () => {
    unlisten();
    map.off('mousemove', move).off('click', click).off('mouseout movestart zoomstart', leave);
    tip.remove();
  };
}

function place(tip, map, projected, zoom) {
  const head = map.latLngToContainerPoint(map.unproject(projected, zoom));
  const size = map.getSize();
  const bottom = size.y - barOf(map) - tip.offsetHeight - 6;
  const top = Math.max(6, Math.min(bottom, head.y - tip.offsetHeight / 2));
  const left = head.x + 18 + tip.offsetWidth > rightEdge(map, top, size) ? head.x - 18 - tip.offsetWidth : head.x + 18;
  tip.style.transform = `translate(${Math.max(4, Math.round(left))}px, ${Math.round(top)}px)`;
}

/** Return how far right there is room at a height: to the list of members where that is. */
function rightEdge(map, top, size) {
  const box = map.getContainer().querySelector('.locshare-members')?.getBoundingClientRect();
  const own = map.getContainer().getBoundingClientRect();
  return box && size.x > 700 && top < box.bottom - own.top ? box.left - own.left : size.x;
}

const TOLD = new Set([...Object.keys(VALUES), 'heading']);

/** Return the line of a column that the layer was given. */
function more(what, value, session) {
  const { title, unit, write } = valueOf(what, session);
  return [title, unit ? `${write(value)} ${unit}` : write(value)];
}

function lines(found, session) {
  const name = make('div', { className: 'locshare-tip-name' });
  const swatch = make('span', { className: 'locshare-dot' });
  swatch.style.background = session.colors.of(found.id);
  const label = session.looks.labels.get(found.id);
  const called = session.names[found.id] ?? '';
  name.append(swatch, make('span', { text: label ? `${label} (${called})` : called }));
  const rows = [
    [t('value.position'), t('value.old', { age: format.age(found.age) })],
    [t('value.heard'), Number.isFinite(found.heard) ? t('value.ago', { age: format.age(found.heard) }) : null],
    [t('value.speed'), format.speed(found.speed)],
    [t('value.heading'), format.heading(found.heading)],
    [t('value.battery'), format.battery(found.battery)],
    [t('value.accuracy'), format.accuracy(found.accuracy)],
    [t('value.altitude'), format.altitude(found.altitude)],
    ...found.numbers.filter(([what, value]) => !TOLD.has(what) && Number.isFinite(value)).map(line => more(...line, session)),
  ].filter(([, value]) => value !== null);
  const isLive = session.clock.state === 'live';
  const note = noteAbout(session, called, isLive ? Infinity : session.clock.moment(performance.now()));
  const noted = note ? [make('div', { className: 'locshare-tip-note' }, icon(ICONS.note), make('span', { text: note.text ?? '' }))] : [];
  return [name, ...rows.map(([what, value]) =>
    make('div', { className: 'locshare-tip-row' }, make('span', { text: what }), make('span', { text: value }))), ...noted];
}
