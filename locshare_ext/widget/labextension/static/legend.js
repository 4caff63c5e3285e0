// What the colours of values mean.

import { make, setText } from './dom.js';
import { UNKNOWN, ramp } from './ramp.js';

export const VALUES = {
  speed: { name: 'Speed', unit: 'km/h', factor: 3.6 },
  accuracy: { name: 'Accuracy', unit: 'm', factor: 1 },
  age: { name: 'Age of position', unit: 's', factor: 1 },
  altitude: { name: 'Altitude', unit: 'm', factor: 1 },
  battery: { name: 'Battery', unit: '%', factor: 100 },
};

export function createLegend({ L, map, session, isolate }) {
  const title = make('div', { className: 'locshare-legend-title' });
  const bar = make('div', { className: 'locshare-legend-bar', attributes: { 'aria-hidden': 'true' } });
  const [low, high] = [make('span'), make('span')];
  const dot = make('span', { className: 'locshare-dot' });
  dot.style.background = UNKNOWN;
  const unknown = make('div', { className: 'locshare-legend-unknown' }, dot, make('span', { text: 'unknown' }));
  const box = make('div', { className: 'locshare-panel locshare-legend', attributes: { role: 'group' }, label: 'Legend' },
    title, bar, make('div', { className: 'locshare-legend-ends' }, low, high), unknown);
  isolate(box);
  const control = new (L.Control.extend({ options: { position: 'bottomleft' }, onAdd: () => box }))();
  let isOn = false;
  const update = () => {
    const value = VALUES[session.model.get('color_by')];
    const { range } = session;
    const isWanted = value !== undefined && range !== null;
    if (isWanted !== isOn) {
      isOn = isWanted;
      if (isOn) map.addControl(control); else map.removeControl(control);
    }
    if (!isOn) return;
    setText(title, `${value.name} (${value.unit})`);
    setText(low, figure(range[0] * value.factor));
    setText(high, figure(range[1] * value.factor));
    bar.style.background = `linear-gradient(to right, ${ramp(session.colors.isDark ? 'dark' : 'light').slice(0, -1).join(', ')})`;
  };
  const undo = ['range', 'settings', 'choice'].map(what => session.on(what, update));
  update();
  return () => {
    undo.forEach(step => step());
    if (isOn) map.removeControl(control);
  };
}

const figure = value => String(Number(value.toPrecision(3)));
