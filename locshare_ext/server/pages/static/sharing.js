// One invite's sharing: measures, keeps, sends, watches; the state that the page shows.

import { Api, ending, Refusal, Unreachable } from './api.js';
import { Awake } from './awake.js';
import { openBox } from './box.js';
import { gapBefore } from './gaps.js';
import { coarsened, coarser } from './grid.js';
import { Live } from './live.js';
import { Others } from './others.js';
import { Position } from './position.js';
import { Sender } from './sender.js';
import { Tabs } from './tabs.js';
import { t } from './words.js';

const REFRESH = 30000; // ms between questions who watches, until when, and what the host has said
const PAUSE = 15 * 60000;
const DRIFT = 2000; // ms that the difference of two clocks seems to change by itself
const RECEIPT = 15000; // ms that a receipt may take before it is sent another way
const KEPT = ['isOn', 'pausedUntil', 'precision', 'isAwake', 'last', 'gaps', 'me', 'sos', 'ahead'];

export class Sharing {
  /** base: the address of `locshare/`; shown: called when the state is another; load: brings a vendored script. */
  constructor({ base, shown, load }) {
    Object.assign(this, { base, shown, load });
    this.others = new Others();
    this.left = null; // when the last fix was measured before the page was opened
    this.hidden = []; // [[from, until], ...] since the last fix
    this.isGuess = false; // whether only this phone's clock says that the invite has expired
    this.state = {
      isSecure: window.isSecureContext, hasGeolocation: 'geolocation' in navigator, token: null, me: null, ended: null,
      isDeleted: false, hasConsented: false, watches: false, isOn: false, pausedUntil: 0, precision: null, isAwake: true,
      canStayAwake: 'wakeLock' in navigator, place: null, geo: null, way: null, reach: 'ok', waiting: 0, sentAt: null, isFull: false,
      gaps: [], messages: [], last: null, noted: null, sos: null, isKept: true,
      ahead: 0, // ms that this phone's clock is ahead of the server's
    };
    this.awake = new Awake(() => this.shown());
    this.position = new Position({ found: fix => this.#found(fix), failed: reason => this.#set({ geo: reason }) });
  }

  /** Begin with an invite, as the page was left with it; a network is not needed if it was here before. */
  async begin(token) {
    this.state.token = token;
    if (!token || !this.state.isSecure) return this.shown();
    const owner = `${this.base} ${token.split('_')[1] ?? token}`;
    this.box = await openBox(owner);
    this.tabs = new Tabs(owner, told => this.#told(told));
    for (const name of KEPT) this.state[name] = (await this.box.get(name)) ?? this.state[name];
    this.left = this.state.last;
    this.api = new Api(this.base, token);
    this.sender = new Sender({
      box: this.box,
      say: body => this.api.ask('POST', `${this.#group}/notes`, body),
      send: fixes => this.#send(fixes),
      shaped: fix => coarsened(fix, this.#precision),
      tell: told => this.#sent(told),
      alone: work => this.tabs.alone(work),
    });
    this.state.waiting = await this.box.count();
    this.state.isKept = this.box.isKept;
    if (this.state.me) this.#know(this.state.me);
    this.shown();
    document.addEventListener('visibilitychange', () => this.#seen());
    window.addEventListener('online', () => this.nudge());
    window.addEventListener('offline', () => this.#set({ reach: 'offline' }));
    await this.refresh();
    this.timer = setInterval(() => document.visibilityState === 'visible' && this.refresh(), REFRESH);
  }

  /** Ask the server who one is and who watches; goes on with what is known when it does not answer. */
  async refresh() {
    if (this.state.isDeleted || (this.state.ended && this.state.ended !== 'too_many' && !this.isGuess)) return;
    try {
      const me = await this.api.ask('GET', 'api/me');
      this.isGuess = false;
      this.#set({ reach: 'ok', ended: null });
      if (this.api.ahead !== null && Math.abs(this.api.ahead - this.state.ahead) > DRIFT) this.#keep({ ahead: this.api.ahead });
      await this.#choose(me);
    } catch (error) {
      this.#failed(error);
    }
    this.sender.kick();
  }

  /** Try everything again now. */
  nudge() {
    this.live?.nudge();
    this.position.again();
    this.refresh();
  }

  /** Exchange an open invite for one of this name; returns its token, raises Refusal, Unreachable. */
  async join(name) {
    const card = await this.api.ask('POST', `${this.#group}/invites`, { member: name });
    return card.token;
  }

  /** Agree to the text that is shown. */
  async agree() {
    const { me } = this.state;
    try {
      this.#know(await this.api.ask('PATCH', 'api/me', { consent: me.consent_version, precision: this.state.precision }));
      this.#set({ isFull: false });
    } catch (error) {
      if (error.code === 'consent_changed') await this.refresh(); // it is shown anew
      else this.#failed(error);
    }
  }

  share(isOn) {
    this.#keep({ isOn, pausedUntil: 0, last: null });
    this.#apply();
    this.sender.kick();
  }

  pause() {
    const isPaused = this.state.pausedUntil > Date.now();
    this.#keep({ pausedUntil: isPaused ? 0 : Date.now() + PAUSE, last: null });
    this.#apply();
  }

  setAwake(isAwake) {
    this.#keep({ isAwake });
    this.#apply();
  }

  /** Make places so coarse from now on, those that wait included; the server is told as soon as it answers. */
  setPrecision(precision) {
    this.#keep({ precision });
    this.refresh();
  }

  async note(text) {
    this.#set({ noted: 'waits' });
    await this.#say({ kind: 'note', text, time: Date.now() });
  }

  async sos() {
    const { place } = this.state;
    const data = place && { lat: place.lat, lon: place.lon, ...(place.accuracy ? { accuracy: place.accuracy } : {}) };
    this.#keep({ sos: { sent: null } });
    await this.#say({ kind: 'sos', text: t('sos.word'), time: Date.now(), ...(data ? { data } : {}) });
  }

  /** Remove all of this member from the server, and from the phone; raises what kept it from that. */
  async remove() {
    this.share(false);
    await this.box.drop((await this.box.peek('fix', Infinity)).map(item => item.id)); // those are never sent
    this.#set({ waiting: await this.box.count() });
    try {
      await this.api.ask('DELETE', `${this.#group}/members/me`);
    } catch (error) {
      if (ending(error) !== 'revoked') throw error;
    }
    this.tabs.say({ isDeleted: true });
    await this.#forget();
  }

  async #forget() {
    this.position.stop();
    await this.sender.stop();
    clearInterval(this.timer);
    this.live?.stop();
    this.awake.want(false);
    await this.box.clear();
    this.#set({ isDeleted: true, waiting: 0, messages: [], sos: null });
  }

  /** What goes by itself with time: the end of a pause, the end of the invite. */
  tick(now = Date.now()) {
    const { me, pausedUntil, isOn, ahead } = this.state;
    if (pausedUntil > now + PAUSE) this.#keep({ pausedUntil: now + PAUSE }); // the clock was set back
    if (pausedUntil && pausedUntil <= now) {
      this.#keep({ pausedUntil: 0 });
      if (isOn) this.#apply();
    }
    if (me?.expires && me.expires <= now - ahead && !this.state.ended) this.#end('expired', true);
  }

  get #group() { return `api/groups/${encodeURIComponent(this.state.me.group)}`; }

  get #precision() { return coarser(this.state.precision, this.state.me?.sharing.group_precision); }

  #set(changes) {
    Object.assign(this.state, changes);
    this.shown();
  }

  #keep(changes) {
    for (const [name, value] of Object.entries(changes)) this.box.set(name, value).catch(() => {});
    const { me, ...told } = changes; // each page asks the server by itself
    if (Object.keys(told).length) this.tabs.say(told);
    this.#set(changes);
  }

  /** Take what was chosen, sent or deleted in another page of this invite. */
  #told({ isDeleted, ...changes }) {
    if (isDeleted) return this.#forget();
    this.#set(changes);
    return this.#apply();
  }

  /** Take what the server says, and tell it a precision that was chosen while it did not answer. */
  async #choose(me) {
    const isOwn = me.member !== null && me.sharing !== null;
    if (isOwn && (me.sharing.precision ?? null) !== this.state.precision && me.sharing.consented) {
      me = await this.api.ask('PATCH', 'api/me', { precision: this.state.precision });
    }
    this.#know(me);
  }

  #know(me) {
    if (!me.group) return this.#end('unknown'); // a credential of the host's: not for phones
    const watches = me.roles.includes('watch') || me.roles.includes('manage');
    this.#keep({ me });
    this.#hear([], me.sharing.messages);
    this.#set({ watches, hasConsented: me.sharing.consented === me.consent_version });
    if (me.member && !this.live) {
      this.live = new Live({
        api: this.api, group: me.group, watches, load: this.load,
        heard: (fixes, events) => this.#hear(fixes, events),
        changed: way => { this.#set(way ? { way, reach: 'ok' } : { way }); if (way) this.sender.kick(); },
        ended: error => this.#failed(error),
      });
      this.live.run();
    }
    return this.#apply();
  }

  /** Measure if that is wanted and allowed now, and keep the screen on meanwhile. */
  #apply() {
    const { isOn, hasConsented, pausedUntil, ended, isDeleted, hasGeolocation, isAwake } = this.state;
    const isMeasuring = isOn && hasConsented && hasGeolocation && !ended && !isDeleted && pausedUntil <= Date.now();
    if (isMeasuring) this.position.start();
    else {
      this.position.stop();
      this.state.geo = null;
    }
    this.awake.want(isMeasuring && isAwake);
    this.shown();
  }

