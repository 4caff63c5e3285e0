// The range that is chosen on the timeline: a band on the strip with two edges, and what can be done with it.

import { button, icon, ICONS, make, setText } from './dom.js';
import { ask } from './errands.js';
import { age, clockSeconds, moment, since } from './format.js';
import { t } from './language.js';

const EDGE = 8; // px around an edge that take hold of it
const SHORT = 3600000; // ms up to which seconds matter
const LEAST = 4; // px below which a drag was a click

export class TimelineRange {
  /** strip: {range(), xOf(moment), momentAt(event), width} of the timeline; session: of the layer. */
  constructor(session, strip) {
    this.session = session;
    this.strip = strip;
    this.isChoosing = false; // whether the next drag chooses
    this.band = make('div', { className: 'locshare-range-band', attributes: { 'aria-hidden': 'true' } });
    this.words = make('span', { className: 'locshare-range-words' });
    this.result = make('span', { className: 'locshare-range-result', attributes: { role: 'status' } });
    const act = (name, what) => button({ text: t(`range.${name}`), on: { click: () => this.#ask(what) } });
    this.record = act('record', 'record');
    this.export = act('export', 'export');
    const clear = button({ className: 'locshare-range-clear', title: t('range.clear'), label: t('range.clear'), on: { click: () => this.choose(null) } }, icon(ICONS.close));
    this.panel = make('div', { className: 'locshare-panel locshare-range', attributes: { role: 'group' }, label: t('range.title') },
      this.words, this.record, this.export, this.result, clear);
    this.panel.hidden = this.band.hidden = true;
  }

  #drag = null;

  /** Take [from, to] in ms, or null for none. */
  choose(range) {
    this.isChoosing = false;
    setText(this.result, '');
    this.session.steer(clock => { clock.range = range; });
  }

  /** Set one edge to where the playhead is: 0 the beginning, 1 the end. */
  setEdge(edge) {
    const { clock } = this.session;
    const at = clock.moment(performance.now());
    const range = this.strip.range();
    if (at === null || range === null) return;
    const chosen = [...(clock.range ?? range)];
    chosen[edge] = at;
    if (chosen[0] >= chosen[1]) chosen[1 - edge] = range[1 - edge]; // the other one is passed: to the end of the strip
    if (chosen[0] < chosen[1]) this.choose(chosen);
  }

  /** Whether a press of the pointer is ours: begins a new range, or takes hold of an edge. */
  down(event) {
    const at = this.strip.momentAt(event);
    const { range } = this.session.clock;
    const x = this.strip.xOf(at);
    const edge = range?.findIndex(one => Math.abs(this.strip.xOf(one) - x) <= EDGE) ?? -1;
    if (this.isChoosing || event.shiftKey) this.#drag = { fixed: at, x, before: range };
    else if (edge >= 0) this.#drag = { fixed: range[1 - edge], x: null, before: range };
    else return false;
    this.session.link.hold();
    return true;
  }

  move(event) {
    const { fixed } = this.#drag;
    const at = this.strip.momentAt(event);
    if (at !== fixed) this.session.steer(clock => { clock.range = [Math.min(fixed, at), Math.max(fixed, at)]; });
  }

  up(event) {
    const { x, before } = this.#drag;
    const isClick = x !== null && Math.abs(this.strip.xOf(this.strip.momentAt(event)) - x) < LEAST;
    this.#drag = null;
    this.isChoosing = false;
    if (isClick || event.type === 'pointercancel') this.session.steer(clock => { clock.range = before; });
    else setText(this.result, '');
    this.session.emit('clock');
    this.session.link.release();
  }

  /** Return whether the pointer is over an edge that it could take hold of. */
  isEdge(at) {
    return this.session.clock.range?.some(one => Math.abs(this.strip.xOf(one) - this.strip.xOf(at)) <= EDGE) ?? false;
  }

  update() {
    const { range } = this.session.clock;
    this.panel.hidden = this.band.hidden = range === null;
    if (range === null || this.strip.range() === null) return;
    const [left, right] = range.map(at => this.strip.xOf(at));
    this.band.style.left = `${left.toFixed(1)}px`;
    this.band.style.width = `${Math.max(1, right - left).toFixed(1)}px`;
    const [from, to] = range;
    const name = to - from < SHORT ? clockSeconds : at => since(at, this.session.wall());
    setText(this.words, `${name(from)} – ${name(to)} · ${age(to - from)}`);
    this.words.title = `${moment(from)} – ${moment(to)}`;
    const can = this.session.told.keeping ?? {};
    this.record.hidden = !can.may_record;
    this.export.hidden = !can.may_export;
  }

  async #ask(what) {
    const { clock, model } = this.session;
    if (clock.range === null) return;
    setText(this.result, t('range.asked'));
    const [from, to] = clock.range;
    const question = { from: Math.floor(from), to: Math.ceil(to), clock: model.get('clock') };
    const isExport = what === 'export';
    const { why, done } = await ask(this.session, isExport ? 'export' : 'record_range', question, () => setText(this.result, t('dialog.waiting')));
    setText(this.result, why ?? t(isExport ? 'range.exported' : 'range.recorded', { name: done }));
  }
}
