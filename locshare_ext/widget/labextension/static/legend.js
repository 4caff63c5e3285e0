// What the colours of values mean.

import { make, setText } from './dom.js';
import { figure, unitSign } from './format.js';
import { t } from './language.js';
import { UNKNOWN, ramp } from './ramp.js';

export const VALUES = {
  speed: { unit: 'kilometer-per-hour', factor: 3.6 },
  accuracy: { unit: 'meter', factor: 1 },
  age: { unit: 'second', factor: 1 },
  altitude: { unit: 'meter', factor: 1 },
  battery: { unit: 'percent', factor: 100 },
};

export function createLegend({ L, map, session, isolate }) {
  const title = make('div', { className: 'locshare-legend-title' });
  const bar = make('div', { className: 'locshare-legend-bar', attributes: { 'aria-hidden': 'true' } });
  const [low, high] = [make('span'), make('span')];
  const dot = make('span', { className: 'locshare-dot' });
  dot.style.background = UNKNOWN;
  const unknown = make('div', { className: 'locshare-legend-unknown' }, dot, make('span', { text: t('legend.unknown') }));
  const box = make('div', { className: 'locshare-panel locshare-legend', attributes: { role: 'group' }, label: t('legend.title') },
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
    const name = t(`value.${session.model.get('color_by')}`);
    setText(title, `${name} (${unitSign(value.unit)})`);
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
