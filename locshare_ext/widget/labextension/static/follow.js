// Keeps the followed member in the middle half of the map, until the person drags it away.

import { isCalm } from './dom.js';

export function createFollower({ map, session }) {
  const look = () => {
    const place = session.followed === null ? null : session.placeOf(session.followed);
    if (!place || map._animatingZoom) return;
    const point = map.latLngToContainerPoint([place.lat, place.lon]);
    const size = map.getSize();
    const isInside = Math.abs(point.x - size.x / 2) < size.x / 4 && Math.abs(point.y - size.y / 2) < size.y / 4;
    if (!isInside && !isPanning) {
      isPanning = true;
      map.once('moveend', () => { isPanning = false; });
      map.panTo([place.lat, place.lon], { animate: !isCalm(), duration: 0.4 });
    }
  };
  let isPanning = false;
  const letGo = () => { if (session.followed !== null) session.follow(session.followed); };
  const undo = [session.on('frame', look), session.on('choice', look)];
  map.on('dragstart', letGo);
  return () => {
    undo.forEach(step => step());
    map.off('dragstart', letGo);
  };
}
