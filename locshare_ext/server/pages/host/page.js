// Begins: finds out who has come, asks the server every few seconds, and wires the forms to it.

import { given, isHost, isInvite, pasted } from './access.js';
import { Api, Refusal, Unreachable } from './api.js';
import { closed, copy, printCards, showCard, tick } from './cards.js';
import { at, button, fill, forget, make, say } from './dom.js';
import { showHealth } from './health.js';
import { nameOf, showInvites, showRoster } from './people.js';
import { download, showRecordings } from './recordings.js';
import { namesIn } from './roster.js';
import { chosenSettings, forgetSettings, showSettings } from './settings.js';
import { clock, spoken, speak, t } from './words.js';

const BASE = new URL('./', location.href.split('#')[0]).href; // .../locshare/
const KEPT = `locshare host ${BASE}`; // of this tab alone
const EVERY = 4000; // ms
const LISTS = ['roster', 'invite-list', 'ended-list', 'recording-list', 'groups-list'];

let api = null;
let seen = null; // what the server told last
let group = null;
let only = null; // the group that an invite is for, and no other
let reach = null;
let asking = null; // the round that is under way
let timer = null;

const path = (...parts) => ['groups', group, ...parts].map(encodeURIComponent).join('/');

function language(tag) {
  document.documentElement.lang = speak(tag);
  for (const element of document.querySelectorAll('[data-t]')) say(element, t(element.dataset.t));
  say(at('language'), t('language'));
  at('language').lang = spoken() === 'en' ? 'ko' : 'en';
  for (const id of LISTS) forget(at(id));
  if (seen) show();
}

/** Ask for all that is seen. */
async function look() {
  const mine = group;
  const told = { health: await api.ask('GET', 'health'), groups: [], about: null, invites: null, recordings: null, at: Date.now() };
  if (only === null) ({ groups: told.groups } = await api.ask('GET', 'groups'));
  if (mine && (only !== null || told.groups.some(one => one.group === mine))) {
    told.about = await api.ask('GET', path());
    told.invites = await part(path('invites'), 'invites');
    told.recordings = await part(`recordings?group=${encodeURIComponent(mine)}`, 'recordings');
  }
  if (only !== null) told.groups = [{ group: only, title: told.about.title, members: Object.keys(told.about.counts).length }];
  return mine === group ? told : look();
}

/** Return a part of an answer; null if this host may not ask for it, or not at this address, as where phones come. */
async function part(where, name) {
  try {
    return (await api.ask('GET', where))[name];
  } catch (error) {
    if (error instanceof Refusal && [403, 404].includes(error.status)) return null;
    throw error;
  }
}

/** Look again, now, and from then on every few seconds while the page is seen. */
function refresh() {
  clearTimeout(timer);
  asking ??= look().then(told => { seen = told; show(); notice(''); }, trouble).finally(() => {
    asking = null;
    document.documentElement.dataset.ready = 'yes';
    clearTimeout(timer);
    if (api && document.visibilityState === 'visible') timer = setTimeout(refresh, EVERY);
  });
  return asking;
}

/** Do something with the server, then show what has come of it. Says what went wrong in `why`. */
async function done(why, work) {
  say(why, '');
  try {
    await work();
    await asking; // what was asked before may not know of it
    await refresh();
    return true;
  } catch (error) {
    say(why, t('failed', { why: error.message }));
    return false;
  }
}

function trouble(error) {
  if (error instanceof Refusal && [401, 403, 410].includes(error.status)) return signin(api.token ? error : null);
  if (!(error instanceof Unreachable) && !(error instanceof Refusal)) throw error;
  notice(error instanceof Unreachable ? t('offline', { time: seen ? clock(seen.at) : '–' }) : t('failed', { why: error.message }));
}

function notice(text) {
  say(at('notice'), text);
  at('notice').hidden = !text;
}

function show() {
  const { health, groups, about, invites, recordings } = seen;
  at('all').hidden = false;
  at('signin').hidden = true;
  showHealth(health, reach ?? health.phones);
  at('groups-none').hidden = groups.length > 0;
  fill(at('groups-list'), groups, one => one.group, groupRow, updateGroup);
  at('group').hidden = !about;
  if (!about) return;
  showRoster(about, invites ?? [], { card });
  at('invites').hidden = !invites;
  at('recordings').hidden = !recordings;
  showInvites(invites ?? [], { card, revoke });
  tick(invites ?? []);
  showRecordings(recordings ?? [], {
    stop: one => done(at('recording-why'), () => api.ask('PATCH', `recordings/${one.id}`, { stop: true })),
    download: one => download(api, one).catch(error => say(at('recording-why'), t('failed', { why: error.message }))),
  });
  showSettings(about, health.retention.age);
}

function groupRow(one) {
  const row = make('li');
  const choice = button('', () => choose(row.thing.group, true));
  choice.append(make('span', '', 'name'), make('span', '', 'fine'));
  row.append(choice);
  return row;
}

function updateGroup(row, one) {
  const [choice] = row.children;
  say(choice.children[0], one.title);
  say(choice.children[1], t(one.members === 1 ? 'groups.one' : 'groups.members', { n: one.members }));
  choice.setAttribute('aria-current', String(one.group === group));
}

/** Show another group, and name it in the address: a page that is loaded again shows it again. */
async function choose(slug, isByHand = false) {
  group = slug;
  history.replaceState(null, '', slug ? `#g=${encodeURIComponent(slug)}` : location.pathname);
  forgetSettings();
  for (const id of ['roster', 'invite-list', 'ended-list', 'recording-list']) forget(at(id));
  await asking;
  await refresh();
  if (isByHand && !at('group').hidden) {
    at('group-title').focus({ preventScroll: true });
    at('group').scrollIntoView({ block: 'start' });
  }
}

