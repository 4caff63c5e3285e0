// The share page's pure parts.

import assert from 'node:assert/strict';
import test from 'node:test';

const from = name => import(new URL(`../../locshare_ext/server/pages/static/${name}`, import.meta.url));
const { coarsened, coarser, gridPlace } = await from('grid.js');
const { gapBefore } = await from('gaps.js');
const { Ladder, Live } = await from('live.js');
const { linesOf, stepOf } = await from('map.js');
const { MemoryBox } = await from('box.js');
const { Others, distance } = await from('others.js');
const { Refusal, Unreachable, ending } = await from('api.js');
const { Sender, fateOf, pause } = await from('sender.js');
const { EventReader } = await from('stream.js');
const { fixOf } = await from('position.js');
const { statusOf } = await from('status.js');
const { WORDS, clock, metres, span, speak, t } = await from('words.js');

const NOW = 1_763_806_275_123;
const HOUR = 3_600_000;

test('places on the grid are those that the server makes of them, and stay', () => {
  // lat, lon, metres -> by the server's grid_place
  const known = [
    [37.5665, 126.978, 100, 37.56641, 126.978402], [37.5665, 126.978, 1000, 37.564612, 126.977404],
    [-33.8688, 151.2093, 100, -33.868405, 151.209553], [0, 180, 1000, 0, -179.995503], [89.9999, 10, 1000, 90, 0],
    [-0.00001, -179.99999, 100, 0, -179.99955],
  ];
  for (const [lat, lon, size, north, east] of known) {
    const place = gridPlace(lat, lon, size);
    assert.ok(Math.abs(place.lat - north) < 2e-6 && Math.abs(place.lon - east) < 2e-6, `${lat} ${lon} ${JSON.stringify(place)}`);
    assert.deepEqual(gridPlace(place.lat, place.lon, size), place);
  }
});

test('a coarse fix claims no more than it says', () => {
  const fix = { time: NOW, lat: 37.5665, lon: 126.978, accuracy: 4, altitude: 31, speed: 1 };
  assert.equal(coarsened(fix, null), fix);
  const coarse = coarsened(fix, 100);
  assert.deepEqual(Object.keys(coarse).sort(), ['accuracy', 'lat', 'lon', 'speed', 'time']);
  assert.equal(coarse.accuracy, 100);
  assert.equal(coarsened({ ...fix, accuracy: 400 }, 100).accuracy, 400);
  assert.deepEqual([coarser(null, null), coarser(100, null), coarser(100, 500)], [null, 100, 500]);
});

test('a gap is told by what caused it', () => {
  const last = NOW - HOUR;
  const at = more => gapBefore({ last, now: NOW, wasClosed: false, hidden: [], ...more });
  assert.equal(at({ last: null }), null);
  assert.equal(at({ last: NOW - 119_000 }), null);
  assert.deepEqual(at({}), { from: last, until: NOW, reason: 'no_position' });
  assert.equal(at({ hidden: [[last + 1000, NOW - 1000]] }).reason, 'hidden');
  assert.equal(at({ hidden: [[last + 1000, last + 60_000]] }).reason, 'no_position');
  assert.equal(at({ wasClosed: true, hidden: [[last, NOW]] }).reason, 'closed');
});

test('a way that never opens twice is left for the next one, and tried again later', () => {
  const ladder = new Ladder(['stomp', 'sse', 'polling']);
  assert.equal(ladder.ended(false, 0), 'stomp');
  assert.equal(ladder.ended(false, 0), 'sse');
  assert.equal(ladder.ended(true, 0), 'sse'); // it worked: cut lines are no reason
  assert.equal(ladder.ended(false, 0), 'sse');
  assert.equal(ladder.ended(false, 1000), 'polling');
  assert.equal(ladder.isUp(2000), false);
  assert.equal(ladder.isUp(200_000), true);
  assert.equal(ladder.way, 'stomp');
  assert.equal(ladder.ended(false, 200_000), 'sse'); // one try is enough
  ladder.ended(false, 0);
  ladder.ended(false, 0);
  ladder.ended(false, 0);
  assert.equal(ladder.ended(false, 0), 'stomp'); // none works: the server is away
});

test('what is sent while nothing is connected is told so', async () => {
  const live = new Live({ api: null, group: 'g', watches: false });
  assert.deepEqual(live.ladder.ways, ['stomp', 'post']);
  await assert.rejects(live.send([]), Unreachable);
});

