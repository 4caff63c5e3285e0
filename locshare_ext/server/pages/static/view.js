// What is seen: the page's elements as the state says; knows no network and no box.

import { Unreachable } from './api.js';
import { hideApps } from './appcard.js';
import { statusOf } from './status.js';
import { clock, metres, span, speak, spoken, t } from './words.js';

const WRONG = 60000; // ms by which a clock is worth a word

export const at = id => document.getElementById(id);

/** Set an element's text if it is another: screen readers read what changes, and only that. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make a list have these texts, or elements. */
function fill(list, items) {
  const key = items.map(item => (typeof item === 'string' ? item : item.textContent + item.className)).join('\n');
  if (list.dataset.key === key && list.childElementCount) return;
  list.dataset.key = key;
  list.replaceChildren(...items.map(item => {
    if (typeof item !== 'string') return item;
    const line = document.createElement('li');
    line.textContent = item;
    return line;
  }));
}

/** Speak a language: all that stands still is said in it. */
export function setLanguage(tag) {
  document.documentElement.lang = speak(tag);
  for (const element of document.querySelectorAll('[data-t]')) say(element, t(element.dataset.t));
  say(at('language'), t('language'));
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', t(element.dataset.label));
  at('language').lang = spoken() === 'en' ? 'ko' : 'en';
  at('bar').setAttribute('aria-label', t('bar'));
  say(at('ask-no'), t('no'));
}

/** Show a state; others: as `Others.list` has them. */
export function render(state, others, now = Date.now()) {
  const status = statusOf(state, now);
  const { me } = state;
  const isIn = Boolean(me?.member) && !state.ended && !state.isDeleted && state.isSecure;
  const shares = isIn && (me.roles.includes('publish') || me.roles.includes('manage'));
  const isReady = shares && state.hasConsented;
  document.title = me?.title ? `${me.title} · locshare` : 'locshare';
  say(at('title'), me?.title ?? 'locshare');
  say(at('who'), me?.member ? `${t('as', { member: me.member })} · ${t('until', { time: clock(me.expires, now) })}` : '');
  head(state, status, now);
  at('naming').hidden = status.key !== 'naming';
  at('consent').hidden = status.key !== 'consent';
  at('settings').hidden = at('noting').hidden = at('bar').hidden = at('apps').hidden = !isReady;
  at('about').hidden = !isIn || status.key === 'consent';
  at('group').hidden = !isIn || !state.watches || status.key === 'consent';
  if (isIn) facts(state, now);
  if (isReady) controls(state, now);
  else hideApps();
  said(state, now);
  if (isIn && state.watches) members(state, others, now);
  at('gaps').hidden = !isReady || !state.gaps.length;
  fill(at('gaps').querySelector('ul'), state.gaps.slice(-5).reverse().map(gap => t(`gap.${gap.reason}`, { from: clock(gap.from, now), until: clock(gap.until, now) })));
}

function head(state, { key, tone, values }, now) {
  if (tone === 'bad' && at('status').dataset.key !== key) window.scrollTo(0, 0); // it must not be missed
  at('status').dataset.tone = tone;
  at('status').dataset.key = key;
  say(at('headline'), t(`h.${key}`, { time: values.time ? clock(values.time, now) : '' }));
  const detail = key === 'offline' && !state.isKept ? 'volatile' : key;
  say(at('detail'), t(`d.${detail}`, { at: values.at ? ` (${clock(values.at, now)})` : '' }));
  const told = [];
  const isSharing = state.me && state.isOn && !state.ended && !state.isDeleted;
  if (isSharing && state.sentAt) told.push(t('facts.sent', { time: clock(state.sentAt, now) }));
  if (isSharing && state.place?.accuracy) told.push(t('facts.accuracy', { metres: metres(state.place.accuracy) }));
  if (state.waiting && !state.isDeleted) told.push(t('facts.waiting', { n: state.waiting }));
  if (state.me && Math.abs(state.ahead) >= WRONG) told.push(t(state.ahead > 0 ? 'facts.ahead' : 'facts.behind', { span: span(Math.abs(state.ahead)) }));
  if (isSharing && state.sentAt && state.way && state.reach === 'ok') told.push(t('facts.by', { way: t(`way.${state.way}`) }));
  say(at('facts'), told.join(' · '));
}

