// Empties the outbox: what people say first, then fixes, in order; what did not arrive stays.

import { Refusal, Unreachable } from './api.js';

const AT_ONCE = 200; // fixes of one body: far below the frame's limit
const LONGEST = 30000; // ms between tries: an hour without network ends within half a minute

/** Return how many ms to wait after so many failures. */
export const pause = (failures, random = Math.random) => Math.min(LONGEST, 1000 * 2 ** Math.min(failures, 10)) * (0.75 + random() / 2);

/** Return what becomes of a batch that was refused: `drop`, as it will never be taken, or `keep`. */
export function fateOf(error) {
  if (!(error instanceof Refusal)) return 'keep';
  if (error.status === 409 && error.code === 'too_many_members') return 'keep';
  return error.status === 429 || error.status >= 500 ? 'keep' : 'drop';
}

export class Sender {
  /**
   * box: of the outbox. say, send: post what is said, and an array of fixes. shaped: makes a fix as coarse
   * as it is to be now. tell: told {waiting, sent, error} after each step. alone: does some work while no
   * other page of this box does.
   */
  constructor({ box, say, send, shaped, tell, alone = work => work() }) {
    Object.assign(this, { box, say, send, shaped, tell, alone });
    this.failures = 0;
    this.timer = null;
    this.running = null;
    this.isAgain = false;
    this.isStopped = false;
  }

  /** Send what there is; what comes meanwhile is sent, too. */
  kick() {
    if (this.isStopped) return this.running;
    clearTimeout(this.timer);
    this.timer = null;
    this.isAgain = true;
    this.running ??= this.#drain().finally(() => { this.running = null; if (this.isAgain && !this.timer) this.kick(); });
    return this.running;
  }

  /** Send nothing more; resolves when nothing is under way. */
  async stop() {
    this.isStopped = true;
    this.isAgain = false;
    clearTimeout(this.timer);
    await this.running;
  }

  async #drain() {
    while (this.isAgain && !this.isStopped) {
      this.isAgain = false;
      try {
        await this.alone(async () => { while (!this.isStopped && (await this.#step('said', 1) || await this.#step('fix', AT_ONCE))); });
        this.failures = 0;
      } catch (error) {
        await this.#failed(error);
        return;
      }
    }
  }

  /** Send the next of a kind; returns whether there was any. */
  async #step(kind, most) {
    const items = await this.box.peek(kind, most);
    if (!items.length) return false;
    let error = null;
    try {
      if (kind === 'said') await this.say(items[0].body);
      else await this.send(items.map(item => this.shaped(item.body)));
    } catch (refused) {
      if (fateOf(refused) === 'keep') throw refused;
      error = refused;
    }
    await this.box.drop(items.map(item => item.id));
    this.failures = 0;
    this.tell({ waiting: await this.box.count(), sent: error ? [] : items.map(item => item.body), kind, error });
    return true;
  }

  async #failed(error) {
    this.isAgain = false;
    this.failures += 1;
    const known = error instanceof Refusal || error instanceof Unreachable;
    this.tell({ waiting: await this.box.count(), sent: [], error: known ? error : new Unreachable(String(error)) });
    if (this.isStopped) return;
    const wait = error.retryAfter ? error.retryAfter * 1000 : pause(this.failures);
    this.timer = setTimeout(() => this.kick(), wait);
  }
}
