// Moves the map so that members are in view.

import { latOf, lonOf, span } from './projection.js';

const SETTLE = 4000; // ms in which members may still appear before the map stays as it is

/** Move the map to all that is drawn, or for a recording to all of it; resolves false when there is nothing. */
export async function fit({ L, map, session }) {
  const box = await session.ask('extent', { all: session.model.get('mode') !== 'live' });
  if (!box || !map.getContainer().isConnected) return false;
  const [west, east] = span(box.xs);
  const bounds = L.latLngBounds([latOf(box.south), lonOf(west)], [latOf(box.north), lonOf(east)]);
  const size = map.getSize();
  const bar = parseFloat(getComputedStyle(map.getContainer()).getPropertyValue('--locshare-bar')) || 0;
  const list = map.getContainer().querySelector('.locshare-members.is-open')?.offsetWidth ?? 0;
  const right = size.x > 700 ? list + 40 : 40;
  map.fitBounds(bounds, {
    paddingTopLeft: [Math.min(70, size.x / 6), 40], paddingBottomRight: [right, bar + 40], maxZoom: 16, animate: false,
  });
  return true;
}

/** Fit once, to the first fixes, unless the person moves the map first. */
export function fitOnce(context) {
  const { map, session } = context;
  const { model } = session;
  if (!model.get('fit') || model.get('is_fitted')) return () => {};
  const container = map.getContainer();
  let timer = null;
  let members = 0;
  let isBusy = false;
  const stop = () => {
    unlisten();
    clearTimeout(timer);
    for (const name of ['pointerdown', 'wheel', 'keydown']) container.removeEventListener(name, finish);
  };
  const finish = () => {
    stop();
    model.set('is_fitted', true);
    model.save_changes();
  };
  const unlisten = session.on('frame', async () => {
    if (isBusy || session.bounds.members === members) return;
    isBusy = true;
    members = session.bounds.members;
    if (await fit(context)) timer ??= setTimeout(finish, SETTLE);
    isBusy = false;
  });
  for (const name of ['pointerdown', 'wheel', 'keydown']) container.addEventListener(name, finish);
  return stop;
}