  async #found(fix) {
    const now = fix.time;
    if (document.visibilityState === 'visible') this.#closeHidden(Date.now());
    const gap = gapBefore({ last: this.state.last, now, wasClosed: this.state.last === this.left, hidden: this.hidden });
    this.hidden = [];
    this.#set({ place: fix, geo: null });
    if (now === this.state.last) return; // known already: browsers tell the same one again after a reload
    this.#keep({ last: now, ...(gap ? { gaps: [...this.state.gaps, gap].slice(-20) } : {}) });
    if (gap) await this.#say({ kind: 'gap', time: gap.from, text: gap.reason, data: { until: gap.until, reason: gap.reason } });
    await this.#push('fix', coarsened(fix, this.#precision));
  }

  #say(body) { return this.#push('said', body); }

  async #push(kind, body) {
    await this.box.push(kind, body);
    this.#set({ waiting: await this.box.count(), isKept: this.box.isKept });
    this.sender.kick();
  }

  /** Store fixes: over STOMP while it is open, else by POST; what may have come twice is stored once. */
  async #send(fixes) {
    if (this.live?.client?.connected) {
      let timer;
      const late = new Promise((_, reject) => { timer = setTimeout(reject, RECEIPT); });
      try {
        return await Promise.race([this.live.send(fixes), late]);
      } catch { // the connection is gone, or something is wrong with these: POST says what
      } finally {
        clearTimeout(timer);
      }
    }
    return this.api.ask('POST', `${this.#group}/fixes`, fixes);
  }

  #sent({ waiting, sent, kind, error }) {
    this.#set({ waiting });
    this.tabs.say({ waiting });
    if (error) return this.#failed(error);
    if (kind === 'fix') this.#set({ sentAt: Date.now(), isFull: false, reach: 'ok' });
    for (const body of kind === 'said' ? sent : []) {
      if (body.kind === 'note') this.#set({ noted: 'sent' });
      if (body.kind === 'sos') this.#keep({ sos: { sent: Date.now() } });
    }
    return undefined;
  }

  #hear(fixes, events) {
    this.others.take(fixes);
    const known = new Set(this.state.messages.map(one => one.cursor));
    for (const event of events) {
      if (event.kind === 'forget' && event.member) this.others.forget(event.member);
      if (event.kind === 'sos' && event.member !== this.state.me?.member) this.others.called(event.member, event.time);
      const isTold = event.kind === 'message' || (event.kind === 'sos' && event.member !== this.state.me?.member);
      if (isTold && !known.has(event.cursor)) {
        this.state.messages.push(event);
        if (Date.now() - this.state.ahead - event.received < REFRESH) navigator.vibrate?.(200);
      }
    }
    this.state.messages.sort((a, b) => a.time - b.time);
    this.shown();
  }

  #failed(error) {
    const why = ending(error);
    if (why) return this.#end(why);
    if (error instanceof Unreachable) return this.#set({ reach: navigator.onLine ? 'server' : 'offline' });
    if (error instanceof Refusal && error.code === 'too_many_members') return this.#set({ isFull: true });
    if (error instanceof Refusal && error.status === 503) return this.#set({ reach: 'store' });
    return undefined;
  }

  /** The invite is of no more use; of what waits, the server still takes what was measured before it expired. */
  #end(why, isGuess = false) {
    if (this.state.ended && !this.isGuess) return;
    this.isGuess = isGuess;
    this.position.stop();
    this.awake.want(false);
    this.live?.stop();
    this.live = null;
    if (why === 'expired') this.sender.kick();
    if (why === 'revoked') this.sender.stop().then(() => this.box.clear()).then(() => this.#set({ waiting: 0 }));
    this.#set({ ended: why, way: null });
  }

  #seen() {
    if (document.visibilityState === 'hidden') this.hidden.push([Date.now(), null]);
    else {
      this.#closeHidden(Date.now());
      this.nudge();
    }
  }

  #closeHidden(now) {
    for (const one of this.hidden) one[1] ??= now;
  }
}
