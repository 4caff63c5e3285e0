// Who of those who were invited is here, and what keeps the others away: the rules of `client/roster.py`.

export const LOW_BATTERY = 0.2;
// from what wants the host's eye most to what wants it least
export const STATES = ['lost', 'silent', 'no position', 'not joined', 'expired', 'revoked', 'here'];

/** Return a name as names are compared; by way of the capitals ß is ss, as the server has it. */
export const fold = name => name.toUpperCase().toLowerCase().normalize('NFC');

/** Return everybody, those who want the host's eye first, then by name; about, invites: as the server tells them. */
export function rosterOf(about, invites) {
  const [stale, lost] = [about.settings.stale ?? 60, about.settings.lost ?? 600].map(seconds => Math.round(seconds * 1000));
  const best = new Map(); // the last living one of a member, else the last
  for (const one of invites) {
    if (one.member === null) continue;
    const before = best.get(fold(one.member));
    if (!before || one.state === 'living' || before.state !== 'living') best.set(fold(one.member), one);
  }
  const fixed = new Map(about.members.map(one => [fold(one.member), one]));
  const people = [...new Set([...fixed.keys(), ...best.keys()])].map(key => person(key, fixed.get(key), best.get(key), stale, lost));
  return people.sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.isLow - a.isLow || (a.key < b.key ? -1 : 1));
}

function person(key, known, invite, stale, lost) {
  const heard = [known, invite].map(one => one?.heard_age ?? null).filter(age => age !== null);
  const heardAge = heard.length ? Math.min(...heard) : null;
  const age = known?.age ?? null;
  const battery = known?.fix.battery ?? null;
  return {
    key, member: (known ?? invite).member, state: stateOf(age, heardAge, invite?.state ?? null, stale, lost), age, heardAge,
    battery, isLow: battery !== null && battery <= LOW_BATTERY, accuracy: known?.fix.accuracy ?? null, invite: invite ?? null,
  };
}

function stateOf(age, heardAge, invite, stale, lost) {
  if (heardAge === null) return invite === 'living' || invite === null ? 'not joined' : invite;
  if (heardAge > lost) return 'lost';
  if (heardAge > stale) return 'silent';
  return age !== null && age <= stale ? 'here' : 'no position';
}

/** Return how many are in each state, in the order of STATES, without those in which nobody is. */
export function counted(people) {
  return STATES.map(state => [state, people.filter(one => one.state === state).length]).filter(([, count]) => count);
}

/** Return the names that a text has, one to a line or between commas, each once. */
export function namesIn(text) {
  const names = text.split(/[\n,;]/).map(name => name.trim()).filter(Boolean);
  return names.filter((name, at) => names.findIndex(one => fold(one) === fold(name)) === at);
}
