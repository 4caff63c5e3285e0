// The bar below the map: when there were fixes, the moment that is shown, and how it moves on.

import { button, icon, ICONS, make, select } from './dom.js';
import { SPEEDS } from './clock.js';
import { span } from './format.js';
import { t } from './language.js';
import { TimelineTrack } from './timeline_track.js';

const SPANS = [900, 3600, 21600, 86400, 604800]; // s
const DAY = 86400000;

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
    const control = (name, label, click) => button({ title: label, label, on: { click } }, icon(ICONS[name]));
    this.back = control('back', t('timeline.back'), () => this.step(-1));
    this.play = control('play', t('timeline.play'), () => session.steer((clock, now) => clock.toggle(now)));
    this.play.classList.add('locshare-play');
    this.forward = control('forward', t('timeline.forward'), () => this.step(1));
    for (const step of [this.back, this.forward]) step.classList.add('locshare-step');
    this.loop = control('loop', t('timeline.loop'), () => session.steer(clock => { clock.loop = !clock.loop; }));
    this.speed = select({
      className: 'locshare-speed', title: t('timeline.speed'), label: t('timeline.speed'),
      on: { change: () => session.steer((clock, now) => clock.setSpeed(Number(this.speed.value), now)) },
    }, SPEEDS.map(speed => [speed, `${speed}×`]), 1);
    this.spanBox = select({
      className: 'locshare-span', title: t('timeline.span'), label: t('timeline.span'),
      on: { change: () => { this.span = Number(this.spanBox.value); this.track.refresh(); } },
    }, [[0, t('timeline.all')], ...SPANS.map(seconds => [seconds * 1000, span(seconds)])], 0);
    this.live = button({
      className: 'locshare-live', text: t('timeline.live'), label: t('timeline.goLive'),
      on: { click: () => session.steer(clock => clock.live()) },
    });
    this.loop.hidden = this.isLive;
    this.live.hidden = this.spanBox.hidden = !this.isLive;
    this.track = new TimelineTrack(session, () => this.range());
    const buttons = make('div', { className: 'locshare-buttons' }, this.back, this.play, this.forward, this.speed, this.loop, this.spanBox);
    this.element = make('div', {
      className: 'locshare-bar', attributes: { role: 'group' }, label: t('timeline.title'), on: { keydown: event => this.#key(event) },
    }, buttons, this.track.element, this.live);
    const update = () => this.update();
    this.undo = ['clock', 'frame', 'bounds', 'kernel', 'status'].map(name => session.on(name, update));
    this.update();
  }

  close() {
    this.undo.forEach(step => step());
    this.track.close();
    this.element.remove();
  }

  /** Return [from, to] of the bar in ms, null while there is nothing. */
  range() {
    const { bounds, end } = this.session;
    if (!(bounds.fixes > 0)) return null;
    let from = bounds.oldest;
    if (this.isLive) {
      const span = this.span ?? Math.min(DAY, end - from);
      if (span > 0) from = end - span;
      from = Math.min(from, end - 60000);
    }
    return [from, Math.max(end, from + 1000)];
  }

  async step(direction) {
    const { session } = this;
    const at = session.clock.moment(performance.now());
    if (at === null) return;
    const next = await session.ask('step', { moment: at, direction });
    if (next !== null) session.steer((clock, now) => { clock.pause(now); clock.seek(next, now); });
  }

  update() {
    const { clock } = this.session;
    const isRunning = clock.state === 'playing' || clock.state === 'live';
    const isEmpty = !(this.session.bounds.fixes > 0);
    this.#setPlay(isRunning);
    for (const control of [this.back, this.play, this.forward]) control.disabled = isEmpty;
    this.element.classList.toggle('is-inviting', !this.isLive && clock.state === 'paused' && !isEmpty);
    this.loop.setAttribute('aria-pressed', String(clock.loop));
    if (document.activeElement !== this.speed) this.speed.value = String(clock.speed);
    if (this.span === null) this.spanBox.value = this.session.end - this.session.bounds.oldest > DAY ? String(DAY) : '0';
    const isLit = clock.state === 'live' && this.session.isConnected;
    this.live.classList.toggle('is-lit', isLit);
    this.live.setAttribute('aria-pressed', String(clock.state === 'live'));
    const note = this.session.status?.note;
    this.live.title = isLit ? [t('timeline.isLive'), note].filter(Boolean).join('. ') : t('timeline.goLive');
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

  #key(event) {
    const { session } = this;
    if (event.target.tagName === 'SELECT' || event.ctrlKey || event.metaKey || event.altKey) return;
    const range = this.range();
    if (range === null) return;
    const at = session.clock.moment(performance.now());
    const move = fraction => session.steer((clock, now) => clock.seek(at + (range[1] - range[0]) * fraction, now));
    const actions = {
      ' ': event.target.tagName === 'BUTTON' ? null : () => session.steer((clock, now) => clock.toggle(now)),
      ArrowLeft: () => (event.shiftKey ? this.step(-1) : move(-0.01)),
      ArrowRight: () => (event.shiftKey ? this.step(1) : move(0.01)),
      PageUp: () => move(-0.1),
      PageDown: () => move(0.1),
      Home: () => session.steer((clock, now) => clock.seek(range[0], now)),
      End: () => session.steer((clock, now) => (this.isLive ? clock.live() : clock.seek(range[1], now))),
      l: this.isLive ? () => session.steer(clock => clock.live()) : null,
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

