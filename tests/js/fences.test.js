// Where the outlines of fences lie in the world's pixels.

import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './support.js';

const { circleOf, outlinesOf } = await load('page/fences.js');
const { project } = await load('page/points.js');

test('a circle is as wide as its metres are on its parallel', () => {
  for (const lat of [0, 60, -60]) {
    const { x, y, r } = circleOf({ lat, lon: 10, radius: 1000 }, 12, 0);
    assert.deepEqual([x, y], Object.values(project([lat, 10], 12)));
    const metres = 40075016.7 * Math.cos(lat * Math.PI / 180) / (256 * 2 ** 12);
    assert.ok(Math.abs(r * metres - 1000) < 1e-6);
  }
  assert.ok(Number.isFinite(circleOf({ lat: 90, lon: 0, radius: 1000 }, 3, 0).r));
});

test('holes and parts are outlines of their own, on the turn that is looked at', () => {
  const ring = (lon, lat) => [[lon, lat], [lon + 1, lat], [lon + 1, lat + 1], [lon, lat]];
  const polygon = { type: 'Polygon', coordinates: [ring(179, 0), ring(179.2, 0.1)] };
  const parts = { type: 'MultiPolygon', coordinates: [[ring(179, 0)], [ring(-179, 0), ring(-178.9, 0.1)]] };
  assert.deepEqual([outlinesOf(polygon, 3, 0).length, outlinesOf(parts, 3, 0).length], [2, 3]);
  const [[[here]], [[there]]] = [outlinesOf(polygon, 3, 0), outlinesOf(polygon, 3, -190)];
  assert.equal(here[0] - there[0], 256 * 2 ** 3);
});
