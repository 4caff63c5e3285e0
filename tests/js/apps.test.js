// The share page's links for apps, and what it keeps where the phone keeps nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const from = name => import(new URL(`../../locshare_ext/server/pages/static/${name}`, import.meta.url));
const { aheadOf } = await from('api.js');
const { APPS, platformOf, ways } = await from('apps.js');
const { SafeBox } = await from('box.js');
const { Sender } = await from('sender.js');
const { WORDS } = await from('words.js');

const VECTORS = JSON.parse(readFileSync(new URL('../support/setups.json', import.meta.url), 'utf8'));

test('links are those of the invite card', () => {
  assert.ok(VECTORS.length);
  for (const { address, token, member, links } of VECTORS) {
    const made = Object.fromEntries(ways(address, token, member).map(one => [one.app, one]));
    for (const app of ['owntracks', 'overland', 'gpslogger']) assert.equal(made[app].open, links[app]);
    assert.equal(made.osmand.open, null);
    assert.equal(made.osmand.paste, links.osmand);
    // what it scans from another screen is tapped on its own by its scheme, with the same settings
    const [url, settings] = links.traccar.split('?');
    assert.equal(made.traccar.open, `org.traccar.client://config?url=${encodeURIComponent(url)}&${settings}`);
    assert.equal(made.traccar.paste, url);
  }
});

test('apps of the phone come first, and none is left out', () => {
  const phones = {
    android: 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
    ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1',
  };
  const order = navigator => ways('https://a/', 'lsi_a_b', 'ann', platformOf(navigator)).map(one => one.app);
  assert.deepEqual(order({ userAgent: phones.android }), ['owntracks', 'traccar', 'gpslogger', 'osmand', 'overland']);
  assert.deepEqual(order({ userAgent: phones.ios }), ['owntracks', 'traccar', 'overland', 'gpslogger', 'osmand']);
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15';
  assert.equal(platformOf({ userAgent: mac, maxTouchPoints: 5 }), 'ios');
  assert.equal(platformOf({ userAgent: mac, maxTouchPoints: 0 }), null);
  assert.deepEqual(order({ userAgent: mac }).toSorted(), Object.keys(APPS).toSorted());
  for (const words of Object.values(WORDS)) for (const app of Object.keys(APPS)) assert.ok(words[`apps.${app}`]);
});

test('a clock that is wrong is told from an answer that was slow', () => {
  const now = Date.parse('2025-11-22T10:00:00Z');
  assert.equal(aheadOf(now, 'Sat, 22 Nov 2025 09:59:52 GMT'), 0);
  assert.equal(aheadOf(now, 'Fri, 21 Nov 2025 14:00:00 GMT'), 20 * 3_600_000);
  assert.equal(aheadOf(now, 'Sun, 23 Nov 2025 06:00:00 GMT'), -20 * 3_600_000);
  assert.equal(aheadOf(now, null), null);
});

/** What a full phone does: it gives what it has, and takes nothing more. */
function fullBox() {
  const held = [{ id: 1, body: { time: 1 } }, { id: 2, body: { time: 2 } }];
  const full = async () => { throw new DOMException('full', 'QuotaExceededError'); };
  return {
    held, set: full, push: full, get: async name => (name === 'isOn' ? true : undefined), count: async () => held.length,
    peek: async (kind, most) => (kind === 'fix' ? held.slice(0, most) : []), drop: async ids => { for (const id of ids) held.splice(held.findIndex(one => one.id === id), 1); },
  };
}

test('where the phone is full it goes on in memory, and sends both', async () => {
  const kept = fullBox();
  const box = new SafeBox(kept);
  assert.ok(box.isKept);
  assert.equal(await box.get('isOn'), true);
  await box.set('isOn', false);
  assert.equal(await box.get('isOn'), false);
  await box.push('fix', { time: 3 });
  assert.ok(!box.isKept);
  assert.equal(await box.count(), 3);
  const sent = [];
  const sender = new Sender({ box, say: async () => {}, send: async fixes => { sent.push(...fixes); }, shaped: fix => fix, tell: () => {} });
  await sender.kick();
  assert.deepEqual(sent.map(fix => fix.time), [1, 2, 3]);
  assert.equal(await box.count(), 0);
  assert.deepEqual(kept.held, []);
});

test('two pages of one box send one after the other', async () => {
  const box = new SafeBox(null);
  let last = Promise.resolve();
  const alone = work => { last = last.then(work); return last; };
  const said = [];
  const page = () => new Sender({ box, alone, say: async body => { await null; said.push(body.text); }, send: async () => {}, shaped: fix => fix, tell: () => {} });
  await box.push('said', { text: 'help' });
  await Promise.all([page().kick(), page().kick()]);
  assert.deepEqual(said, ['help']);
});
