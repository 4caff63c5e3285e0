// What the colours of values mean.

import { make, setText } from './dom.js';
import { t } from './language.js';
import { UNKNOWN, categoryColors, ramp } from './ramp.js';
import { valueOf } from './values.js';

/** Return what a layer's legend says now, null without one: {title, ends, bar} or {title, rows, others}. */
export function legendOf(session) {
  const name = session.model.get('color_by');
  const ground = session.colors.isDark ? 'dark' : 'light';
  if (name === 'member' || !session.model.get('legend') || session.range === null) return null;
  const { title, unit, write } = valueOf(name, session);
  const head = unit ? `${title} (${unit})` : title;
  const texts = session.categories[name];
  if (!texts) return { title: head, ends: session.range.map(write), bar: ramp(ground).slice(0, -1) };
  const colors = categoryColors(ground);
  const own = colors.length - 2; // then one for all others, and that of unknown ones
  const rows = texts.slice(0, own).map((text, k) => [colors[k], text]);
  return { title: head, rows: texts.length > own ? [...rows, [colors[own], t('legend.others', { count: texts.length - own })]] : rows };
}

export function createLegend({ L, map, session, isolate }) {
  const title = make('div', { className: 'locshare-legend-title' });
  const bar = make('div', { className: 'locshare-legend-bar', attributes: { 'aria-hidden': 'true' } });
  const [low, high] = [make('span'), make('span')];
  const scale = make('div', {}, bar, make('div', { className: 'locshare-legend-ends' }, low, high));
  const rows = make('div', { className: 'locshare-legend-rows' });
  const box = make('div', { className: 'locshare-panel locshare-legend', attributes: { role: 'group' }, label: t('legend.title') },
    title, scale, rows, rowOf(UNKNOWN, t('legend.unknown'), 'locshare-legend-unknown'));
  isolate(box);
  const control = new (L.Control.extend({ options: { position: 'bottomleft' }, onAdd: () => box }))();
  let isOn = false;
  const update = () => {
    const legend = legendOf(session);
    if ((legend !== null) !== isOn) {
      isOn = legend !== null;
      if (isOn) map.addControl(control); else map.removeControl(control);
    }
    if (!isOn) return;
    setText(title, legend.title);
    scale.hidden = !legend.bar;
    rows.replaceChildren(...(legend.rows ?? []).map(([color, text]) => rowOf(color, text, 'locshare-legend-row')));
    if (!legend.bar) return;
    setText(low, legend.ends[0]);
    setText(high, legend.ends[1]);
    bar.style.background = `linear-gradient(to right, ${legend.bar.join(', ')})`;
  };
  const undo = ['range', 'settings', 'choice'].map(what => session.on(what, update));
  update();
  return () => {
    undo.forEach(step => step());
    if (isOn) map.removeControl(control);
  };
}

function rowOf(color, text, className) {
  const dot = make('span', { className: 'locshare-dot' });
  dot.style.background = color;
  return make('div', { className }, dot, make('span', { text }));
}
