// The way to the server while the page is open: STOMP over WebSocket, else an event stream, else long polling.

import { Refusal, Unreachable } from './api.js';
import { EventReader } from './stream.js';

const OPENING = 10000; // ms until a way must have opened
const SILENCE = 45000; // ms without a byte after which a stream is dead: the server comments each 15 s
const ABOVE = 120000; // ms after which a better way is tried again
const WAIT = 25; // s of a long poll

/** Which way is next: down after two failures of one that never opened, up again after a while. */
export class Ladder {
  constructor(ways) {
    this.ways = ways;
    this.at = 0;
    this.failures = 0;
    this.since = 0;
  }

  get way() { return this.ways[this.at]; }

  /** Note that a way ended; hasOpened: whether it worked before. Returns the way to try next. */
  ended(hasOpened, now) {
    if (hasOpened) this.failures = 0;
    else if (++this.failures >= 2 && this.at < this.ways.length - 1) {
      this.at += 1;
      this.failures = 0;
      this.since = now;
    } else if (this.failures >= 2) {
      this.at = 0; // none works: the server is away, not one way of it
      this.failures = 0;
    }
    return this.way;
  }

  /** Whether a better way is to be tried again; it is noted as tried. */
  isUp(now) {
    if (this.at === 0 || now - this.since < ABOVE) return false;
    this.at = 0;
    this.failures = 1;
    return true;
  }
}

export class Live {
  /**
   * api; group: its slug; watches: whether the invite may watch. heard: told of arrays of fixes and of events.
   * changed: told the way that is open, null while none is. ended: told a Refusal that concerns the invite.
   */
  constructor({ api, group, watches, heard, changed, ended, load }) {
    Object.assign(this, { api, group, watches, heard, changed, ended, load });
    this.ladder = new Ladder(watches ? ['stomp', 'sse', 'polling'] : ['stomp', 'post']);
    this.isOver = false;
    this.client = null; // of STOMP, while connected
    this.receipts = new Map();
    this.number = 0;
    this.stopper = new AbortController();
  }

  /** Keep a way open until `stop`. */
  async run() {
    let rounds = 0;
    while (!this.isOver) {
      const way = this.ladder.way;
      let hasOpened = false;
      const opened = () => { hasOpened = true; rounds = 0; this.changed(way); };
      this.stopper = new AbortController();
      try {
        await this[`_${way}`](opened, this.stopper.signal);
      } catch (error) {
        if (error instanceof Refusal && error.status < 500 && error.status !== 429 && error.code !== 'precision_changed') this.ended(error);
      }
      if (this.isOver) return;
      this.changed(null);
      const next = this.ladder.ended(hasOpened, Date.now());
      if (next !== way && this.ladder.at > 0) continue; // another way need not wait
      if (next !== way) rounds += 1; // none of them worked
      await this.#rest(Math.min(15000, 500 * 2 ** Math.min(rounds, 5)) * (0.75 + Math.random() / 2));
    }
  }

  /** Try again now: the network is back, or the page is seen. */
  nudge() { this.wake?.(); }

  stop() {
    this.isOver = true;
    this.stopper.abort();
    this.wake?.();
  }

  /** Send fixes over STOMP; resolves when they are stored. Raises Unreachable when it is not open. */
  send(fixes) {
    if (!this.client?.connected) return Promise.reject(new Unreachable('not connected'));
    const receipt = `s${this.number++}`;
    return new Promise((resolve, reject) => {
      this.receipts.set(receipt, { resolve, reject });
      this.client.watchForReceipt(receipt, () => { this.receipts.delete(receipt); resolve(); });
      this.client.publish({
        destination: `/topic/group.${this.group}`, body: JSON.stringify(fixes), headers: { receipt, 'content-type': 'application/json' },
      });
    });
  }

