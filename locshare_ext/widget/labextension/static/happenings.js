// What happened besides fixes, as the timeline needs it: in order of a clock, next to one another, and by the px.

const NEAR = 7; // px, within which ticks are one

/** Return events from the kernel's rows, [time, received, kind, member, text, id, [lat, lon] or null], in order of a clock. */
export function eventsOf(rows, clock) {
  const events = rows.map(([time, received, kind, member, text, id, place]) => (
    { at: clock === 'received' ? received : time, received, kind, member, text, id, place: place ?? null }));
  return events.sort((a, b) => a.at - b.at);
}

/** Return the next event after a moment, or the last one before it (direction -1), of one kind or of all; null without. */
export function nextOf(events, moment, direction, kind = null) {
  const found = events.filter(event => (direction > 0 ? event.at > moment : event.at < moment) && (kind === null || event.kind === kind));
  return (direction > 0 ? found[0] : found[found.length - 1]) ?? null;
}

const SAID = new Set(['note', 'message', 'sos']);
const read = new WeakMap(); // what was made of each telling of the kernel

/** Return all that people have said, as far as the kernel has told of it, in order of when it was about. */
export function notesOf({ told }) {
  const said = told.events;
  if (!said) return [];
  if (!read.has(said)) read.set(said, eventsOf(said.events, 'time').filter(event => SAID.has(event.kind)));
  return read.get(said);
}

const KEPT = 86400000; // ms for which a call for help is told that nobody has seen

/** Return whether something that was said is a call for help, to a live group, that waits to be seen on this page. */
export const isUnseen = (session, { kind, member, received }) => // by the server's clock: that of a phone may be wrong
  kind === 'sos' && session.model.get('mode') === 'live' && session.wall() - received < KEPT && received > (session.seenCalls.get(member) ?? -Infinity);

/** Return the calls for help that nobody here has seen, the newest of each member, newest first. */
export function callsOf(session) {
  const newest = new Map();
  for (const call of notesOf(session)) {
    if (!isUnseen(session, call)) continue;
    if (!(newest.get(call.member)?.received > call.received)) newest.set(call.member, call);
  }
  return [...newest.values()].sort((a, b) => b.received - a.received);
}

/** Return the newest note about a member (its name) up to a moment, null without. */
export function noteAbout(session, member, moment) {
  return notesOf(session).findLast(note => note.member === member && note.at <= moment) ?? null;
}

/** Return [{x, events}] of the events in a range [from, to], on a strip of so many px; near ones together. */
export function ticksOf(events, [from, to], width) {
  const ticks = [];
  for (const event of events) {
    if (event.at < from || event.at > to) continue;
    const x = (event.at - from) / (to - from) * width;
    const last = ticks[ticks.length - 1];
    if (last && x - last.x < NEAR) last.events.push(event); else ticks.push({ x, events: [event] });
  }
  return ticks;
}
