// A group's settings as a form.

import { at, say } from './dom.js';
import { span, t } from './words.js';

const HOUR = 3600; // s
let filled = null; // the group that the form shows: what is being typed is not written over

/** Show a group's settings, unless they are being changed. retention: the server's own, s; null for ever. */
export function showSettings(about, retention) {
  say(at('retention-note'), retention ? t('settings.note', { span: span(retention * 1000) }) : t('settings.ever'));
  if (filled === about.group) return;
  filled = about.group;
  const { title, stale, lost, retention: kept, consent } = about.settings;
  at('set-title').value = title;
  at('set-stale').value = stale;
  at('set-lost').value = lost;
  at('set-retention').value = kept === null ? '' : kept / HOUR;
  at('set-consent').value = consent ?? '';
  for (const id of ['setting-why', 'setting-done']) say(at(id), '');
}

/** Return what the form says, as the server takes it; what is empty is reset. */
export function chosenSettings() {
  const kept = at('set-retention').value;
  return {
    title: at('set-title').value.trim(), stale: Number(at('set-stale').value), lost: Number(at('set-lost').value),
    retention: kept === '' ? null : Math.round(Number(kept) * HOUR), consent: at('set-consent').value.trim() || null,
  };
}

export const forgetSettings = () => { filled = null; };
