// Keeps the kernel and this page of one mind about what is looked at: the playhead and the chosen range.
// Moving it asks nobody; the kernel is told when a change is over, and may move it, too.

const QUIET = 120; // ms without a change, after which it counts as over

export class PlayheadLink {
  constructor(session) {
    this.session = session;
    this.isHeld = false; // while a pointer moves the playhead
    this.#undo = [
      session.on('clock', () => this.#soon()),
      session.on('bounds', () => { if (this.#last === null) this.#soon(); }),
      session.on('told:playhead', said => this.#take(said)),
    ];
    if (session.told.playhead) this.#take(session.told.playhead);
  }

  #undo;
  #timer = null;
  #last = null; // what the kernel was told last, as text
  #way = null; // how it moved then
  #serial = 0; // of the kernel's last word that was heeded
  #hands = 0; // of the session's, that the kernel was told of
  #jumps = 0; // of the clock's

  close() {
    clearTimeout(this.#timer);
    this.#undo.forEach(step => step());
  }

  /** Tell nothing until `release`: each move of a pointer would be a message. */
  hold() { this.isHeld = true; }

  release() {
    this.isHeld = false;
    this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    if (this.isHeld) return;
    const { state, turns } = this.session.clock;
    // what goes along in the kernel is to begin where the page does; a state that changes is over at once
    if (this.#last !== null && this.#way !== `${state} ${turns}`) this.#tell();
    else this.#timer = setTimeout(() => this.#tell(), QUIET);
  }

  #tell() {
    const { clock, feed } = this.session;
    const at = performance.now();
    const moment = clock.moment(at);
    if (moment === null || this.isHeld) return;
    const { state, speed, loop, range, start, end } = clock;
    // what moves by itself is no news
    const news = JSON.stringify([state, state === 'paused' ? moment : clock.turns, speed, loop, range, clock.changes]);
    if (news === this.#last) return;
    this.#last = news;
    this.#way = `${state} ${clock.turns}`;
    // of what plays, where it began: the kernel is to leave out nothing that was passed until now
    const seen = state === 'playing' ? clock.began : { moment, at };
    const now = this.session.wall() - (at - seen.at);
    const hand = { isSteered: this.#isSteered, isMoved: clock.jumps !== this.#jumps };
    this.#settle();
    feed.tell({ op: 'playhead', state, moment: seen.moment, speed, loop, range, start, end, now, serial: this.#serial, ...hand });
  }

  /** Whether somebody on this page has steered since the kernel was told. */
  get #isSteered() { return this.session.hands !== this.#hands; }

  #settle() {
    this.#hands = this.session.hands;
    this.#jumps = this.session.clock.jumps;
  }

  /** Do what code in the kernel asks for; a page that came later takes over what there was. */
  #take({ state, moment, speed, loop, range, now, serial, isAsked }) {
    const { clock, feed, isShared } = this.session;
    const isOld = isAsked ? serial <= this.#serial : !clock.isUntouched || serial < this.#serial;
    this.#serial = Math.max(this.#serial, serial); // heard, at least
    if (isOld || (isShared && (this.isHeld || this.#isSteered))) return; // what people here do comes first
    // of a replay all pages are to show the same moment, whatever their machines take the time to be
    const wall = isShared ? Date.now() + (feed.ahead ?? 0) : this.session.wall();
    this.session.move((moved, at) => {
      const passed = state === 'playing' ? (wall - now) * speed : 0;
      moved.restore({ state, moment: moment + passed, speed, loop }, at);
      moved.range = range;
    });
  }
}
