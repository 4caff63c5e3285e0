// The ground of a picture: the tiles that cover it, fetched anew so that the canvas may be read.

import { drawLines } from './graticule.js';

const AT_ONCE = 8; // requests
const LEGEND = 165; // px that the legend may take
const MOST = 600; // tiles
const PATIENCE = 8000; // ms for a tile
const DARK = 'invert(1) hue-rotate(180deg) brightness(0.95) contrast(0.88)'; // as in style.css

/** Draw a map's ground on {corner, zoom, w, h}; resolves {wanted, drawn}: how many tiles. */
export async function drawGround(context, map, view) {
  const container = map.getContainer();
  context.fillStyle = getComputedStyle(container).backgroundColor;
  context.fillRect(0, 0, view.w, view.h);
  if (container.querySelector('.locshare-graticule')) {
    const { corner, zoom, w: width, h: height } = view;
    const around = { pad: { x: 0, y: 0 }, size: { x: width, y: height }, bar: 0, free: LEGEND, side: 8 };
    drawLines(context, map, { corner, zoom, width, height, ...around });
  }
  const layers = [];
  map.eachLayer(layer => { if (layer.getTileUrl && layer._tileZoom !== undefined) layers.push(layer); });
  const counts = { wanted: 0, drawn: 0 };
  for (const layer of layers) await drawTiles(context, layer, view, counts);
  if (counts.drawn) drawAttribution(context, layers, view);
  return counts;
}

async function drawTiles(context, layer, view, counts) {
  const z = layer._tileZoom;
  const size = layer.getTileSize().x * layer._map.getZoomScale(view.zoom, z);
  const around = 2 ** z * (256 / layer.getTileSize().x); // tiles around the world
  const places = [];
  for (let x = Math.floor(view.corner.x / size); x * size < view.corner.x + view.w; x++) {
    for (let y = Math.floor(view.corner.y / size); y * size < view.corner.y + view.h; y++) {
      if (y >= 0 && y < around) places.push({ x, y });
    }
  }
  if (places.length > MOST) return;
  counts.wanted += places.length;
  const next = places[Symbol.iterator]();
  const work = async () => {
    for (const { x, y } of next) { // one after the other, whoever is free
      const coords = { x: ((x % around) + around) % around, y, z };
      const tile = await load(layer.getTileUrl(coords));
      if (!tile) continue;
      context.save();
      context.globalAlpha = layer.options.opacity ?? 1;
      if (layer.getContainer()?.closest('.locshare-darken') && document.body.dataset.jpThemeLight === 'false') context.filter = DARK;
      context.drawImage(tile, x * size - view.corner.x, y * size - view.corner.y, size, size);
      context.restore();
      tile.close();
      counts.drawn++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function load(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok ? await createImageBitmap(await answer.blob()) : null;
  } catch {
    return null; // not to be had, or not to be read from here
  }
}

/** Name whose tiles they are, as their owners want. */
function drawAttribution(context, layers, { w, h }) {
  const holder = document.createElement('template');
  holder.innerHTML = layers.map(layer => layer.getAttribution?.() ?? '').filter(Boolean).join(', ');
  const text = holder.content.textContent;
  if (!text) return;
  context.font = '10px system-ui, sans-serif';
  const width = context.measureText(text).width + 8;
  context.fillStyle = '#ffffffcc';
  context.fillRect(w - width, h - 15, width, 15);
  context.fillStyle = '#222222';
  context.textBaseline = 'middle';
  context.fillText(text, w - width + 4, h - 7);
}