function facts({ me, hasConsented }, now) {
  const { sharing } = me;
  const names = sharing.watchers.length ? `, ${sharing.watchers.join(', ')}` : '';
  const told = [t('fact.what'), t('fact.watch', { names })];
  if (sharing.open_watchers) told.push(t('fact.watch.open'));
  told.push(t('fact.until', { time: clock(me.expires, now) }));
  told.push(sharing.retention ? t('fact.kept', { span: span(sharing.retention * 1000) }) : t('fact.kept.ever'));
  if (sharing.ephemeral) told.push(t('fact.ephemeral'));
  if (sharing.recordings.length) told.push(t('fact.recording', { names: sharing.recordings.join(', ') }));
  told.push(t('fact.delete'));
  fill(at('consent-facts'), told);
  say(at('consent-host'), me.consent ?? '');
  say(at('consent-version'), t('consent.version', { version: me.consent_version }));
  fill(at('about-facts'), hasConsented ? [...told, t('fact.consented', { version: me.consent_version })] : told);
}

function controls(state, now) {
  const isPaused = state.isOn && state.pausedUntil > now;
  say(at('share'), t(state.isOn ? 'stop' : 'start'));
  at('share').setAttribute('aria-checked', String(state.isOn));
  say(at('pause'), t(isPaused ? 'resume' : 'pause'));
  at('pause').disabled = !state.isOn;
  say(at('sos'), t('sos'));
  const least = state.me.sharing.group_precision ?? 0;
  for (const input of at('precision').querySelectorAll('input')) {
    input.checked = input.value === String(state.precision ?? '');
    input.disabled = Number(input.value) < least;
  }
  const shown = Math.max(state.precision ?? 0, least);
  say(at('precision-note'), least > (state.precision ?? 0) ? t('precision.group', { metres: metres(least) }) : shown ? t('precision.on', { metres: metres(shown) }) : '');
  at('awake').checked = state.isAwake;
  at('awake').disabled = !state.canStayAwake;
  say(at('awake-note'), t(state.canStayAwake ? 'awake.on' : 'awake.no'));
  say(at('noted'), state.noted ? t(`note.${state.noted}`) : '');
}

function said(state, now) {
  const lines = state.messages.slice(-5).reverse().map(({ text, time, member, kind }) => {
    const line = document.createElement('li');
    const moment = document.createElement('time');
    moment.textContent = clock(time, now);
    line.className = kind;
    line.append(kind === 'sos' ? `SOS · ${member}: ${t('sos.word')} ` : `${text} `, moment);
    return line;
  });
  if (state.sos) {
    const line = document.createElement('li');
    line.textContent = state.sos.sent ? t('sos.sent', { time: clock(state.sos.sent, now) }) : t('sos.waits');
    lines.unshift(line);
  }
  at('messages').hidden = !lines.length || state.isDeleted;
  fill(at('messages').querySelector('ul'), lines);
}

function members(state, others, now) {
  const ages = others.map(({ member, age, distance, calls }) => {
    const line = document.createElement('li');
    const [name, rest] = [document.createElement('span'), document.createElement('span')];
    name.textContent = calls ? `${member} — ${t('sos.word')}` : member;
    const old = age < 10000 ? t('now') : t('ago', { span: span(age) });
    rest.textContent = distance === null ? old : `${old} · ${metres(distance)}`;
    line.className = calls ? 'calls' : '';
    line.append(name, rest);
    return line;
  });
  fill(at('members'), ages.length ? ages : [t('unseen')]);
}

/** Ask before something that cannot be taken back; `work` may throw a reason not to close. Returns nothing. */
export function ask(what, work) {
  say(at('ask-title'), t(`${what}.title`));
  say(at('ask-text'), t(`${what}.text`));
  say(at('ask-yes'), t(`${what}.yes`));
  say(at('ask-refused'), '');
  at('ask-yes').onclick = async () => {
    at('ask-yes').disabled = true;
    try {
      await work();
      at('ask').close();
    } catch (error) {
      say(at('ask-refused'), error instanceof Unreachable ? t(`${what}.unreachable`) : t(`${what}.refused`, { why: error.message }));
    } finally {
      at('ask-yes').disabled = false;
    }
  };
  at('ask-no').onclick = () => at('ask').close();
  at('ask').showModal();
  at('ask-no').focus();
}
