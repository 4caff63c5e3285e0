// The host's page's pure parts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const FOLDER = new URL('../../locshare_ext/server/pages/host/', import.meta.url);
const from = name => import(new URL(name, FOLDER));
const { given, isHost, isInvite, pasted } = await from('access.js');
const { xsrfOf } = await from('api.js');
const { counted, namesIn, rosterOf } = await from('roster.js');
const { WORDS, clock, span, speak, t } = await from('words.js');

test('a fragment says who comes, and to which group', () => {
  assert.deepEqual(given('#t=lsi_a_b&g=3%ED%95%99%EB%85%84'), { token: 'lsi_a_b', group: '3학년' });
  assert.deepEqual(given('#g=hikers'), { token: null, group: 'hikers' });
  assert.deepEqual(given(''), { token: null, group: null });
  assert.equal(pasted(' lsh_x \n'), 'lsh_x');
  assert.equal(pasted('https://a.example/locshare/#t=lsh_x&g=y'), 'lsh_x');
  assert.equal(pasted('https://a.example/locshare/#g=y'), null);
});

test('who may only share or watch is no host', () => {
  assert.ok(isInvite('lsi_a_b') && !isInvite('lsh_a') && !isInvite(null));
  for (const kind of ['host', 'jupyter', 'kernel']) assert.ok(isHost({ kind, roles: [] }));
  assert.ok(isHost({ kind: 'invite', roles: ['manage', 'publish'] }));
  assert.ok(!isHost({ kind: 'invite', roles: ['publish', 'watch'] }));
});

test('the XSRF token is found among the cookies', () => {
  assert.equal(xsrfOf('a=1; _xsrf=2|ab|cd|3; b=2'), '2|ab|cd|3');
  assert.equal(xsrfOf('_xsrf=x'), 'x');
  assert.equal(xsrfOf('not_xsrf=x'), '');
});

test('names are one to a line, each once', () => {
  assert.deepEqual(namesIn(' ann \n\nbob, 민지;Ann\n'), ['ann', 'bob', '민지']);
  assert.deepEqual(namesIn(' \n'), []);
});

test('states are counted in the order of the roster', () => {
  const about = { settings: { stale: 60, lost: 600 }, members: [{ member: 'ann', age: 1, heard_age: 1, fix: {} }, { member: 'bo', age: 1, heard_age: 700000, fix: {} }] };
  assert.deepEqual(counted(rosterOf(about, [])), [['lost', 1], ['here', 1]]);
});

test('there is each word in both languages, with the same values', () => {
  const values = text => [...text.matchAll(/\{\w+\}/g)].map(found => found[0]).sort();
  assert.deepEqual(Object.keys(WORDS.en).sort(), Object.keys(WORDS.ko).sort());
  for (const [key, text] of Object.entries(WORDS.en)) assert.deepEqual(values(WORDS.ko[key]), values(text), key);
});

test('every word that the page asks for is there', () => {
  const page = readFileSync(new URL('host.html', FOLDER), 'utf8');
  for (const [, key] of page.matchAll(/data-t="([^"]+)"/g)) assert.ok(WORDS.en[key], key);
  for (const name of ['page.js', 'people.js', 'cards.js', 'recordings.js', 'settings.js', 'health.js']) {
    for (const [, key] of readFileSync(new URL(name, FOLDER), 'utf8').matchAll(/\bt\('([^']+)'/g)) assert.ok(WORDS.en[key], key);
  }
});

test('spans and moments are told as people do, and values are no patterns', () => {
  speak('en-GB');
  assert.deepEqual([0, 89_000, 600_000, 7_200_000, 604_800_000].map(span), ['0 s', '89 s', '10 min', '2 h', '7 days']);
  assert.ok(/^\d\d:\d\d/.test(clock(1_763_806_275_123, 1_763_806_275_123)));
  assert.equal(t('failed', { why: '$& {why} <b>' }), 'That did not work: $& {why} <b>');
  assert.equal(speak('ko-KR'), 'ko');
  assert.equal(span(1000), '1초');
});
