// Whether the server works, and by which address phones come.

import { sentence } from './cards.js';
import { at, say } from './dom.js';
import { span, t } from './words.js';

/** Show it; health: of `api/health`. reach: how phones come, null if that is not told to who asks. */
export function showHealth(health, reach) {
  const { store } = health;
  const works = store.works && (!reach || reach.page);
  at('health').dataset.tone = works ? 'good' : store.works ? 'wait' : 'bad';
  say(at('health-phones'), reach ? phones(reach) : '');
  say(at('health-todo'), reach ? sentence(reach) : '');
  say(at('health-store'), !store.works ? t('health.broken', { why: store.error ?? '' }) : t(store.persistent ? 'health.store' : 'health.memory'));
  const kept = health.retention.age;
  say(at('health-facts'), t(kept ? 'health.facts' : 'health.facts.ever', { version: health.version, connections: health.connections ?? '–', span: span((kept ?? 0) * 1000) }));
  at('health-again').hidden = !reach;
}

function phones(reach) {
  if (reach.page) return t('health.phones', { url: reach.url });
  return reach.apps ? t('health.apps', { url: reach.url }) : t('health.none');
}