test('events are read out of any pieces', () => {
  const text = 'retry: 1000\r\nevent: hello\r\nid: a-1\r\ndata: {"x":1}\r\n\r\n:\n\ndata: [1,\ndata: 2]\n\nevent: event\nda';
  for (let cut = 0; cut <= text.length; cut += 1) {
    if (text[cut - 1] === '\r') continue; // the reader may take a lone CR for a line's end, as the standard does
    const reader = new EventReader();
    const got = [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))];
    assert.deepEqual(got, [{ type: 'hello', data: '{"x":1}', id: 'a-1' }, { type: 'message', data: '[1,\n2]', id: null }], `cut ${cut}`);
  }
});

test('what the browser says becomes a fix as the server takes it', () => {
  const coords = { latitude: 1, longitude: 2, accuracy: 5, altitude: null, speed: 2, heading: 360 };
  assert.deepEqual(fixOf({ coords, timestamp: NOW + 0.4 }, NOW, 0.5), { time: NOW, lat: 1, lon: 2, source: 'browser', accuracy: 5, speed: 2, heading: 0, battery: 0.5 });
  const still = fixOf({ coords: { ...coords, speed: 0, heading: 90 }, timestamp: 5 }, NOW);
  assert.deepEqual([still.time, 'heading' in still, still.speed], [NOW, false, 0]);
  assert.equal('heading' in fixOf({ coords: { ...coords, speed: null, heading: NaN }, timestamp: NOW }, NOW), false);
});

test('others are shown where they were last, whatever comes late', () => {
  const others = new Others();
  others.take([{ member: 'Bob', time: NOW, lat: 1, lon: 2 }, { member: 'ann', time: NOW, lat: 1, lon: 2 }]);
  others.take([{ member: 'bob', time: NOW - 5000, lat: 9, lon: 9 }, { member: 'cy', time: NOW + HOUR, received: NOW - HOUR, lat: 1, lon: 2 }]);
  const list = others.list('Ann', { lat: 1, lon: 2 }, NOW);
  assert.deepEqual(list.map(one => [one.member, one.age, one.state, one.distance]), [['Bob', 0, 'live', 0], ['cy', HOUR, 'lost', 0]]);
  others.called('bob', NOW);
  assert.equal(others.list('ann', null, NOW)[0].calls, NOW);
  others.forget('BOB');
  assert.deepEqual(others.list('ann', null, NOW).map(one => one.member), ['cy']);
  assert.ok(Math.abs(distance({ lat: 0, lon: 0 }, { lat: 0, lon: 1 }) - 111_195) < 1);
});

test('errors say whether the invite has ended, and whether what was sent is kept', () => {
  const refusal = (status, code) => new Refusal(status, { code });
  assert.equal(ending(refusal(410, 'invite_expired')), 'expired');
  assert.equal(ending(refusal(410, 'invite_revoked')), 'revoked');
  assert.equal(ending(refusal(403, 'credential_invalid')), 'unknown');
  assert.equal(ending(refusal(403, 'role_missing')), null);
  assert.equal(ending(new Unreachable()), null);
  assert.equal(fateOf(new Unreachable()), 'keep');
  assert.equal(fateOf(refusal(503, 'store_failed')), 'keep');
  assert.equal(fateOf(refusal(429, 'too_fast')), 'keep');
  assert.equal(fateOf(refusal(409, 'too_many_members')), 'keep');
  assert.equal(fateOf(refusal(400, 'lat_out_of_range')), 'drop');
  assert.equal(fateOf(refusal(410, 'invite_expired')), 'drop');
});

test('tries come ever more seldom, and at least each 45 s', () => {
  assert.equal(pause(1, () => 0.5), 2000);
  assert.ok(pause(3, () => 0) > pause(2, () => 0));
  assert.equal(pause(500, () => 1), 37_500);
});

function outbox(answers) {
  const box = new MemoryBox();
  const sent = [];
  const told = [];
  const attempt = async body => {
    const answer = answers.shift();
    if (answer) throw answer;
    sent.push(body);
  };
  const sender = new Sender({ box, say: attempt, send: attempt, shaped: fix => ({ ...fix, shaped: true }), tell: one => told.push(one) });
  return { box, sent, told, sender };
}

test('the outbox goes in order, what is said first, each as it is to be by now', async () => {
  const { box, sent, told, sender } = outbox([]);
  for (let n = 0; n < 201; n += 1) await box.push('fix', { n });
  await box.push('said', { kind: 'sos' });
  await sender.kick();
  assert.deepEqual(sent[0], { kind: 'sos' });
  assert.deepEqual([sent[1].length, sent[2].length, sent[1][0]], [200, 1, { n: 0, shaped: true }]);
  assert.equal(told.at(-1).waiting, 0);
});

