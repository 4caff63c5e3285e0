// Moves a map by hand: drag, pinch, wheel, double click, keys.

const STILL = 4; // px that a pointer may move in a click
const WHEEL = 1 / 240; // zooms for a px of the wheel
const LINE = 30; // px of a wheel that counts lines
const QUIET = 160; // ms without the wheel, after which it has come to rest
const KEY_PAN = 90; // px

/** Let people move a map. */
export function letMove(map) {
  const container = map.getContainer();
  const pointers = new Map();
  let start = null; // of what may be a click
  let resting = null;
  const at = event => {
    const box = container.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const isOwn = event => event.target === container || map.pane.contains(event.target);
  const tell = (name, event) => map.fire(name, { latlng: map.containerPointToLatLng(at(event)) });

  container.addEventListener('pointerdown', event => {
    if (!isOwn(event) || event.button !== 0) return;
    map.stop();
    container.focus({ preventScroll: true });
    container.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    start = pointers.size === 1 ? at(event) : null;
  });
  container.addEventListener('pointermove', event => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === 'touch') return;
      if (isOwn(event)) tell('mousemove', event); else map.fire('mouseout');
      return;
    }
    const now = at(event);
    if (start && Math.hypot(now.x - start.x, now.y - start.y) < STILL) return;
    if (!map.isDragged) {
      map.isDragged = true;
      container.classList.add('is-dragged');
      map.fire('movestart').fire('dragstart');
    }
    start = null;
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(map, before, now, other);
    else map.panBy([before.x - now.x, before.y - now.y], false);
    pointers.set(event.pointerId, now);
  });
  const release = event => {
    if (!pointers.delete(event.pointerId)) return;
    if (start && event.type === 'pointerup') tell('click', event);
    start = null;
    if (pointers.size || !map.isDragged) return;
    map.isDragged = false;
    container.classList.remove('is-dragged');
    map.fire('zoomend').fire('moveend');
  };
  container.addEventListener('pointerup', release);
  container.addEventListener('pointercancel', release);
  container.addEventListener('pointerleave', () => map.fire('mouseout'));
  container.addEventListener('dblclick', event => {
    if (isOwn(event)) map.fire('zoomstart').zoomAround(at(event), event.shiftKey ? -1 : 1);
  });
  container.addEventListener('wheel', event => {
    if (!isOwn(event)) return;
    event.preventDefault();
    map.stop();
    if (resting === null) map.fire('movestart').fire('zoomstart');
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = null;
      map.fire('zoomend').fire('moveend');
    }, QUIET);
    const px = event.deltaY * (event.deltaMode === 0 ? 1 : LINE);
    map.zoomAround(at(event), -Math.max(-1, Math.min(1, px * WHEEL * (event.ctrlKey ? 4 : 1))), false);
  }, { passive: false });
  container.addEventListener('keydown', event => {
    if (event.target !== container || event.ctrlKey || event.metaKey || event.altKey) return;
    const pan = { ArrowLeft: [-KEY_PAN, 0], ArrowRight: [KEY_PAN, 0], ArrowUp: [0, -KEY_PAN], ArrowDown: [0, KEY_PAN] }[event.key];
    const zoom = { '+': 1, '=': 1, '-': -1, _: -1 }[event.key];
    if (!pan && !zoom) return;
    event.preventDefault();
    map.stop();
    map.fire('movestart');
    if (pan) map.fire('dragstart').panBy(pan); else map.zoomAround(map.getSize().divideBy(2), zoom);
  });
}

/** Move and zoom as two fingers do, one of which moved. */
function pinch(map, before, now, other) {
  const length = point => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
  map.panBy([(before.x - now.x) / 2, (before.y - now.y) / 2], false);
  map.zoomAround({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, Math.log2(length(now) / length(before)), false);
}
