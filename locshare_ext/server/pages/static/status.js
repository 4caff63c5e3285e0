// What the page says at its top: of all that could be said, the one thing that matters most.

/** Return {key, tone, values}: of the words `h.` and `d.`; tone is good, wait, bad or off. */
export function statusOf(state, now) {
  const say = (key, tone, values = {}) => ({ key, tone, values });
  if (!state.isSecure) return say('insecure', 'bad');
  if (state.isDeleted) return say('deleted', 'off');
  if (!state.token) return say('no_invite', 'bad');
  if (state.ended) return say(state.ended, 'bad', { at: state.me?.expires ?? null });
  const { me } = state;
  if (!me) return state.reach === 'ok' ? say('loading', 'wait') : say(state.reach === 'offline' ? 'first_offline' : 'first_gone', 'bad');
  if (!me.member) return say('naming', 'wait');
  if (!me.roles.includes('publish') && !me.roles.includes('manage')) return say('watching', 'good');
  if (state.isFull) return say('full', 'bad');
  if (!state.hasConsented) return say('consent', 'wait');
  if (!state.hasGeolocation) return say('no_geolocation', 'bad');
  if (!state.isOn) return say('off', 'off');
  if (state.pausedUntil > now) return say('paused', 'wait', { time: state.pausedUntil });
  if (state.geo === 'denied') return say('denied', 'bad');
  if (state.geo === 'no_position') return say('no_position', 'wait');
  if (state.reach !== 'ok') return say({ offline: 'offline', store: 'store_failed' }[state.reach] ?? 'gone', 'wait');
  return state.place ? say('sharing', 'good') : say('finding', 'wait');
}
