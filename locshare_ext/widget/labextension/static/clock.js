// The playhead: which moment the map shows. Knows no DOM and reads no clock: `now` (any monotonic ms)
// and `wall` (ms since 1970) are handed in.

export const SPEEDS = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];

/** Return the speed at which a span is seen in about two minutes, or as fast as it was if it is shorter. */
export function speedFor(span) {
  return SPEEDS.find(speed => speed >= 1 && span / speed <= 120000) ?? SPEEDS[SPEEDS.length - 1];
}

export class PlayClock {
  /** isLive: fixes may still come, and the end moves. isShared: others see the same, and loops play all. */
  constructor(isLive, isShared = false) {
    this.isLive = isLive;
    this.isShared = isShared;
    this.state = isLive ? 'live' : 'paused'; // live, playing, paused
    this.speed = 1;
    this.loop = false;
    this.range = null; // [from, to] in ms, which a loop keeps to
    this.start = null; // ms, bounds of what there is to see; null while nothing is
    this.end = null;
    this.turns = 0; // how often a loop began again
    this.changes = 0; // how often somebody steered
    this.jumps = 0; // how often somebody went elsewhere, rather than on
    this.#at = null;
    this.#base = 0;
  }

  #at; // playhead at #base, ms
  #base; // monotonic ms

  /** Set what there is to see. A recording is put at its first fix once it is known. */
  setBounds(start, end) {
    this.start = start;
    this.end = end;
    if (!this.isLive && (this.#at === null || (this.#isUntouched && start < this.#at))) {
      this.#at = start;
      this.speed = this.#isUntouched ? speedFor(end - start) : this.speed;
    }
  }

  #isUntouched = true;

  /** Whether nobody has steered yet. */
  get isUntouched() { return this.#isUntouched; }

  /** Return where it has moved from since anybody steered: {moment, at}, ms of the recording and monotonic ms. */
  get began() { return { moment: this.#clip(this.#at), at: this.#base }; }

  /** Return [from, to] that a loop plays, ms. */
  get #looped() {
    if (this.range === null || this.isShared) return [this.start, this.end];
    const [from, to] = this.range.map(at => this.#clip(at));
    return from < to ? [from, to] : [this.start, this.end];
  }

  /** Return the moment to show; moves on from playing to live or paused where there is no more. */
  moment(now) {
    if (this.start === null) return null;
    if (this.state === 'live') return this.end;
    if (this.state === 'paused') return this.#clip(this.#at);
    const at = this.#at + (now - this.#base) * this.speed;
    const [from, to] = this.#looped;
    // what begins behind a range plays on to the end, and then begins the range
    if (this.loop && from < to && (at >= to && this.#at < to || at >= this.end)) return this.#turn(at, from, to, now);
    if (at < this.end) return Math.max(at, this.start);
    if (this.isLive) {
      this.live();
      return this.end;
    }
    this.state = 'paused';
    this.#at = this.end;
    return this.end;
  }

  #turn(at, from, to, now) {
    this.turns++;
    const gone = Math.max(0, at - to) % (to - from);
    this.#rebase(from, now - gone / this.speed);
    return from + gone;
  }

  play(now) {
    const at = this.moment(now);
    if (at === null) return;
    this.#isUntouched = false;
    this.state = 'playing';
    // at the end there is nothing to play but the beginning; while live, the last part of it
    if (at >= this.end) this.jumps++;
    this.#rebase(at >= this.end ? this.start : at, now);
  }

  pause(now) {
    const at = this.moment(now);
    this.#isUntouched = false;
    this.state = 'paused';
    this.#at = at;
  }

  toggle(now) {
    if (this.state === 'playing' || this.state === 'live') this.pause(now); else this.play(now);
  }

  /** Go to the newest, and stay there. */
  live() {
    if (this.isLive) this.state = 'live';
  }

  /** Go to a moment: playing goes on from there, live becomes paused. */
  seek(moment, now) {
    if (this.start === null) return;
    this.#isUntouched = false;
    if (this.state === 'live') this.state = 'paused';
    this.jumps++;
    this.#rebase(this.#clip(moment), now);
  }

  /** Be as {state, moment, speed, loop} say, which somebody else steers; before there is anything to see, too. */
  restore({ state, moment, speed, loop }, now) {
    this.#isUntouched = false;
    this.state = state === 'live' && !this.isLive ? 'paused' : state;
    this.speed = speed;
    this.loop = loop;
    this.#rebase(moment, now);
  }

  setSpeed(speed, now) {
    const at = this.moment(now); // first, so that the past keeps the old speed
    this.#isUntouched = false;
    this.speed = speed;
    if (at !== null) this.#rebase(at, now);
  }

  #rebase(at, now) {
    this.changes++;
    this.#at = at;
    this.#base = now;
  }

  #clip(at) {
    return Math.max(this.start, Math.min(this.end, at));
  }
}
