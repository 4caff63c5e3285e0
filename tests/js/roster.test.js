import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { Roster } = await load('roster.js');

const NAMES = ['bo 10', 'Ann', 'bo 9', '민수', 'ÉVA'];

function list(roster, more = {}) {
  const names = more.names ?? NAMES;
  const ids = roster.list({
    names, present: names.map((_, id) => id), search: '', sort: 'name', isReversed: false, valueOf: () => NaN, ...more,
  });
  return [...ids].map(id => names[id]);
}

test('names are sorted as people do, also when more come', () => {
  const roster = new Roster('en');
  const sorted = ['Ann', 'bo 9', 'bo 10', 'ÉVA', '민수'];
  assert.deepEqual(list(roster), sorted);
  assert.deepEqual(list(roster, { isReversed: true }), [...sorted].reverse());
  assert.deepEqual(list(roster, { names: [...NAMES, 'amy', 'zoe'] }), ['amy', 'Ann', 'bo 9', 'bo 10', 'ÉVA', 'zoe', '민수']);
  const many = Array.from({ length: 3000 }, (_, k) => `m ${(k * 7919) % 3000}`);
  assert.deepEqual(list(roster, { names: many }), Array.from({ length: 3000 }, (_, k) => `m ${k}`));
  assert.deepEqual(list(roster), sorted); // another group
});

test('numbers come before nothing, equal ones by name', () => {
  const values = [5, NaN, 1, 5, NaN];
  const valueOf = id => values[id];
  assert.deepEqual(list(new Roster('en'), { sort: 'battery', valueOf }), ['bo 9', 'bo 10', '민수', 'Ann', 'ÉVA']);
  assert.deepEqual(list(new Roster('en'), { sort: 'speed', valueOf }), ['bo 10', '민수', 'bo 9', 'Ann', 'ÉVA']);
  assert.deepEqual(list(new Roster('en'), { sort: 'speed', valueOf, isReversed: true }), ['bo 9', 'bo 10', '민수', 'Ann', 'ÉVA']);
});

test('case and width do not matter in a search; who is not there is not found', () => {
  assert.deepEqual(list(new Roster('en'), { search: ' ＢＯ ' }), ['bo 9', 'bo 10']);
  assert.deepEqual(list(new Roster('en'), { search: '수' }), ['민수']);
  assert.deepEqual(list(new Roster('en'), { search: '.*' }), []);
  assert.deepEqual(list(new Roster('en'), { search: 'bo', present: [0, 1] }), ['bo 10']);
});