  async _stomp(opened, signal) {
    const { Client } = await this.load('stomp.js', 'StompJs');
    const address = new URL('stomp', this.api.base);
    address.protocol = address.protocol.replace('http', 'ws');
    let refusal = null;
    const client = new Client({
      connectHeaders: { login: 'share', passcode: this.api.token, host: address.hostname },
      reconnectDelay: 0, connectionTimeout: OPENING, heartbeatIncoming: 10000, heartbeatOutgoing: 10000,
    });
    try {
      await new Promise((resolve, reject) => {
        signal.addEventListener('abort', resolve);
        // what a browser throws here would be lost in stompjs
        client.webSocketFactory = () => {
          try {
            return new WebSocket(address.href, ['v12.stomp', 'v11.stomp']);
          } catch (error) {
            reject(error);
            throw error;
          }
        };
        client.onConnect = () => { this.client = client; this.#subscribe(client); opened(); };
        client.onStompError = frame => {
          refusal = new Refusal(403, { code: frame.headers.code, message: frame.headers.message });
          this.receipts.get(frame.headers['receipt-id'])?.reject(refusal);
        };
        client.onWebSocketClose = resolve;
        client.onWebSocketError = () => {};
        client.activate();
      });
    } finally {
      this.client = null;
      for (const { reject } of this.receipts.values()) reject(new Unreachable('the connection was lost'));
      this.receipts.clear();
      client.deactivate({ force: true });
    }
    if (refusal) throw refusal;
  }

  #subscribe(client) {
    if (!this.watches) return;
    const topic = `/topic/group.${this.group}`;
    client.subscribe(topic, message => this.heard([].concat(JSON.parse(message.body)), []), { last: '1', batch: '1000', conflate: '1' });
    client.subscribe(`${topic}.events`, message => this.heard([], [JSON.parse(message.body)]), { after: 'now' });
  }

  async _sse(opened, signal) {
    const stopper = new AbortController(); // a time for the head of the answer only: its body takes as long as it likes
    const abort = () => stopper.abort();
    signal.addEventListener('abort', abort);
    const late = setTimeout(abort, OPENING);
    const path = `api/groups/${encodeURIComponent(this.group)}/events?last=1&batch=1000&conflate=1`;
    const answer = await this.api.open('GET', path, undefined, stopper.signal).finally(() => clearTimeout(late));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    let isOpen = false;
    for (;;) {
      const { value, done } = await this.#within(reader.read(), isOpen ? SILENCE : OPENING, reader);
      if (done) return;
      for (const event of events.take(value)) {
        if (!isOpen) { isOpen = true; opened(); }
        const data = JSON.parse(event.data);
        if (event.type === 'message') this.heard(data, []);
        else if (event.type === 'event') this.heard([], [data]);
        else if (event.type === 'error') throw new Refusal(data.status, data.error);
      }
      if (this.ladder.isUp(Date.now())) return void reader.cancel();
    }
  }

  async _polling(opened, signal) {
    let after = null;
    const path = `api/groups/${encodeURIComponent(this.group)}/fixes?events=1`;
    for (;;) {
      const query = after === null ? '&last=1' : `&wait=${WAIT}&after=${encodeURIComponent(after)}&conflate=1&batch=1000`;
      const page = await this.api.ask('GET', path + query, undefined, { signal, patience: SILENCE });
      if (after === null) opened();
      after = page.cursor;
      this.heard(page.fixes, page.events);
      if (this.ladder.isUp(Date.now())) return;
    }
  }

  /** Without anything to watch there is nothing to keep open: fixes are posted. */
  async _post(opened, signal) {
    opened();
    await new Promise(resolve => {
      signal.addEventListener('abort', resolve);
      setTimeout(resolve, ABOVE);
    });
    this.ladder.isUp(Date.now());
  }

  async #within(promise, ms, reader) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => { reader.cancel().catch(() => {}); reject(new Unreachable('silence')); }, ms); });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #rest(ms) {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => { clearTimeout(timer); resolve(); };
    });
  }
}
