// An invite's card: its code, its link, a way in for each app; and a sheet of all to print.

import { at, make, picture, say } from './dom.js';
import { hasJoined, nameOf } from './people.js';
import { clock, t } from './words.js';

let shown = null; // the invite whose card is open

const waysOf = (api, group, invite) => api.ask('GET', `groups/${encodeURIComponent(group)}/invites/${invite.id}/ways`);

/** What is wrong and what to do, as one sentence. */
export function sentence({ reason, todo }) {
  const text = todo ? `${reason}: ${todo}.` : reason && `${reason}.`;
  return text.startsWith('http') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** Open the card of an invite; where no phone could come there is a sentence in place of a code. */
export async function showCard(api, about, invite) {
  shown = invite;
  say(at('card-title'), t('card.title', { name: nameOf(invite) }));
  say(at('card-group'), t('card.until', { group: about.title, time: clock(invite.expires) }));
  at('card-code').replaceChildren(make('p', t('card.trying')));
  for (const id of ['card-why', 'copied']) say(at(id), '');
  at('card-link').hidden = at('card-apps').hidden = at('card-secret').hidden = true;
  at('card-apps').open = false;
  tick([invite]);
  at('card').showModal();
  try {
    const told = await waysOf(api, about.group, invite);
    if (shown === invite) lay(told);
  } catch (error) {
    if (shown === invite) lay({ ways: [], reason: t('failed', { why: error.message }), todo: '' });
  }
}

function lay(told) {
  const browser = told.ways.find(one => one.app === 'browser');
  at('card-code').replaceChildren(...(browser ? [picture(browser.code, t('card.scan')), make('p', t('card.scan'), 'fine')] : []));
  say(at('card-why'), sentence(told));
  at('card-why').classList.toggle('mild', Boolean(browser));
  at('card-link').hidden = !browser;
  at('link').value = browser?.link ?? '';
  const apps = told.ways.filter(one => one.app !== 'browser');
  at('card-apps').hidden = !apps.length;
  at('card-secret').hidden = !told.ways.length;
  at('apps').replaceChildren(...apps.map(appRow));
}

function appRow(way) {
  const row = make('li');
  const field = make('input');
  field.readOnly = true;
  field.value = way.link;
  field.setAttribute('aria-label', t(`app.${way.app}`));
  field.addEventListener('focus', () => field.select());
  row.append(make('p', t(`app.${way.app}`)), ...(way.code ? [picture(way.code, t(`app.${way.app}`))] : []), field);
  return row;
}

/** Say on the open card whether its invite was used; invites: as they are now. */
export function tick(invites) {
  const now = shown && invites.find(one => one.id === shown.id);
  if (now) say(at('card-joined'), hasJoined(now) ? t('card.joined', { name: nameOf(now) }) : '');
}

/** Forget the card: nothing that is secret stays on the page. */
export function closed() {
  shown = null;
  at('link').value = '';
  at('card-code').replaceChildren();
  at('apps').replaceChildren();
}

export async function copy() {
  at('link').select();
  try {
    await navigator.clipboard.writeText(at('link').value); // on https pages alone
    say(at('copied'), t('card.copied'));
  } catch {
    say(at('copied'), t('card.select'));
  }
}

/** Print the cards of invites, a code each; returns why not, empty if they were printed. */
export async function printCards(api, about, invites) {
  const cards = [];
  for (const invite of invites) {
    const told = await waysOf(api, about.group, invite);
    const browser = told.ways.find(one => one.app === 'browser');
    if (!browser) return sentence(told); // for the others it is the same
    const card = make('section');
    const words = make('div');
    words.append(make('h2', nameOf(invite)), make('p', t('card.until', { group: about.title, time: clock(invite.expires, 0) })), make('p', t('card.scan')), make('p', t('card.secret'), 'fine'));
    card.append(picture(browser.code, t('card.scan')), words);
    cards.push(card);
  }
  at('sheet').replaceChildren(...cards); // seen on paper alone
  window.addEventListener('afterprint', () => at('sheet').replaceChildren(), { once: true });
  window.print();
  return '';
}
