// Outlines of heads, around their middle.

export const SHAPES = ['disc', 'arrow', 'square', 'diamond', 'triangle', 'star'];

const SIDE = 0.62; // radians from the nose where it leaves a disc
const CORNERS = { // [degrees from the top, times the radius]
  square: [45, 135, 225, 315].map(turn => [turn, 1.3]),
  diamond: [0, 90, 180, 270].map(turn => [turn, 1.35]),
  triangle: [0, 120, 240].map(turn => [turn, 1.5]),
  star: Array.from({ length: 10 }, (_, k) => [k * 36, k % 2 ? 0.72 : 1.6]),
};
const ARROW = [[0, 1.9], [142, 1.5], [180, 0.6], [218, 1.5]];

/** Return the paths of a shape, the lowest first; heading: degrees from the top, null without one. */
export function pathsOf(shape, heading, radius) {
  if (shape === 'arrow' && heading !== null) return [polygon(ARROW, heading, radius)];
  if (!CORNERS[shape]) return [disc(heading, radius)];
  const body = polygon(CORNERS[shape], 0, radius);
  return heading === null ? [body] : [polygon([[-32, 1.2], [0, 2.2], [32, 1.2]], heading, radius), body];
}

function polygon(corners, turn, radius) {
  const path = new Path2D();
  for (const [degrees, times] of corners) {
    const angle = (degrees + turn) / 180 * Math.PI;
    path.lineTo(Math.sin(angle) * radius * times, -Math.cos(angle) * radius * times);
  }
  path.closePath();
  return path;
}

function disc(heading, radius) {
  const path = new Path2D();
  if (heading === null) {
    path.arc(0, 0, radius, 0, 2 * Math.PI);
    return path;
  }
  const nose = (heading - 90) / 180 * Math.PI;
  path.arc(0, 0, radius, nose + SIDE, nose - SIDE + 2 * Math.PI);
  path.lineTo(Math.cos(nose) * radius * 1.95, Math.sin(nose) * radius * 1.95);
  path.closePath();
  return path;
}