const card = invite => showCard(api, seen.about, invite);

function revoke(invite) {
  say(at('ask-title'), t('revoke.title', { name: nameOf(invite) }));
  say(at('ask-text'), t('revoke.text'));
  say(at('ask-yes'), t('revoke'));
  say(at('ask-why'), '');
  at('ask-yes').onclick = async () => {
    at('ask-yes').disabled = true;
    if (await done(at('ask-why'), () => api.ask('DELETE', path('invites', invite.id)))) at('ask').close();
    at('ask-yes').disabled = false;
  };
  at('ask').showModal();
  at('ask-no').focus();
}

async function invite() {
  const wish = { roles: at('roles').value, expires_in: Number(at('lasting').value) };
  const names = namesIn(at('names').value);
  const made = [];
  const isDone = await done(at('inviting-why'), async () => {
    for (const member of names.length ? names : [null]) {
      made.push(await api.ask('POST', path('invites'), member === null ? wish : { ...wish, member }));
      at('names').value = names.slice(made.length).join('\n'); // whom it failed for stays
    }
  });
  if (isDone && made.length === 1) await card(made[0]);
}

async function print() {
  const living = seen.invites.filter(one => one.state === 'living');
  try {
    say(at('inviting-why'), await printCards(api, seen.about, living));
  } catch (error) {
    say(at('inviting-why'), t('failed', { why: error.message }));
  }
}

/** Have the address tried by which phones come; who may not ask for that sees nothing of it. */
async function tryPhones() {
  if (seen?.health.phones) say(at('health-todo'), t('health.trying'));
  reach = await api.ask('GET', 'phones').then(told => told.reach, () => null);
  if (seen) show();
}

function wire() {
  const on = (id, type, work) => at(id).addEventListener(type, work);
  const submit = (id, work) => on(id, 'submit', async event => {
    event.preventDefault();
    const press = event.target.querySelector('[type=submit]');
    press.disabled = true;
    await work().finally(() => { press.disabled = false; });
  });
  on('language', 'click', () => { language(spoken() === 'en' ? 'ko' : 'en'); localStorage.setItem('locshare language', spoken()); });
  on('leave', 'click', () => { sessionStorage.removeItem(KEPT); location.reload(); });
  on('health-again', 'click', tryPhones);
  on('print', 'click', print);
  on('copy', 'click', copy);
  on('card-close', 'click', () => at('card').close());
  on('card', 'close', closed);
  on('ask-no', 'click', () => at('ask').close());
  submit('entering', () => enter(pasted(at('token').value)));
  submit('making', async () => {
    let made;
    if (await done(at('making-why'), async () => { made = await api.ask('POST', 'groups', { title: at('new-title').value.trim() }); })) {
      at('new-title').value = '';
      await choose(made.group, true);
    }
  });
  submit('inviting', invite);
  submit('recording', async () => {
    const name = at('recording-name').value.trim();
    if (await done(at('recording-why'), () => api.ask('POST', 'recordings', { group, name }))) at('recording-name').value = '';
  });
  submit('setting', async () => {
    say(at('setting-done'), '');
    if (await done(at('setting-why'), () => api.ask('PATCH', path(), chosenSettings()))) say(at('setting-done'), t('settings.saved'));
  });
  document.addEventListener('visibilitychange', () => { if (api && document.visibilityState === 'visible') refresh(); });
  window.addEventListener('hashchange', () => location.reload()); // another link was opened in this tab
}

function signin(error) {
  api = null;
  sessionStorage.removeItem(KEPT);
  const login = document.documentElement.dataset.login;
  at('all').hidden = at('leave').hidden = true;
  at('signin').hidden = false;
  at('signin-login').hidden = !login;
  if (login) at('login').href = login;
  say(at('signin-why'), error ? t('signin.bad', { why: error.message }) : '');
  at('token').value = '';
}

/** Come with a credential, null: as whom the browser's cookies name. Who has no use for this page is led on. */
async function enter(token) {
  const share = `share#t=${token}`; // it also says what is wrong with an invite
  const asked = new Api(BASE, token);
  let me;
  try {
    me = await asked.ask('GET', 'me');
  } catch (error) {
    if (isInvite(token)) return location.replace(share);
    if (error instanceof Refusal) return signin(token ? error : null);
    notice(t('offline', { time: '–' }));
    timer = setTimeout(() => enter(token), EVERY);
    return null;
  }
  if (!isHost(me)) return location.replace(share);
  notice('');
  api = asked;
  if (token) sessionStorage.setItem(KEPT, token);
  at('leave').hidden = !token;
  at('making').hidden = me.group !== null;
  only = me.group;
  group = only ?? group;
  await refresh();
  if (group === null && seen?.groups.length === 1) await choose(seen.groups[0].group);
  return me.group === null ? tryPhones() : null;
}

async function begin() {
  const told = given(location.hash);
  group = told.group;
  language(localStorage.getItem('locshare language') ?? navigator.language);
  wire();
  // a token does not stay in the address, which is shown, kept and sent on
  if (told.token) history.replaceState(null, '', group ? `#g=${encodeURIComponent(group)}` : location.pathname);
  await enter(told.token ?? sessionStorage.getItem(KEPT));
  document.documentElement.dataset.ready = 'yes';
}

begin();
