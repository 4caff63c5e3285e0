// Where the others are: the newest fix of each, and how old it is.

const STALE = 60000; // ms
const LOST = 600000;
const RADIUS = 6371008.8; // m

export class Others {
  constructor() {
    this.newest = new Map(); // folded name -> fix
    this.calls = new Map(); // folded name -> ms of the last call for help
  }

  /** Take fixes of any age; returns whether anything is new. */
  take(fixes) {
    let isNew = false;
    for (const fix of fixes) {
      const known = this.newest.get(fold(fix.member));
      if (known && effective(known) > effective(fix)) continue;
      this.newest.set(fold(fix.member), fix);
      isNew = true;
    }
    return isNew;
  }

  called(member, time) { this.calls.set(fold(member), time); }

  forget(member) {
    this.newest.delete(fold(member));
    this.calls.delete(fold(member));
  }

  /** Return [{member, fix, age, state, distance, calls}] by name, without oneself; ages in ms, distance in m or null. */
  list(me, place, now) {
    const others = [...this.newest.values()].filter(fix => fold(fix.member) !== fold(me ?? ''));
    others.sort((a, b) => a.member.localeCompare(b.member, undefined, { numeric: true }));
    return others.map(fix => {
      const age = Math.max(0, now - effective(fix));
      return {
        member: fix.member, fix, age, state: age >= LOST ? 'lost' : age >= STALE ? 'stale' : 'live',
        distance: place ? distance(place, fix) : null, calls: this.calls.get(fold(fix.member)) ?? null,
      };
    });
  }
}

/** Return metres between two places, along a great circle. */
export function distance(a, b) {
  const [f, g] = [a.lat, b.lat].map(radians);
  const half = Math.sin((g - f) / 2) ** 2 + Math.cos(f) * Math.cos(g) * Math.sin(radians(b.lon - a.lon) / 2) ** 2;
  return 2 * RADIUS * Math.asin(Math.min(1, Math.sqrt(half)));
}

const fold = name => name.normalize('NFC').toLowerCase();
const effective = fix => Math.min(fix.time, fix.received ?? fix.time);
const radians = degrees => degrees * Math.PI / 180;
