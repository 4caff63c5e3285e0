// The legend of a picture, as the one on the map.

import { legendOf } from './legend.js';
import { t } from './language.js';
import { UNKNOWN } from './ramp.js';

const EDGE = 10;
const WIDTH = 148;
const ROW = 16;

/** Draw the legend at the left edge, if there is one; returns how far it reaches, px. */
export function drawLegend(context, map, session, h) {
  const legend = legendOf(session);
  if (legend === null) return 0;
  const rows = [...(legend.rows ?? []), [UNKNOWN, t('legend.unknown')]];
  const height = 24 + (legend.bar ? 28 : 0) + rows.length * ROW + 4;
  const top = h - EDGE - height;
  const colors = getComputedStyle(map.getContainer());
  const [paper, ink] = ['--locshare-bg', '--locshare-text'].map(name => colors.getPropertyValue(name).trim());
  context.fillStyle = paper || '#ffffff';
  context.beginPath();
  context.roundRect(EDGE, top, WIDTH, height, 5);
  context.fill();
  context.strokeStyle = '#88888888';
  context.lineWidth = 0.5;
  context.stroke();
  context.textBaseline = 'middle';
  const write = (text, x, y, font = '12px system-ui, sans-serif', align = 'left') => {
    Object.assign(context, { font, textAlign: align, fillStyle: ink || '#111111' });
    context.fillText(text, x, y, WIDTH - 16);
  };
  write(legend.title, EDGE + 8, top + 14, '600 12px system-ui, sans-serif');
  let y = top + 24;
  if (legend.bar) {
    const fill = context.createLinearGradient(EDGE + 8, 0, EDGE + WIDTH - 8, 0);
    legend.bar.forEach((color, k) => fill.addColorStop(k / (legend.bar.length - 1), color));
    context.fillStyle = fill;
    context.fillRect(EDGE + 8, y, WIDTH - 16, 9);
    write(legend.ends[0], EDGE + 8, y + 18);
    write(legend.ends[1], EDGE + WIDTH - 8, y + 18, undefined, 'right');
    y += 28;
  }
  for (const [color, text] of rows) {
    context.fillStyle = color;
    context.beginPath();
    context.arc(EDGE + 13, y + ROW / 2, 5, 0, 2 * Math.PI);
    context.fill();
    write(text, EDGE + 23, y + ROW / 2);
    y += ROW;
  }
  return EDGE + WIDTH;
}
