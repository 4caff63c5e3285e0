// What the kernel says of errors and of its source, in the page's words where it has some for the code.

import { since } from './format.js';
import { has, t } from './language.js';

/** Return what people read for {code, values, text}: the words for the code, else the text as it came. */
export function worded({ code, values = {}, text }) {
  const key = `error.${code}`;
  return has(key) ? t(key, values) : text;
}

/** Return what there is to say of a source's status now, lines of text; empty when nothing. */
export function statusWords(status, wall) {
  const { state, code, values = {}, text, note } = status;
  if (state === 'live') return status.unrecorded ? unrecorded(status, wall) : fallback(status) || note || '';
  if (!code) return [headline(status, wall), text].filter(Boolean).join('\n'); // a source of somebody else's
  if (state === 'unknown_group') return t('status.unknownGroup', values);
  if (state === 'offline') return [t('status.offline', { time: since(status.since, wall) }), worded({ code, values, text: values.why ?? text }), t('status.again')].join(' ');
  return [worded(status), values.looked && `${t('status.looked')}\n${values.looked}`].filter(Boolean).join('\n');
}

/** Return by which way phones come to the server, one line; empty for who may not know. told: the server's verdict, see the API. */
export function phonesWords(told) {
  if (!told) return '';
  if (!told.page && !told.apps) return t('phones.none');
  return [t(told.page ? 'phones.page' : 'phones.apps', { url: told.url }), told.kind === 'private' ? t('phones.near') : ''].filter(Boolean).join(' ');
}

function headline({ state, since: began, text }, wall) {
  if (state === 'offline') return /^offline since/i.test(text) ? '' : t('status.offline', { time: since(began, wall) });
  return state === 'connecting' ? t('status.connecting') : '';
}

function unrecorded({ unrecorded: began, values = {} }, wall) {
  const time = since(began, wall);
  const first = values.why ? t('status.unrecordedWhy', { time, why: values.why }) : t('status.unrecorded', { time });
  return `${first} ${t('status.unrecordedNext')}`;
}

const fallback = ({ code, values }) => (code === 'fallback' ? t('status.fallback', values) : '');
