// The recordings of a group: listed, stopped, taken home as a file.

import { at, button, fill, make, say } from './dom.js';
import { clock, t } from './words.js';

/** Show them, the newest first; work: `stop(recording)`, `download(recording)`. */
export function showRecordings(recordings, work) {
  const newest = recordings.toSorted((a, b) => b.created - a.created);
  fill(at('recording-list'), newest, one => one.id, () => row(work), update);
}

function row({ stop, download }) {
  const made = make('li');
  const ends = button(t('recordings.stop'), () => stop(made.thing));
  made.append(make('span', '', 'name'), make('span', '', 'why fine'), button(t('recordings.file'), () => download(made.thing)), ends);
  return made;
}

function update(made, one) {
  const [name, why, file, stop] = made.children;
  const runs = one.until === null;
  say(name, one.name);
  made.dataset.state = runs ? 'running' : 'closed';
  const told = [t(`recording.${runs ? 'running' : one.state}`, { time: clock(one.since), until: runs ? '' : clock(one.until) })];
  if (one.interruptions.length) told.push(t('recording.away', { n: one.interruptions.length }));
  say(why, told.join(' · '));
  file.setAttribute('aria-label', t('file.of', { name: one.name }));
  stop.setAttribute('aria-label', t('stop.of', { name: one.name }));
  stop.hidden = !runs;
}

/** Have the browser keep a recording as a file. With a cookie it does so by itself, whatever the size. */
export async function download(api, recording) {
  const link = make('a');
  link.download = `${recording.name.replace(/[^\p{L}\p{N} _-]/gu, '_')}.gpkg`;
  const path = `recordings/${recording.id}/file`;
  let made = null;
  if (api.token) made = URL.createObjectURL(await (await api.open('GET', path, undefined, null)).blob());
  link.href = made ?? new URL(`api/${path}`, api.base).href;
  document.body.append(link);
  link.click();
  link.remove();
  if (made) setTimeout(() => URL.revokeObjectURL(made), 60000);
}
