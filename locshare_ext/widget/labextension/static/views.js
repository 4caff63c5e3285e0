// What both routes to a map share: a view of ours draws with the layer's session, and goes without a trace.

import { createOverlay } from './overlay.js';
import { createPanels } from './panels.js';
import { keepPlaces } from './privacy.js';
import { acquire, release } from './session.js';

/** Return the function that makes a Leaflet layer for a view of a layer's model: {overlay, end()}. */
export function createDrawing(L) {
  const Overlay = createOverlay(L);
  return model => {
    const session = acquire(model);
    const overlay = new Overlay(session, (map, shown) => createPanels(L, map, shown, session));
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      overlay.remove();
      release(model);
    };
    return { overlay, end };
  };
}

/** Keep where a map is out of saved notebooks if the layer moves it. */
export function guard(model, mapModel) {
  const isMoved = () => model.get('fit') || model.get('followed');
  if (isMoved()) keepPlaces(mapModel);
  else model.on('change:fit change:followed', () => { if (isMoved()) keepPlaces(mapModel); });
}
