// The language of the page: which words, and how numbers and times are written.

import { EN } from './strings.js';
import { KO } from './strings_ko.js';

const TABLES = new Map([['en', EN], ['ko', KO]]);

let words = EN;
let tag = 'en';
let plurals = new Intl.PluralRules('en');
let count = new Intl.NumberFormat('en');
const changed = [];

/** Speak the first of a reader's languages (BCP 47 tags, best first) that there are words for, else English. */
export function speak(languages) {
  const found = languages.find(one => TABLES.has(one.split('-')[0].toLowerCase()));
  tag = found ?? 'en';
  words = TABLES.get(tag.split('-')[0].toLowerCase());
  plurals = new Intl.PluralRules(tag);
  count = new Intl.NumberFormat(tag);
  changed.forEach(listener => listener());
}

/** Return the language as a tag for `Intl` and `lang`: with the reader's region, where it has one. */
export const locale = () => tag;

/** Call when another language is spoken: what `Intl` made for the one before is of no use. */
export function onLanguage(listener) { changed.push(listener); }

/** Return whether there are words for a key. */
export const has = key => Object.hasOwn(words, key);

/**
 * Return what people read for a key of strings.js, with `{name}` replaced by `values.name`.
 * Numbers are written as the language does; `values.count` chooses between one and many.
 */
export function t(key, values = {}) {
  const found = words[key];
  if (found === undefined) throw new Error(`there are no words for ${key}`);
  const text = typeof found === 'string' ? found : found[plurals.select(values.count)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === 'number' ? count.format(values[name]) : values[name] ?? ''));
}

speak(globalThis.navigator?.languages ?? []);
