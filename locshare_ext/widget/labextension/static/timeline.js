// The bar below the map: when there were fixes, the moment that is shown, and how it moves on.

import { button, icon, ICONS, make, select, setText } from './dom.js';
import { SPEEDS } from './clock.js';
import { span } from './format.js';
import { nextOf } from './happenings.js';
import { t } from './language.js';
import { statusWords } from './saying.js';
import { beginOf } from './strip_window.js';
import { saying } from './timeline_ticks.js';
import { TimelineTrack } from './timeline_track.js';

const SPANS = [900, 3600, 21600, 86400, 604800]; // s
const DAY = 86400000;
const TARGETS = ['fix', 'note', 'event'];
const CLOCKS = ['time', 'received'];

export function createTimeline({ map, session, isolate }) {
  const bar = new Timeline(session);
  const container = map.getContainer();
  isolate(bar.element);
  container.append(bar.element);
  const resize = new ResizeObserver(() => {
    container.style.setProperty('--locshare-bar', `${bar.element.offsetHeight}px`);
    map.fire('locsharebar'); // what is drawn above it moves
    bar.track.resize();
  });
  resize.observe(bar.element);
  resize.observe(bar.track.element);
  return () => {
    resize.disconnect();
    bar.close();
    container.style.removeProperty('--locshare-bar');
  };
}

class Timeline {
  constructor(session) {
    this.session = session;
    this.isLive = session.model.get('mode') === 'live';
    this.span = null; // ms shown; null: chosen by what there is, 0: all
    this.track = new TimelineTrack(session, () => this.range());
    this.#makeButtons();
    this.#makeChoices();
    this.live = button({
      className: 'locshare-live', text: t('timeline.live'), label: t('timeline.goLive'),
      on: { click: () => session.steer(clock => clock.live()) },
    });
    this.live.hidden = !this.isLive;
    this.said = make('div', { className: 'locshare-unseen', attributes: { 'aria-live': 'polite' } });
    const buttons = make('div', { className: 'locshare-buttons' }, this.back, this.play, this.forward, this.speed, this.loop, this.more);
    this.element = make('div', {
      className: 'locshare-bar', attributes: { role: 'group' }, label: t('timeline.title'), on: { keydown: event => this.#key(event) },
    }, buttons, this.choices, this.track.element, this.live, this.track.chosen.panel, this.said);
    const update = () => this.update();
    this.undo = ['clock', 'frame', 'bounds', 'kernel', 'status', 'told:keeping'].map(name => session.on(name, update));
    this.undo.push(session.on('settings', () => this.#setClock()), session.on('told:events', update));
    this.update();
  }

  #makeButtons() {
    const { session } = this;
    const control = (name, click) => button({ title: t(`timeline.${name}`), label: t(`timeline.${name}`), on: { click } }, icon(ICONS[name]));
    this.back = control('back', () => this.step(-1));
    this.play = control('play', () => session.steer((clock, now) => clock.toggle(now)));
    this.play.classList.add('locshare-play');
    this.forward = control('forward', () => this.step(1));
    for (const step of [this.back, this.forward]) step.classList.add('locshare-step');
    this.loop = control('loop', () => session.steer(clock => { clock.loop = !clock.loop; }));
    this.more = control('more', () => this.#open(!this.isOpen));
    this.more.classList.add('locshare-more');
    this.more.setAttribute('aria-expanded', 'false');
    this.choose = control('choose', () => this.#choose());
    this.choose.classList.add('locshare-choose');
    this.speed = select({
      className: 'locshare-speed', title: t('timeline.speed'), label: t('timeline.speed'),
      on: { change: () => session.steer((clock, now) => clock.setSpeed(Number(this.speed.value), now)) },
    }, SPEEDS.map(speed => [speed, `${speed}×`]), 1);
  }

  #makeChoices() {
    const { model } = this.session;
    const choice = (name, choices, value, change) => select({ title: t(`timeline.${name}`), label: t(`timeline.${name}`), on: { change } }, choices, value);
    this.target = choice('target', TARGETS.map(name => [name, t(`timeline.target.${name}`)]), 'fix', () => this.#nameSteps());
    this.clockBox = choice('clock', CLOCKS.map(name => [name, t(`timeline.clock.${name}`)]), model.get('clock'), () => {
      model.set('clock', this.clockBox.value);
      model.save_changes();
    });
    this.clockBox.classList.add('locshare-clock');
    this.clockBox.hidden = this.session.isShared; // it has one
    this.spanBox = choice('span', [[0, t('timeline.all')], ...SPANS.map(seconds => [seconds * 1000, span(seconds)])], 0, () => {
      this.span = Number(this.spanBox.value);
      this.track.refresh();
      this.update();
    });
    this.choices = make('div', { className: 'locshare-choices' }, this.target, this.clockBox, this.spanBox, this.choose);
  }

  isOpen = false;

  close() {
    this.undo.forEach(step => step());
    this.track.close();
    this.element.remove();
  }

  /** Return [from, to] of the bar in ms, null while there is nothing. */
  range() {
    const { bounds, end, clock } = this.session;
    if (!(bounds.fixes > 0)) return null;
    const { oldest } = bounds;
    if (!this.isLive) return this.span > 0 && this.span < end - oldest ? this.#windowOf(end, this.span) : [oldest, Math.max(end, oldest + 1000)];
    const span = this.span ?? Math.min(DAY, end - oldest);
    const from = Math.min(span > 0 ? end - span : oldest, end - 60000);
    const at = clock.moment(performance.now());
    return span > 0 && clock.state !== 'live' && at !== null && at < from ? this.#windowOf(end, span) : [from, end];
  }

  #from = null; // of the window that is shown of more

  #windowOf(end, span) {
    const moment = this.session.clock.moment(performance.now()) ?? end;
    this.#from = beginOf({ from: this.#from, moment, span, oldest: this.session.bounds.oldest, end });
    return [this.#from, this.#from + span];
  }

  /** Go to the next of what is stepped to, or to the one before (direction -1), and hold there. */
  async step(direction, target = this.target.value) {
    const { session } = this;
    const at = session.clock.moment(performance.now());
    if (at === null) return;
    if (session.isShared && target === 'fix' && direction > 0) { // all who follow it get that fix
      session.feed.tell({ op: 'step' });
      return;
    }
    let next;
    if (target === 'fix') next = await session.ask('step', { moment: at, direction });
    else {
      const event = nextOf(this.track.ticks.events, at, direction, target === 'note' ? 'note' : null);
      next = event?.at ?? null;
      setText(this.said, event ? saying(event) : t('timeline.noMore'));
    }
    if (next !== null) session.steer((clock, now) => { clock.pause(now); clock.seek(next, now); });
  }

  update() {
    const { clock, bounds, isConnected, status } = this.session;
    const isRunning = clock.state === 'playing' || clock.state === 'live';
    const isEmpty = !(bounds.fixes > 0);
    this.#setPlay(isRunning);
    for (const control of [this.back, this.play, this.forward, this.choose]) control.disabled = isEmpty;
    this.element.classList.toggle('is-inviting', !this.isLive && clock.state === 'paused' && !isEmpty);
    this.loop.setAttribute('aria-pressed', String(clock.loop));
    this.choose.setAttribute('aria-pressed', String(this.track.chosen.isChoosing));
    this.#setSpeed(clock.speed);
    this.#setSpans();
    if (this.span === null && this.isLive) this.spanBox.value = this.session.end - bounds.oldest > DAY ? String(DAY) : '0';
    const isLit = clock.state === 'live' && isConnected;
    this.live.classList.toggle('is-lit', isLit);
    this.live.setAttribute('aria-pressed', String(clock.state === 'live'));
    this.live.title = isLit ? [t('timeline.isLive'), status && statusWords(status, this.session.wall())].filter(Boolean).join('. ') : t('timeline.goLive');
    this.track.update();
  }

  #isRunning = null;

  #setPlay(isRunning) {
    if (this.#isRunning === isRunning) return;
    this.#isRunning = isRunning;
    this.play.replaceChildren(icon(isRunning ? ICONS.pause : ICONS.play));
    this.play.title = t(isRunning ? 'timeline.pause' : 'timeline.play');
    this.play.setAttribute('aria-label', this.play.title);
  }

  /** Offer the parts of a recording that are less than all of it. */
  #setSpans() {
    if (this.isLive) return;
    const whole = this.session.end - this.session.bounds.oldest;
    const parts = [...this.spanBox.options].slice(1);
    for (const option of parts) option.hidden = !(Number(option.value) < whole);
    this.spanBox.hidden = parts.every(option => option.hidden);
  }

  #setSpeed(speed) {
    if (document.activeElement === this.speed && Number(this.speed.value) === speed) return;
    this.speed.value = String(speed);
    if (this.speed.value === String(speed)) return;
    this.speed.append(make('option', { text: `${speed}×`, attributes: { value: String(speed) } })); // code may ask for any
    this.speed.value = String(speed);
  }

  #setClock() {
    const clock = this.session.model.get('clock');
    if (this.clockBox.value === clock && this.element.dataset.clock === clock) return;
    this.clockBox.value = this.element.dataset.clock = clock;
    this.track.ticks.read();
    this.track.refresh();
  }

  #nameSteps() {
    for (const [control, way] of [[this.back, 'back'], [this.forward, 'forward']]) {
      control.title = t(this.target.value === 'fix' ? `timeline.${way}` : `timeline.${way}.${this.target.value}`);
      control.setAttribute('aria-label', control.title);
    }
  }

