// The roster and the invites of a group, as lists.

import { at, button, fill, make, say } from './dom.js';
import { counted, rosterOf } from './roster.js';
import { clock, metres, span, t } from './words.js';

const ROLES = { 'publish,watch': 'roles.both', publish: 'roles.publish', watch: 'roles.watch' };

/** Show who of a group is here; work: `card(invite)`. */
export function showRoster(about, invites, work) {
  const people = rosterOf(about, invites);
  say(at('group-title'), about.title);
  const told = counted(people).map(([state, count]) => `${count} ${t(`state.${state}`)}`);
  const low = people.filter(one => one.isLow).length;
  if (low) told.push(t('low', { n: low }));
  say(at('group-counts'), told.join(' · '));
  at('roster-none').hidden = people.length > 0;
  fill(at('roster'), people, one => one.key, () => personRow(work), updatePerson);
}

function personRow({ card }) {
  const row = make('li');
  const name = make('span', '', 'name');
  const show = button(t('card'), () => card(row.thing.invite));
  row.append(name, make('span', '', 'state'), make('span', '', 'why fine'), show);
  return row;
}

function updatePerson(row, one) {
  const [name, state, why, card] = row.children;
  say(name, one.member);
  row.dataset.state = one.state;
  say(state, t(`state.${one.state}`));
  const age = one.age === null ? '' : span(one.age);
  const values = { heard: span(one.heardAge ?? 0), age: one.state === 'no position' ? age && t('why.no position.age', { age }) : age };
  const told = [t(`why.${one.state}`, values)];
  if (one.accuracy !== null && one.state === 'here') told.push(t('accurate', { metres: metres(one.accuracy) }));
  if (one.battery !== null) told.push(t(one.isLow ? 'battery.low' : 'battery', { n: Math.round(one.battery * 100) }));
  row.classList.toggle('low', one.isLow);
  say(why, told.join(' · '));
  card.hidden = one.invite?.state !== 'living';
  card.setAttribute('aria-label', t('card.of', { name: one.member }));
}

export const nameOf = invite => invite.member ?? t('anyone');

/** Show the invites; work: `card(invite)`, `revoke(invite)`. */
export function showInvites(invites, work) {
  const newest = invites.toSorted((a, b) => b.created - a.created || (a.id < b.id ? -1 : 1));
  const [living, ended] = [newest.filter(one => one.state === 'living'), newest.filter(one => one.state !== 'living')];
  fill(at('invite-list'), living, one => one.id, () => inviteRow(work), updateInvite);
  fill(at('ended-list'), ended, one => one.id, () => make('li'), (row, one) => say(row, `${nameOf(one)} · ${t(`state.${one.state}`)}`));
  at('print').hidden = !living.length;
  at('ended').hidden = !ended.length;
}

function inviteRow({ card, revoke }) {
  const row = make('li');
  const ends = button(t('revoke'), () => revoke(row.thing), 'danger');
  row.append(make('span', '', 'name'), make('span', '', 'state'), make('span', '', 'why fine'), button(t('card'), () => card(row.thing)), ends);
  return row;
}

/** Return whether somebody has come by an invite. */
export const hasJoined = invite => (invite.member === null ? invite.used > 0 : invite.heard_age !== null);

function updateInvite(row, one) {
  const [name, state, why, card, ends] = row.children;
  say(name, nameOf(one));
  row.dataset.state = hasJoined(one) ? 'here' : 'not joined';
  say(state, one.member === null ? t('invite.open', { n: one.used }) : t(hasJoined(one) ? 'invite.joined' : 'invite.waiting'));
  say(why, t('invite.until', { roles: t(ROLES[one.roles.toSorted().join()] ?? 'roles.manage'), time: clock(one.expires) }));
  card.setAttribute('aria-label', t('card.of', { name: nameOf(one) }));
  ends.setAttribute('aria-label', t('revoke.of', { name: nameOf(one) }));
}
