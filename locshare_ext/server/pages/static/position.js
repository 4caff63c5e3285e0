// The phone's position: asked for as long as it is wanted, and kept from coming too often.

import { distance } from './others.js';

const EVERY = 5000; // ms between fixes that are kept,
const FAR = 20; // m of a move that is kept at once
const REFRESH = 20000; // ms after which one at rest is asked for again: watching alone tells only of moves
const OPTIONS = { enableHighAccuracy: true, maximumAge: 0, timeout: 30000 };
const REASONS = { 1: 'denied', 2: 'no_position', 3: 'no_position' };

/** Return a fix, as the server takes it, from what the browser says; now: ms by this phone's clock. */
export function fixOf({ coords, timestamp }, now, battery = null) {
  // some browsers have counted from another year
  const time = Math.abs(timestamp - now) < 86400000 ? Math.round(timestamp) : now;
  const fix = { time, lat: coords.latitude, lon: coords.longitude, source: 'browser' };
  const numbers = { accuracy: coords.accuracy, altitude: coords.altitude, speed: coords.speed, heading: coords.heading };
  for (const [name, value] of Object.entries(numbers)) if (Number.isFinite(value)) fix[name] = value;
  if (fix.speed < 0) delete fix.speed;
  if (fix.heading !== undefined) {
    fix.heading = ((fix.heading % 360) + 360) % 360;
    if (!fix.speed) delete fix.heading; // at rest it is that of the last move
  }
  if (Number.isFinite(battery)) fix.battery = Math.min(1, Math.max(0, battery));
  return fix;
}

export class Position {
  /** found: told each fix to be kept; failed: told `denied`, `no_position`. */
  constructor({ found, failed, geolocation = navigator.geolocation }) {
    Object.assign(this, { found, failed, geolocation });
    this.watch = null;
    this.timer = null;
    this.last = 0;
    this.place = null;
    this.battery = null;
    this.hasFailed = false;
    navigator.permissions?.query({ name: 'geolocation' }).then(permission => { permission.onchange = () => this.again(); }, () => {});
  }

  get isOn() { return this.watch !== null; }

  start() {
    if (this.isOn) return;
    navigator.getBattery?.().then(battery => { this.battery = battery; }, () => {});
    this.last = 0;
    this.watch = this.geolocation.watchPosition(place => this.#take(place), error => this.#fail(error), OPTIONS);
    this.timer = setInterval(() => this.#again(), REFRESH);
  }

  stop() {
    if (!this.isOn) return;
    this.geolocation.clearWatch(this.watch);
    clearInterval(this.timer);
    this.watch = null;
  }

  /** Ask anew: the permission may have been given by now, or the page is seen again. */
  again() {
    if (!this.isOn) return;
    this.stop();
    this.start();
  }

  #again() {
    if (document.visibilityState !== 'visible' || Date.now() - this.last < REFRESH) return;
    this.geolocation.getCurrentPosition(place => this.#take(place), error => this.#fail(error), OPTIONS);
  }

  #take(place) {
    const now = Date.now();
    if (!this.isOn) return;
    if (this.hasFailed) this.#revived();
    const fix = fixOf(place, now, this.battery?.level);
    if (now - this.last < EVERY && distance(this.place, fix) < FAR) return;
    this.last = now;
    this.place = fix;
    this.found(fix);
  }

  /** A watch that was refused is over, though asking works again by now. */
  #revived() {
    this.hasFailed = false;
    this.geolocation.clearWatch(this.watch);
    this.watch = this.geolocation.watchPosition(place => this.#take(place), error => this.#fail(error), OPTIONS);
  }

  #fail({ code }) {
    if (!this.isOn) return;
    this.hasFailed = REASONS[code] === 'denied';
    this.failed(REASONS[code] ?? 'no_position');
  }
}
