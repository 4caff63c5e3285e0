// Names beside heads, where there is room.

/** Draw the labels `[{x, y, alpha}]` (device px) that do not cover each other, within `inside` where they can be. */
export function drawLabels(context, labels, textOf, { dpr, ink, paper, inside }) {
  context.font = `600 ${11.5 * dpr}px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif`;
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  const taken = labels.map(({ x, y }) => [x - 6 * dpr, y - 6 * dpr, x + 6 * dpr, y + 6 * dpr]);
  for (const label of labels) {
    const { x, y, alpha } = label;
    const text = textOf(label);
    const width = context.measureText(text).width;
    const height = 13 * dpr;
    const offset = 13 * dpr;
    const places = [[x + offset, y], [x - offset - width, y], [x - width / 2, y - offset - 2 * dpr], [x - width / 2, y + offset + 2 * dpr]];
    const free = places.filter(([left, middle]) => isFree(taken, left, middle - height / 2, left + width, middle + height / 2));
    const place = free.find(([left]) => left >= inside.left && left + width <= inside.right) ?? free[0];
    if (!place) continue;
    const [left, middle] = place;
    taken.push([left, middle - height / 2, left + width, middle + height / 2]);
    context.globalAlpha = alpha;
    context.lineWidth = 3.5 * dpr;
    context.strokeStyle = paper;
    context.strokeText(text, left, middle);
    context.fillStyle = ink;
    context.fillText(text, left, middle);
  }
  context.globalAlpha = 1;
}

function isFree(taken, left, top, right, bottom) {
  return taken.every(box => right < box[0] || left > box[2] || bottom < box[1] || top > box[3]);
}