  #choose() {
    const { chosen } = this.track;
    chosen.isChoosing = !chosen.isChoosing;
    setText(this.said, chosen.isChoosing ? t('range.how') : '');
    this.update();
  }

  #open(isOpen) {
    this.isOpen = isOpen;
    this.element.classList.toggle('is-open', isOpen);
    this.more.setAttribute('aria-expanded', String(isOpen));
  }

  #key(event) {
    const { session } = this;
    if (event.target.tagName === 'SELECT' || event.ctrlKey || event.metaKey || event.altKey) return;
    const range = this.range();
    if (range === null) return;
    const at = session.clock.moment(performance.now());
    const move = fraction => session.steer((clock, now) => clock.seek(at + (range[1] - range[0]) * fraction, now));
    const { chosen } = this.track;
    const actions = {
      ' ': event.target.tagName === 'BUTTON' ? null : () => session.steer((clock, now) => clock.toggle(now)),
      ArrowLeft: () => (event.shiftKey ? this.step(-1) : move(-0.01)),
      ArrowRight: () => (event.shiftKey ? this.step(1) : move(0.01)),
      ArrowDown: () => move(-0.01),
      ArrowUp: () => move(0.01),
      PageUp: () => move(0.1),
      PageDown: () => move(-0.1),
      Home: () => session.steer((clock, now) => clock.seek(this.isLive ? range[0] : session.bounds.oldest, now)),
      End: () => session.steer((clock, now) => (this.isLive ? clock.live() : clock.seek(session.end, now))),
      l: this.isLive ? () => session.steer(clock => clock.live()) : null,
      n: () => this.step(1, 'note'),
      N: () => this.step(-1, 'note'),
      '[': () => chosen.setEdge(0),
      ']': () => chosen.setEdge(1),
      Escape: chosen.isChoosing ? () => this.#choose() : session.clock.range ? () => chosen.choose(null) : null,
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
