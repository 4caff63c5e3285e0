// The row of tools: fit, length of the trails, names, tiles.

import { button, icon, ICONS, make, select } from './dom.js';
import { fit } from './fit.js';
import { groundOf } from './theme.js';
import { VALUES } from './legend.js';

const TRAILS = [
  [0, 'off'], [60, '1 min'], [300, '5 min'], [600, '10 min'], [1800, '30 min'],
  [3600, '1 h'], [21600, '6 h'], [86400, '24 h'], [604800, '7 d'],
];

export function createTools(context) {
  const { L, map, session, isolate } = context;
  const { model } = session;
  const save = (name, value) => { model.set(name, value); model.save_changes(); };

  const fitButton = button({ title: 'Show all members', label: 'Show all members', on: { click: () => fit(context) } }, icon(ICONS.fit));
  const names = button({ title: 'Names', label: 'Names beside members', on: { click: () => save('labels', !model.get('labels')) } }, icon(ICONS.labels));
  const tiles = button({ title: 'Map tiles', label: 'Map tiles', on: { click: () => groundOf(map)?.toggle() } }, icon(ICONS.tiles));
  const trail = select({
    title: 'Length of the trails', label: 'Length of the trails',
    on: { change: () => save('trail', Number(trail.value)) },
  }, TRAILS, 600);
  const trailBox = make('label', { className: 'locshare-trail' }, make('span', { text: 'Trail' }), trail);
  const colors = select({
    title: 'Colour by', label: 'Colour by', on: { change: () => save('color_by', colors.value) },
  }, [['member', 'member'], ...Object.entries(VALUES).map(([value, { name }]) => [value, name.toLowerCase()])], 'member');
  const colorBox = make('label', { className: 'locshare-trail' }, make('span', { text: 'Colour' }), colors);
  const row = make('div', { className: 'locshare-panel locshare-tools', attributes: { role: 'toolbar' }, label: 'Map tools' },
    fitButton, names, tiles, trailBox, colorBox);

  const update = () => {
    const length = model.get('trail');
    if (!TRAILS.some(([seconds]) => seconds === length) && trail.lastChild.value !== String(length)) {
      trail.append(make('option', { text: length < 120 ? `${length} s` : `${Math.round(length / 60)} min`, attributes: { value: length } }));
    }
    trail.value = String(length);
    colors.value = model.get('color_by');
    names.setAttribute('aria-pressed', String(model.get('labels')));
    const ground = groundOf(map);
    tiles.hidden = !ground;
    if (ground) {
      tiles.setAttribute('aria-pressed', String(ground.isOn));
      tiles.title = ground.isOn && ground.state === 'failed' ? 'Map tiles (cannot be loaded just now)' : 'Map tiles';
    }
  };
  isolate(row);
  const control = new (L.Control.extend({ options: { position: 'topleft' }, onAdd: () => row }))();
  map.addControl(control);
  const unlisten = session.on('settings', update);
  map.on('locshareground layeradd', update);
  update();
  return () => {
    unlisten();
    map.off('locshareground layeradd', update);
    map.removeControl(control);
  };
}