test('what did not arrive stays, what will never be taken goes', async () => {
  const { box, sent, told, sender } = outbox([new Unreachable()]);
  await box.push('fix', { n: 1 });
  await sender.kick();
  assert.deepEqual([await box.count(), sent.length, sender.timer !== null], [1, 0, true]);
  assert.ok(told.at(-1).error instanceof Unreachable);
  await sender.kick();
  assert.deepEqual([await box.count(), sent.length], [0, 1]);
  const bad = outbox([new Refusal(400, { code: 'lat_out_of_range' })]);
  await bad.box.push('fix', { n: 1 });
  await bad.sender.kick();
  assert.equal(await bad.box.count(), 0);
  assert.equal(bad.told.at(-1).error.code, 'lat_out_of_range');
  await sender.stop();
  await box.push('fix', { n: 2 });
  await sender.kick();
  assert.equal(await box.count(), 1);
});

test('the one thing that matters most is said, in both languages', () => {
  const sharing = { group_precision: null };
  const me = { member: 'ann', roles: ['publish', 'watch'], expires: NOW + HOUR, sharing };
  const ready = {
    isSecure: true, hasGeolocation: true, token: 'x', me, ended: null, isDeleted: false, hasConsented: true, isOn: true, pausedUntil: 0,
    geo: null, reach: 'ok', place: {}, isFull: false,
  };
  const cases = {
    sharing: {}, finding: { place: null }, off: { isOn: false }, paused: { pausedUntil: NOW + 1 }, offline: { reach: 'offline' },
    gone: { reach: 'server' }, store_failed: { reach: 'store' }, denied: { geo: 'denied' }, no_position: { geo: 'no_position' }, full: { isFull: true },
    no_geolocation: { hasGeolocation: false }, consent: { hasConsented: false }, naming: { me: { ...me, member: null } },
    watching: { me: { ...me, roles: ['watch'] } }, loading: { me: null }, first_offline: { me: null, reach: 'offline' },
    first_gone: { me: null, reach: 'server' }, expired: { ended: 'expired' }, revoked: { ended: 'revoked' }, unknown: { ended: 'unknown' },
    invites_off: { ended: 'invites_off' }, used_up: { ended: 'used_up' }, too_many: { ended: 'too_many' }, no_invite: { token: null },
    deleted: { isDeleted: true, ended: 'revoked' }, insecure: { isSecure: false },
  };
  for (const [key, changes] of Object.entries(cases)) {
    const status = statusOf({ ...ready, ...changes }, NOW);
    assert.equal(status.key, key);
    for (const words of Object.values(WORDS)) assert.ok(words[`h.${key}`] && words[`d.${key}`], key);
  }
  const said = Object.keys(WORDS.en).filter(name => name.startsWith('h.')).map(name => name.slice(2));
  assert.deepEqual(said.sort(), Object.keys(cases).sort()); // no sentence that is never said
});

test('both languages say the same things with the same values', () => {
  assert.deepEqual(Object.keys(WORDS.ko), Object.keys(WORDS.en));
  const holes = text => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, text] of Object.entries(WORDS.en)) assert.deepEqual(holes(WORDS.ko[key]), holes(text), key);
  assert.deepEqual([speak('ko-KR'), t('sos'), speak('de')], ['ko', 'SOS', 'en']);
  assert.deepEqual([span(5000), span(90_000), span(HOUR), span(7 * 24 * HOUR), span(30 * HOUR)], ['5 s', '2 min', '1 h', '7 days', '30 h']);
  assert.deepEqual([metres(4.6), metres(1500)], ['5 m', '1.5 km']);
  assert.match(clock(NOW, NOW), /^\d\d:\d\d$/);
  assert.match(clock(NOW, NOW + 48 * HOUR), /\d+ \w+.*\d\d:\d\d$/);
});

test('lines of degrees are few, and round', () => {
  assert.equal(stepOf(0.01), 0.005);
  assert.equal(stepOf(300), 30);
  assert.deepEqual(linesOf(0.9, 3.1, 1), [1, 2, 3]);
  assert.deepEqual(linesOf(-0.2, 0.2, 1), [0]);
  assert.deepEqual(linesOf(0.1, 0.2, 1), []);
});
