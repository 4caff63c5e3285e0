import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { load, STATIC } from './support.js';

const { EN } = await load('strings.js');
const { KO } = await load('strings_ko.js');
const { locale, speak, t } = await load('language.js');
const format = await load('format.js');

const OWN = new Set(['language.js', 'strings.js', 'strings_ko.js']);
const sources = [...readdirSync(STATIC), ...readdirSync(new URL('page', STATIC)).map(name => `page/${name}`)].filter(name => name.endsWith('.js') && !OWN.has(name))
  .map(name => [name, withoutComments(readFileSync(new URL(name, STATIC), 'utf8'))]);

function withoutComments(text) {
  return text.replace(/\/\*[^]*?\*\//g, '').replace(/(^|\s)\/\/ .*/g, '');
}

after(() => speak(['en']));

const textsOf = found => (typeof found === 'string' ? [found] : Object.values(found));
const blanks = found => [...new Set(textsOf(found).flatMap(text => text.match(/\{\w+\}/g) ?? []))].sort();

test('both languages have the same words to say', () => {
  assert.deepEqual(Object.keys(KO).sort(), Object.keys(EN).sort());
  for (const key of Object.keys(EN)) {
    if (EN[key] !== '') assert.deepEqual(blanks(KO[key]), blanks(EN[key]), key);
    assert.ok(textsOf(KO[key]).every(text => text !== ''), key);
  }
});

test('Korean is in Hangul, and no particle hangs on a name', () => {
  for (const [key, found] of Object.entries(KO)) {
    if (key.startsWith('compass.')) continue;
    for (const text of textsOf(found)) {
      assert.match(text, /[가-힣]/, key);
      assert.doesNotMatch(text, /\{(name|title|why|transport|text)\}[은는이가을를와과로]( |$)/, key);
    }
  }
});

test('what is asked for is there, and what is there is asked for', () => {
  const asked = new Set();
  const prefixes = [];
  for (const [, text] of sources) {
    // by its name, or by how it begins: t(`value.${name}`)
    for (const [, key] of text.matchAll(/'([a-z]+(?:\.\w+)+|compass)'/g)) asked.add(key);
    for (const [, prefix] of text.matchAll(/`([a-z]+\.(?:\w+\.)?)\$\{/g)) prefixes.push(prefix);
    for (const [, key] of text.matchAll(/\bt\('([^']+)'/g)) assert.ok(key in EN, key);
  }
  const unused = Object.keys(EN).filter(key => !asked.has(key) && !prefixes.some(prefix => key.startsWith(prefix)));
  assert.deepEqual(unused, []);
});

test('nothing that people read stands in the code', () => {
  const shown = [
    /\b(?:text|title|label|placeholder):\s*(['"`])((?:\$\{[^}]*\}|(?!\1).)*)\1/g,
    /\.(?:title|textContent|placeholder|innerText) = (['"`])((?:\$\{[^}]*\}|(?!\1).)*)\1/g,
    /setText\([^,]+, (['"`])((?:\$\{[^}]*\}|(?!\1).)*)\1/g,
    /'aria-(?:label|valuetext|description|roledescription)', (['"`])((?:\$\{[^}]*\}|(?!\1).)*)\1/g,
    /'aria-(?:label|valuetext|description)': (['"`])((?:\$\{[^}]*\}|(?!\1).)*)\1/g,
  ];
  const found = [];
  for (const [name, text] of sources) {
    for (const pattern of shown) {
      for (const [, , words] of text.matchAll(pattern)) {
        if (/\p{L}{2}/u.test(words.replace(/\$\{[^}]*\}/g, ''))) found.push(`${name}: ${words}`);
      }
    }
  }
  assert.deepEqual(found, []);
});

test('the first language of the reader that there are words for is spoken', () => {
  for (const [languages, expected] of [
    [['ko-KR', 'en'], 'ko-KR'], [['de', 'ko'], 'ko'], [['en-GB'], 'en-GB'], [['fr-FR'], 'en'], [[], 'en'],
  ]) {
    speak(languages);
    assert.equal(locale(), expected);
  }
});

test('one and many, figures, and what is filled in', () => {
  speak(['en']);
  assert.deepEqual([0, 1, 2, 10000].map(count => t('members.count', { count })), ['0 members', '1 member', '2 members', '10,000 members']);
  assert.equal(t('members.show', { name: '<b>$&{name}</b>' }), 'Show <b>$&{name}</b>');
  speak(['ko']);
  assert.equal(t('members.count', { count: 10000 }), '멤버 10,000명');
  assert.throws(() => t('no.such'), /no.such/);
});

test('numbers, units and times are the language\'s', () => {
  const at = new Date(2026, 10, 22, 9, 5, 7).getTime();
  speak(['ko-KR']);
  assert.deepEqual(
    [format.age(4000), format.age(3 * 3600e3 + 300e3), format.speed(10), format.battery(0.5), format.accuracy(5), format.heading(90)],
    ['4초', '3시간 5분', '36km/h', '50%', '±5m', '90° 동'],
  );
  assert.deepEqual([format.clockTime(at), format.clockSeconds(at), format.shortDay(at)], ['09:05', '09:05:07', '11월 22일']);
  speak(['en']);
  assert.deepEqual([format.clockTime(at), format.shortDay(at), format.since(at, at), format.since(at, at + 86400e3)], ['09:05', 'Nov 22', '09:05', 'Nov 22 09:05']);
  assert.deepEqual([60, 300, 3600, 86400, 604800, 42, 90.5].map(format.span), ['1 min', '5 min', '1 hr', '24 hr', '7 days', '42 sec', '90.5 sec']);
});
