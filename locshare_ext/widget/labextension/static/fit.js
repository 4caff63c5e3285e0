// Moves the map so that members are in view.

import { FRESH, STALE } from './display.js';
import { latOf, lonOf, span } from './projection.js';

const SETTLE = 4000; // ms in which members may still appear before the map stays as it is
const LOOK = 2000; // ms between looks whether a member has left the view
const EDGE = 20; // px from the map's edge where a member counts as leaving; less than a fit leaves free
const HANDS = ['pointerdown', 'wheel', 'keydown']; // of a person on the map

const takenBy = (map, name) => parseFloat(getComputedStyle(map.getContainer()).getPropertyValue(name)) || 0;

/** Return how much of a map's height the timeline takes, px. */
export const barOf = map => takenBy(map, '--locshare-bar');

/** Return how much of it calls for help take, above. */
const callsOf = map => takenBy(map, '--locshare-calls');

/** Move the map to all that is drawn, or to some members, or for a recording to all of it; resolves false when there is nothing. */
export async function fit({ L, map, session }, ids = undefined) {
  const box = await session.ask('extent', { all: session.model.get('mode') !== 'live' && !ids, ids });
  if (!box || !map.getContainer().isConnected) return false;
  const [west, east] = span(box.xs);
  const bounds = L.latLngBounds([latOf(box.south), lonOf(west)], [latOf(box.north), lonOf(east)]);
  const size = map.getSize();
  const bar = barOf(map);
  const list = map.getContainer().querySelector('.locshare-members.is-open')?.offsetWidth ?? 0;
  const right = size.x > 700 ? list + 40 : 40;
  map.fitBounds(bounds, {
    paddingTopLeft: [Math.min(70, size.x / 6), 40 + callsOf(map)], paddingBottomRight: [right, bar + 40], maxZoom: 16, animate: false,
  });
  return true;
}

/** Fit when the kernel asks, to the members that it names; without names to all. */
export function fitOnDemand(context) {
  const { session } = context;
  return session.on('fit', names => fit(context, names.length ? session.idsOf(names) : undefined));
}

/**
 * Fit to the first fixes. What is live is kept in view from then on, until somebody moves the map:
 * a group that sets out would leave it within a minute.
 */
export function fitFirst(context) {
  const { map, session } = context;
  const { model } = session;
  if (!model.get('fit') || (model.get('is_fitted') && !session.isSaved)) return () => {};
  const container = map.getContainer();
  let timer = null;
  let members = 0;
  let looked = 0;
  let isBusy = false;
  let isFitting = false;
  let isSettled = false;
  let isOver = false;
  const stop = () => {
    isOver = true;
    session.isFitDue = false;
    unlisten();
    clearTimeout(timer);
    for (const name of HANDS) container.removeEventListener(name, finish);
    map.off('movestart', moved);
  };
  session.isFitDue = true; // what is seen is not what is meant, until the first fit
  const settle = () => {
    isSettled = true;
    session.save({ is_fitted: true });
  };
  const finish = () => { stop(); settle(); };
  const moved = () => { if (!isFitting && isSettled) stop(); }; // by the kernel, or to follow a member
  const isDue = async () => {
    if (!isSettled) return session.bounds.members !== members;
    looked = performance.now();
    return session.clock.state === 'live' && hasLeft(map, session);
  };
  const unlisten = session.on('frame', async () => {
    if (isBusy || (isSettled && performance.now() - looked < LOOK)) return;
    isBusy = true;
    const isWanted = await isDue() && !isOver;
    members = session.bounds.members;
    isFitting = true;
    if (isWanted && await fit(context)) {
      session.isFitDue = false;
      timer ??= setTimeout(model.get('mode') === 'live' ? settle : finish, SETTLE);
    }
    isBusy = isFitting = false;
  });
  for (const name of HANDS) container.addEventListener(name, finish);
  map.on('movestart', moved);
  return stop;
}

/** Resolve whether a member that is drawn and not lost lies outside the map, or is about to. */
async function hasLeft(map, session) {
  const size = map.getSize();
  const listed = await session.ask('members');
  return listed.some(({ id, state }) => {
    const place = state === FRESH || state === STALE ? session.placeOf(id) : null;
    if (place === null) return false;
    const point = map.latLngToContainerPoint([place.lat, place.lon]);
    return point.x < EDGE || point.y < EDGE + callsOf(map) || point.x > size.x - EDGE || point.y > size.y - barOf(map) - EDGE;
  });
}
