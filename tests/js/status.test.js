import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { messageOf } = await load('status.js');

const session = status => ({
  status, kernel: 'ok', bounds: { fixes: 3 }, model: new Map([['mode', 'live']]),
  feed: { heard: 1, silence: 0, isConnected: true, head: 3 },
});

test('nothing is said while all is well', () => {
  assert.equal(messageOf(session({ state: 'live', text: 'Live: hikers', near: [], note: '' })), null);
  assert.equal(messageOf(session(null)), null);
});

test('by what it is live is said when it is not the best there is', () => {
  const note = 'Live over SSE: WebSocket does not get through.';
  assert.deepEqual(messageOf(session({ state: 'live', text: 'Live', near: [], note })), { kind: 'hint', text: note });
});

test('what is wrong comes first', () => {
  const said = messageOf(session({ state: 'offline', since: 0, text: 'Offline since 10:00.', near: [], note: 'x' }));
  assert.deepEqual([said.kind, said.text], ['error', 'Offline since 10:00.']);
});

test('that nothing is recorded is said as what is wrong, also before anything came', () => {
  const note = 'Nothing is recorded since 10:00:00 (the disk is full).';
  const lost = session({ state: 'live', text: 'Live', near: [], note, unrecorded: 1 });
  assert.deepEqual(messageOf(lost), { kind: 'error', text: note });
  lost.bounds.fixes = lost.feed.head = 0;
  assert.equal(messageOf(lost).kind, 'error');
});
