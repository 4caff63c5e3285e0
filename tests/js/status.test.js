import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { messageOf } = await load('status.js');
const { speak } = await load('language.js');

const session = status => ({
  status, kernel: 'ok', bounds: { fixes: 3 }, model: new Map([['mode', 'live']]),
  feed: { heard: 1, silence: 0, isConnected: true, head: 3 },
});

test('nothing is said while all is well', () => {
  assert.equal(messageOf(session({ state: 'live', text: 'Live: hikers', near: [], note: '' })), null);
  assert.equal(messageOf(session(null)), null);
});

test('by what it is live is said when it is not the best there is', () => {
  const said = { state: 'live', text: 'Live', near: [], note: 'Live over SSE.', code: 'fallback', values: { transport: 'SSE', blocked: 'WebSocket' } };
  assert.deepEqual(messageOf(session(said)), { kind: 'hint', text: 'Live over SSE: WebSocket did not get through.' });
  const unknown = { state: 'live', text: 'Live', near: [], note: 'Live from a balloon.' }; // of another source
  assert.deepEqual(messageOf(session(unknown)), { kind: 'hint', text: unknown.note });
});

test('what is wrong comes first', () => {
  const said = messageOf(session({ state: 'offline', since: 0, text: 'Offline since 10:00.', near: [], note: 'x' }));
  assert.deepEqual([said.kind, said.text], ['error', 'Offline since 10:00.']);
});

test('what is wrong is in the words of the page for its code, and in the kernel\'s for all others', () => {
  const offline = { state: 'offline', since: 0, text: 'Offline since 10:00: gone.', near: [], values: { why: 'gone' } };
  const of = code => messageOf(session({ ...offline, code }));
  speak(['ko-KR']);
  assert.match(of('cut').text, /연결이 닫혔습니다\. 다시/);
  assert.match(messageOf(session({ state: 'unknown_group', text: 'Nobody', near: ['hikers'], code: 'group_unknown', values: { group: 'hikrs' } })).text, /^hikrs 그룹/);
  assert.match(of('on_the_moon').text, /: gone 다시/);
  speak(['en']);
  assert.match(of('cut').text, /^Offline since .*: The connection was closed\. Trying again\.$/);
});

test('all that the kernel may say of a missing server is said', () => {
  const said = messageOf(session({ state: 'no_server', since: 0, text: 'No server', near: [], code: 'server_not_found', values: { looked: '  - /run: nothing' } }));
  assert.equal(said.kind, 'error');
  assert.match(said.text, /1\. .*2\. .*3\. .*What was looked for:\n {2}- \/run: nothing/s);
});

test('that nothing is recorded is said as what is wrong, also before anything came', () => {
  const lost = session({ state: 'live', text: 'Live', near: [], note: '', unrecorded: 1, code: 'unrecorded', values: { why: 'the disk is full' } });
  assert.equal(messageOf(lost).kind, 'error');
  assert.match(messageOf(lost).text, /^Nothing is recorded since .*: the disk is full\. What comes is shown/);
  lost.bounds.fixes = lost.feed.head = 0;
  assert.equal(messageOf(lost).kind, 'error');
});
