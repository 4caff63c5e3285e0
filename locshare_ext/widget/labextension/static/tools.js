// The row of tools: fit, names, tiles, connection, invites, recordings, notes, length and colours of the trails.

import { createConnection } from './connection.js';
import { button, icon, ICONS, make, select } from './dom.js';
import { fit } from './fit.js';
import { span } from './format.js';
import { t } from './language.js';
import { createInviter } from './inviter.js';
import { createNotes } from './notes.js';
import { createRecorder } from './recorder.js';
import { groundOf } from './theme.js';
import { VALUES } from './values.js';

const TRAILS = [0, 60, 300, 600, 1800, 3600, 21600, 86400, 604800]; // s

export function createTools(context) {
  const { L, map, session, isolate } = context;
  const { model } = session;
  const save = (name, value) => { model.set(name, value); model.save_changes(); };

  const fitButton = button({ title: t('tools.fit'), label: t('tools.fit'), on: { click: () => fit(context) } }, icon(ICONS.fit));
  const names = button({ title: t('tools.names'), label: t('tools.names'), on: { click: () => save('labels', !model.get('labels')) } }, icon(ICONS.labels));
  const tiles = button({ title: t('tools.tiles'), label: t('tools.tiles'), on: { click: () => groundOf(map)?.toggle() } }, icon(ICONS.tiles));
  const trail = select({
    title: t('tools.trailLength'), label: t('tools.trailLength'),
    on: { change: () => save('trail', Number(trail.value)) },
  }, TRAILS.map(seconds => [seconds, lengthOf(seconds)]), 600);
  const trailBox = make('label', { className: 'locshare-trail' }, make('span', { text: t('tools.trail') }), trail);
  const colors = select({
    title: t('tools.colorBy'), label: t('tools.colorBy'), on: { change: () => save('color_by', colors.value) },
  }, [['member', t('tools.byMember')], ...Object.keys(VALUES).map(value => [value, t(`value.${value}`)])], 'member');
  const colorBox = make('label', { className: 'locshare-trail' }, make('span', { text: t('tools.color') }), colors);
  const parts = [createConnection, createInviter, createRecorder, createNotes].map(create => create(context));
  const row = make('div', { className: 'locshare-panel locshare-tools', attributes: { role: 'group' }, label: t('tools.title') },
    fitButton, names, tiles, ...parts.map(part => part.element), trailBox, colorBox);

  const update = () => {
    const length = model.get('trail');
    if (!TRAILS.includes(length) && trail.lastChild.value !== String(length)) {
      trail.append(make('option', { text: lengthOf(length), attributes: { value: length } }));
    }
    trail.value = String(length);
    const colorBy = model.get('color_by');
    if (![...colors.options].some(option => option.value === colorBy)) {
      colors.append(make('option', { text: colorBy, attributes: { value: colorBy } }));
    }
    colors.value = colorBy;
    names.setAttribute('aria-pressed', String(model.get('labels')));
    const ground = groundOf(map);
    tiles.hidden = !ground;
    if (ground) {
      tiles.setAttribute('aria-pressed', String(ground.isOn));
      tiles.title = t(ground.isOn && ground.state === 'failed' ? 'tools.tilesFailed' : 'tools.tiles');
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
    parts.forEach(part => part.close());
    map.off('locshareground layeradd', update);
    map.removeControl(control);
  };
}

const lengthOf = seconds => (seconds > 0 ? span(seconds) : t('tools.off'));
