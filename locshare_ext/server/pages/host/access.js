// Who has come: the host, or somebody with an invite who followed its link.

/** Return what an address's fragment says: a credential, and the group that is meant. */
export function given(hash) {
  const told = new URLSearchParams(hash.replace(/^#/, ''));
  return { token: told.get('t')?.trim() || null, group: told.get('g') || null };
}

/** Return the credential in what somebody pasted: a whole link, or the credential alone. */
export function pasted(text) {
  const at = text.indexOf('#');
  return (at < 0 ? text.trim() : given(text.slice(at)).token) || null;
}

export const isInvite = token => Boolean(token?.startsWith('lsi_'));

/** Return whether this page is of use to the holder of a credential; who may only share or watch has the share page. */
export const isHost = me => me.kind !== 'invite' || me.roles.includes('manage');
