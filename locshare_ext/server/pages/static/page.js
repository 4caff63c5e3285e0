// Begins: takes the invite from the fragment, which browsers send nowhere, and wires buttons to the sharing.

import { Unreachable } from './api.js';
import { showApps } from './appcard.js';
import { openBox } from './box.js';
import { SmallMap } from './map.js';
import { Sharing } from './sharing.js';
import { ask, at, render, setLanguage } from './view.js';
import { spoken, t } from './words.js';

const BASE = new URL('./', location.href.split('#')[0]).href; // .../locshare/
const DOUBLE = 400; // ms in which a second tap is none
const scripts = new Map();

/** Bring a vendored script; returns the global that it makes. */
function load(name, global) {
  if (!scripts.has(name)) {
    scripts.set(name, new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = new URL(`share/${name}`, BASE).href;
      script.onload = () => resolve(window[global]);
      script.onerror = () => { scripts.delete(name); script.remove(); reject(new Error(`${name} is missing`)); };
      document.head.append(script);
    }));
  }
  return scripts.get(name);
}

let sharing = null;
let map = null;
let isDue = false;

/** Show the state once per frame at most; a hidden page too, as it may be looked at any time. */
function shown() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    const { state, others } = sharing;
    const list = others.list(state.me?.member, state.place, Date.now() - state.ahead);
    render(state, list);
    if (!at('apps').hidden) showApps(state, BASE);
    if (!at('group').hidden) showMap(state, list);
  });
}

function showMap(state, list) {
  if (map instanceof SmallMap) map.show(state.isOn ? state.place : null, t('me'), list);
  else {
    map ??= load('leaflet.js', 'L').then(L => { map = new SmallMap(L, at('map'), t('map.label')); shown(); }, () => { at('map').hidden = at('fit').hidden = true; });
  }
}

/** Take a double tap for one, where the second would undo the first. */
function onTap(id, work) {
  const button = at(id);
  button.addEventListener('click', () => {
    if (button.ariaDisabled === 'true') return;
    button.ariaDisabled = 'true';
    setTimeout(() => { button.ariaDisabled = null; }, DOUBLE);
    work();
  });
}

function wire(kept, given) {
  const on = (id, type, work) => at(id).addEventListener(type, work);
  on('language', 'click', () => { setLanguage(spoken() === 'en' ? 'ko' : 'en'); kept.set('language', spoken()); shown(); });
  onTap('share', () => sharing.share(!sharing.state.isOn));
  onTap('pause', () => sharing.pause());
  on('sos', 'click', () => ask('sos', () => sharing.sos()));
  on('delete', 'click', () => ask('delete', async () => { await sharing.remove(); await kept.set('token', null); await kept.set(`joined ${given}`, null); }));
  on('fit', 'click', () => map?.fit?.());
  on('awake', 'change', event => sharing.setAwake(event.target.checked));
  on('precision', 'change', event => sharing.setPrecision(Number(event.target.value) || null));
  on('agree', 'click', async () => { at('agree').disabled = true; await sharing.agree(); at('agree').disabled = false; window.scrollTo(0, 0); at('share').focus({ preventScroll: true }); });
  on('noting', 'submit', async event => {
    event.preventDefault();
    const text = at('note').value.trim();
    if (!text) return;
    at('note').value = '';
    await sharing.note(text);
  });
  on('naming', 'submit', event => { event.preventDefault(); if (!at('join').disabled) join(kept); });
}

/** Take a name with an open invite; from then on this phone comes with its own one. */
async function join(kept) {
  const refused = at('name-refused');
  refused.textContent = '';
  at('join').disabled = true;
  try {
    const token = await sharing.join(at('name').value.trim());
    await kept.set(`joined ${sharing.state.token}`, token);
    location.reload();
  } catch (error) {
    refused.textContent = error instanceof Unreachable ? t('name.unreachable') : error.code === 'member_taken' ? t('name.taken') : t('name.bad', { why: error.message });
    at('join').disabled = false;
    at('name').focus();
  }
}

async function begin() {
  const kept = await openBox(`${BASE} page`);
  setLanguage((await kept.get('language')) ?? navigator.language);
  const given = new URLSearchParams(location.hash.slice(1)).get('t') ?? (await kept.get('token'));
  if (given) await kept.set('token', given);
  sharing = new Sharing({ base: BASE, shown, load });
  wire(kept, given);
  window.addEventListener('hashchange', () => location.reload());
  setInterval(() => { sharing.tick(); shown(); }, 1000);
  if (navigator.serviceWorker) navigator.serviceWorker.register('share/worker.js', { scope: 'share' }).catch(() => {});
  navigator.storage?.persist?.().catch(() => {});
  await sharing.begin(given && ((await kept.get(`joined ${given}`)) ?? given));
  document.documentElement.dataset.ready = 'yes';
}

begin();
