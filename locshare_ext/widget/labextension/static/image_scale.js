// The scale of a picture: a bar that tells how long a distance is in its middle, as the one on the map.

import { distance } from './format.js';

const EDGE = 10; // px
const LONGEST = 110;
const ROUND = [10, 5, 3, 2, 1];

/** Return the longest round number of metres that is at most `metres`. */
export function roundLength(metres) {
  const power = 10 ** Math.floor(Math.log10(metres));
  return power * ROUND.find(one => one <= metres / power * (1 + 1e-9));
}

/** Draw it at the bottom of a view {corner, zoom, w, h}, so many px from the left. */
export function drawScale(context, map, { corner, zoom, w, h }, left = EDGE) {
  const [from, to] = [w / 2, w / 2 + LONGEST].map(x => map.unproject(corner.add([x, h / 2]), zoom));
  const most = map.distance(from, to);
  if (!(most > 0)) return;
  const metres = roundLength(most);
  const wide = LONGEST * metres / most;
  const [right, bottom] = [left + wide, h - EDGE];
  const colors = getComputedStyle(map.getContainer());
  const [paper, ink] = ['--locshare-bg', '--locshare-text'].map(name => colors.getPropertyValue(name).trim());
  context.fillStyle = paper || '#ffffff';
  context.globalAlpha = 0.85;
  context.fillRect(left, bottom - 17, wide, 17);
  context.globalAlpha = 1;
  context.strokeStyle = ink || '#111111';
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(left, bottom - 8);
  context.lineTo(left, bottom);
  context.lineTo(right, bottom);
  context.lineTo(right, bottom - 8);
  context.stroke();
  Object.assign(context, { font: '10px system-ui, sans-serif', textAlign: 'left', textBaseline: 'middle', fillStyle: ink || '#111111' });
  context.fillText(distance(metres), left + 5, bottom - 9, wide - 8);
}
