import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { connectionOf } = await load('connection.js');
const { lightOf } = await load('recorder.js');

const NOW = new Date(2026, 10, 22, 12, 0).getTime();
const session = more => ({
  kernel: 'ok', feed: { silence: 0 }, status: { state: 'live', note: '' }, told: {}, model: new Map([['mode', 'live']]),
  wall() { return this === undefined ? NaN : NOW; }, ...more,
});

test('what is nearest to the page comes first: kernel, its silence, the source', () => {
  const of = more => Object.values(connectionOf(session(more)));
  assert.deepEqual(of({}), ['live', 'good']);
  assert.deepEqual(of({ status: null }), ['live', 'good']);
  assert.deepEqual(of({ status: { state: 'live', note: 'Live over SSE.' } }), ['live', 'fair']);
  assert.deepEqual(of({ status: { state: 'offline' } }), ['offline', 'bad']);
  assert.deepEqual(of({ status: { state: 'unknown_group' } }), ['unknown_group', 'fair']);
  assert.deepEqual(of({ feed: { silence: 14000 }, status: { state: 'offline' } }), ['busy', 'fair']);
  assert.deepEqual(of({ kernel: 'stopped', feed: { silence: 14000 } }), ['stopped', 'bad']);
  assert.deepEqual(of({ model: new Map([['mode', 'recording']]), status: { state: 'closed' } }), ['recording', 'good']);
});

test('the light says since when it records, and that nothing is kept before that', () => {
  const since = NOW - 3600_000;
  const recordings = [{ id: 'r1', name: '<b>walk</b>', since }];
  assert.equal(lightOf(session({})).state, 'none');
  assert.equal(lightOf(session({ told: { keeping: { may_record: true, recordings: [] } } })).state, 'off');
  assert.equal(lightOf(session({ told: { keeping: { may_record: false, is_ephemeral: true } } })).state, 'never');
  assert.deepEqual(lightOf(session({ told: { keeping: { may_record: false, recordings } } })), { state: 'on', words: 'Recording <b>walk</b> since 11:00' });
  assert.deepEqual(
    lightOf(session({ told: { keeping: { recordings } }, status: { state: 'live', unrecorded: NOW - 60_000 } })),
    { state: 'failing', words: 'Nothing has been kept since 11:59' },
  );
});
