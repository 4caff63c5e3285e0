// The strip of the timeline: density of the fixes, names of the hours, events, the chosen range, and the playhead,
// which can be dragged.

import { heightsOf } from './density.js';
import { make, setText } from './dom.js';
import { clockSeconds, clockTime, day, moment, shortDay } from './format.js';
import { t } from './language.js';
import { TimelineRange } from './timeline_range.js';
import { TimelineTicks } from './timeline_ticks.js';

const COUNT_AGAIN = 1000; // ms between counts of the fixes
const PER_BIN = 3; // px
const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
].map(seconds => seconds * 1000);

export class TimelineTrack {
  constructor(session, range) {
    this.session = session;
    this.range = range;
    this.canvas = make('canvas', { attributes: { 'aria-hidden': 'true' } });
    this.label = make('span', { className: 'locshare-playhead-label' });
    this.playhead = make('div', { className: 'locshare-playhead' }, this.label);
    this.ghost = make('div', { className: 'locshare-ghost' }, make('span'));
    this.ghost.hidden = true;
    this.chosen = new TimelineRange(session, {
      range, xOf: at => this.#xOf(at, this.#drag?.range ?? range()), momentAt: event => this.#momentAt(event, this.#drag?.range ?? range()),
    });
    this.ticks = new TimelineTicks(session, range, at => session.steer((clock, now) => { clock.pause(now); clock.seek(at, now); }));
    this.slider = make('div', {
      className: 'locshare-track', label: t('timeline.moment'),
      attributes: { role: 'slider', tabindex: '0', 'aria-orientation': 'horizontal', 'aria-keyshortcuts': 'ArrowLeft ArrowRight PageUp PageDown Home End Space' },
      on: {
        pointerdown: event => this.#down(event), pointermove: event => this.#move(event),
        pointerup: event => this.#up(event), pointercancel: event => this.#up(event),
        keydown: () => this.slider.classList.remove('is-pointed'),
        pointerleave: () => { this.ghost.hidden = true; },
      },
    }, this.canvas, this.chosen.band, this.ghost, this.playhead);
    // beside the slider and not in it: what is inside of a slider is nothing to a screen reader
    this.element = make('div', { className: 'locshare-strip' }, this.slider, this.ticks.box, this.ticks.tip);
    this.counts = null;
    this.counted = 0;
    this.width = 0;
    this.theme = new MutationObserver(() => this.#draw());
    this.theme.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light'] });
    this.undo = session.on('bounds', () => this.refresh(false));
  }

  #isCounting = false;
  #later = null;
  #drag = null;

  close() {
    this.theme.disconnect();
    this.undo();
    this.ticks.close();
    clearTimeout(this.#later);
  }

  resize() {
    this.width = this.slider.clientWidth;
    this.height = this.slider.clientHeight;
    this.refresh();
    this.update();
  }

  /** Count the fixes again, at once or soon. */
  async refresh(isUrgent = true) {
    const wait = this.counted + COUNT_AGAIN - performance.now();
    if (this.#isCounting || (!isUrgent && wait > 0)) {
      this.#later ??= setTimeout(() => { this.#later = null; this.refresh(); }, Math.max(wait, 100));
      return;
    }
    const range = this.range();
    if (range === null || this.width < 10) return;
    this.#isCounting = true;
    const bins = Math.max(1, Math.floor(this.width / PER_BIN));
    const { counts, gap } = await this.session.ask('density', { from: range[0], to: range[1] + 1, bins });
    this.counts = counts;
    this.gap = gap;
    this.countedRange = range;
    this.counted = performance.now();
    this.#isCounting = false;
    this.#draw();
  }

  /** Put the playhead where the clock is. */
  update() {
    const range = this.range();
    this.slider.classList.toggle('is-empty', range === null);
    this.slider.classList.toggle('is-choosing', this.chosen.isChoosing);
    this.ticks.draw(this.width);
    this.chosen.update();
    if (range === null) return;
    const [from] = this.countedRange ?? range;
    if (!this.#drag && Math.abs(range[0] - from) > (range[1] - range[0]) / 20) this.refresh(); // another part of the past
    // the fixes are as they were; a group's strip goes on with the time
    if (performance.now() - this.counted > COUNT_AGAIN && this.session.clock.isLive && !this.#drag) this.refresh(false);
    const at = this.session.clock.moment(performance.now());
    if (at === null) return;
    const x = this.#xOf(at, range);
    this.playhead.style.transform = `translateX(${x.toFixed(1)}px)`;
    setText(this.label, this.width < 420 || day(at) === day(this.session.wall()) ? this.#short(at) : moment(at));
    this.#centre(this.label, x);
    this.#describe(at, range);
  }

  /** Tell assistive technology where the playhead is; while it plays, once a second is enough. */
  #describe(at, range) {
    const now = performance.now();
    const { state } = this.session.clock;
    if (state !== 'paused' && now - this.#described < 1000) return;
    this.#described = now;
    this.slider.setAttribute('aria-valuemin', String(Math.round(range[0])));
    this.slider.setAttribute('aria-valuemax', String(Math.round(range[1])));
    this.slider.setAttribute('aria-valuenow', String(Math.round(Math.max(range[0], Math.min(range[1], at)))));
    this.slider.setAttribute('aria-valuetext', state === 'live' ? t('timeline.isLive') : moment(at));
  }

  #described = -Infinity;
  #widths = new Map(); // of texts by their length: digits are of one width, and asking costs a layout

  #centre(element, x) {
    const key = `${element.className} ${element.textContent.length}`;
    if (!this.#widths.has(key)) this.#widths.set(key, element.offsetWidth / 2);
    const half = this.#widths.get(key);
    element.style.transform = `translateX(${Math.round(Math.max(half, Math.min(this.width - half, x)) - x - half)}px)`;
  }

  #short(at) {
    return day(at) === day(this.session.wall()) ? clockSeconds(at) : `${shortDay(at)} ${clockSeconds(at)}`;
  }

  #xOf(at, [from, to]) {
    return Math.max(0, Math.min(1, (at - from) / (to - from))) * this.width;
  }

  #momentAt(event, [from, to]) {
    const box = this.slider.getBoundingClientRect();
    return from + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (to - from);
  }

  #down(event) {
    const range = this.range();
    if (range === null || event.button > 0) return;
    this.slider.setPointerCapture(event.pointerId);
    this.slider.classList.add('is-pointed'); // its ring is for those who came by keyboard
    this.slider.focus({ preventScroll: true });
    event.preventDefault();
    this.ghost.hidden = true;
    const isRange = this.chosen.down(event);
    const wasPlaying = !isRange && this.session.clock.state === 'playing';
    this.#drag = { range, wasPlaying, isRange }; // of then: while live the bar goes on moving
    if (isRange) return;
    this.session.link.hold();
    if (wasPlaying) this.session.steer((clock, now) => clock.pause(now));
    this.#seek(event);
  }

  #move(event) {
    if (!this.#drag) this.#hover(event);
    else if (this.#drag.isRange) this.chosen.move(event);
    else this.#seek(event);
  }

  #up(event) {
    if (!this.#drag) return;
    const { wasPlaying, isRange } = this.#drag;
    if (isRange) this.chosen.up(event);
    this.#drag = null;
    this.slider.releasePointerCapture?.(event.pointerId);
    if (isRange) return;
    if (wasPlaying && event.type === 'pointerup') this.session.steer((clock, now) => clock.play(now));
    this.session.link.release();
  }

  #seek(event) {
    const at = this.#momentAt(event, this.#drag.range);
    this.session.steer((clock, now) => clock.seek(at, now));
  }

  #hover(event) {
    const range = this.range();
    if (range === null || event.pointerType === 'touch') return;
    const at = this.#momentAt(event, range);
    const x = this.#xOf(at, range);
    this.slider.classList.toggle('is-edge', this.chosen.isEdge(at));
    this.ghost.hidden = false;
    this.ghost.style.transform = `translateX(${x.toFixed(0)}px)`;
    setText(this.ghost.firstChild, this.#short(at));
    this.#centre(this.ghost.firstChild, x);
  }

  #draw() {
    const { canvas, counts, width, height } = this;
    if (!counts || !width) return;
    const dpr = Math.min(window.devicePixelRatio || 1, 3);
    canvas.width = Math.round(width * dpr);
    canvas.height = Math.round(height * dpr);
    const context = canvas.getContext('2d');
    context.scale(dpr, dpr);
    const style = getComputedStyle(this.slider);
    const color = name => style.getPropertyValue(name).trim();
    const base = height - 15; // below it the hours
    context.fillStyle = color('--locshare-line');
    context.fillRect(0, base, width, 1);
    context.fillStyle = color('--locshare-accent');
    const bin = width / counts.length;
    const [from, to] = this.countedRange;
    const heights = heightsOf(counts, (to - from) / counts.length, this.gap);
    for (let k = 0; k < counts.length; k++) {
      if (!heights[k]) continue;
      const tall = 3 + (base - 21) * heights[k];
      const [left, right] = [k, k + 1].map(edge => Math.round(edge * bin * dpr) / dpr); // whole device px: no seams
      context.fillRect(left, base - tall, right - left, tall);
    }
    this.#hours(context, color('--locshare-faint'), base);
  }

  #hours(context, color, base) {
    const { width, countedRange: range } = this;
    const step = STEPS.find(ms => ms / (range[1] - range[0]) * width >= 64) ?? STEPS[STEPS.length - 1];
    const zone = new Date(range[0]).getTimezoneOffset() * 60000; // so that ticks fall on local hours
    context.fillStyle = color;
    context.font = '10px system-ui, sans-serif';
    context.textBaseline = 'bottom';
    for (let at = Math.ceil((range[0] - zone) / step) * step + zone; at <= range[1]; at += step) {
      const x = this.#xOf(at, range);
      const text = step >= 86400000 ? shortDay(at) : step < 60000 ? clockSeconds(at) : clockTime(at);
      const wide = context.measureText(text).width;
      context.fillRect(Math.round(x), base, 1, 3);
      context.fillText(text, Math.max(0, Math.min(width - wide, x - wide / 2)), base + 15);
    }
  }
}
