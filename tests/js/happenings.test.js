import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { callsOf, eventsOf, isUnseen, nextOf, noteAbout, notesOf, ticksOf } = await load('happenings.js');

const ROWS = [
  [3000, 3100, 'join', 'ben', null],
  [1000, 9000, 'note', 'ann', 'lost the trail'], // told long after it was
  [2000, 2100, 'note', null, 'lunch'],
];

test('events are in order of the clock that is looked by', () => {
  assert.deepEqual(eventsOf(ROWS, 'time').map(event => event.at), [1000, 2000, 3000]);
  assert.deepEqual(eventsOf(ROWS, 'received').map(event => event.text), ['lunch', null, 'lost the trail']);
});

test('the next one and the one before, of all or of notes', () => {
  const events = eventsOf(ROWS, 'time');
  assert.equal(nextOf(events, 1000, 1).at, 2000);
  assert.equal(nextOf(events, 2500, 1).kind, 'join');
  assert.equal(nextOf(events, 2500, 1, 'note'), null);
  assert.equal(nextOf(events, 9999, -1).at, 3000);
  assert.equal(nextOf(events, 9999, -1, 'note').at, 2000);
  assert.equal(nextOf(events, 1000, -1), null);
  assert.equal(nextOf([], 5, 1), null);
});

test('ticks that would cover one another are one', () => {
  const events = eventsOf([[0, 0, 'note', null, 'a'], [6, 6, 'note', null, 'b'], [10, 10, 'note', null, 'c'], [200, 200, 'note', null, 'd']], 'time');
  const ticks = ticksOf(events, [0, 100], 100);
  assert.deepEqual(ticks.map(tick => [tick.x, tick.events.map(event => event.text).join('')]), [[0, 'ab'], [10, 'c']]);
});

test('the newest note about a member up to a moment', () => {
  const session = { told: { events: { events: [...ROWS, [4000, 4000, 'note', 'ann', 'found it']] } } };
  assert.deepEqual(notesOf(session).map(note => note.at), [1000, 2000, 4000]);
  assert.equal(noteAbout(session, 'ann', 999), null);
  assert.equal(noteAbout(session, 'ann', 3999).text, 'lost the trail');
  assert.equal(noteAbout(session, 'ann', Infinity).text, 'found it');
  assert.equal(noteAbout(session, 'ben', Infinity), null);
  assert.deepEqual(notesOf({ told: {} }), []);
});

test('calls for help wait until they are seen, one of each member', () => {
  const now = 200_000_000;
  const rows = [
    [1000, now - 9000, 'sos', 'ann', 'fell', 'e.1', null], // of a phone whose clock is wrong
    [now - 5000, now - 5000, 'sos', 'ben', 'lost', 'e.2', [37.5, 127]],
    [now - 4000, now - 4000, 'sos', 'ann', 'hurt', 'e.3', null],
    [now - 3000, now - 3000, 'note', 'cy', 'lunch', 'e.4', null],
    [now - 1000, now - 90_000_000, 'sos', 'dan', 'yesterday', 'e.5', null],
  ];
  const session = { told: { events: { events: rows } }, seenCalls: new Map(), wall: () => now, model: { get: () => 'live' } };
  const texts = () => callsOf(session).map(call => call.text);
  assert.deepEqual(texts(), ['hurt', 'lost']);
  assert.deepEqual(callsOf(session)[1].place, [37.5, 127]);
  session.seenCalls.set('ann', now - 4000);
  assert.deepEqual(texts(), ['lost']);
  session.told = { events: { events: [...rows, [now, now, 'sos', 'ann', 'again', 'e.6', null]] } };
  assert.deepEqual(texts(), ['again', 'lost']);
  session.model.get = () => 'recording';
  assert.deepEqual(texts(), []);
  assert.equal(isUnseen(session, { kind: 'sos', member: 'ann', received: now }), false);
});
