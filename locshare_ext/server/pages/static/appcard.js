// The apps as they are seen: one line each, to be set up by a tap or by an address that is copied.

import { APPS, platformOf, ways } from './apps.js';
import { spoken, t } from './words.js';

const at = id => document.getElementById(id);

/** Show the ways in of an invite, {token, me}; address: of `locshare/`. Made anew only when something is another. */
export function showApps({ token, me }, address) {
  const key = [spoken(), token, me.member].join('\n');
  if (at('ways').dataset.key === key) return;
  at('ways').dataset.key = key;
  at('pasted').value = '';
  at('pasted').hidden = true;
  at('copied').textContent = '';
  at('ways').replaceChildren(...ways(address, token, me.member, platformOf(navigator)).map(line));
}

/** Leave no invite on a page that shares no more. */
export function hideApps() {
  at('ways').dataset.key = at('pasted').value = '';
  at('ways').replaceChildren();
}

function line({ app, open, paste }) {
  const { name, platforms } = APPS[app];
  const [item, said, where] = ['li', 'span', 'small'].map(tag => document.createElement(tag));
  where.textContent = platforms.map(one => t(`on.${one}`)).join(', ');
  said.append(name, where);
  item.append(said, copier(app, name, paste));
  if (open) {
    const link = document.createElement('a');
    link.href = open;
    link.textContent = t('apps.open');
    link.setAttribute('aria-label', `${name}: ${t('apps.open')}`);
    item.append(link);
  }
  return item;
}

function copier(app, name, text) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = t('apps.copy');
  button.setAttribute('aria-label', `${name}: ${t('apps.copy')}`);
  button.addEventListener('click', async () => {
    const isCopied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    at('copied').textContent = t(isCopied ? 'apps.copied' : 'apps.by_hand', { where: t(`apps.${app}`) });
    at('pasted').hidden = Boolean(isCopied);
    if (!isCopied) { // some browsers forbid it: the person can
      at('pasted').value = text;
      at('pasted').select();
      at('pasted').scrollIntoView({ block: 'nearest' });
    }
  });
  return button;
}
