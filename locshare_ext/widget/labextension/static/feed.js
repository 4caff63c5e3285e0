// What comes from the kernel: asks for what is missing until it is there, and acknowledges what came.

import { isSound } from './columns.js';
import { join, missing } from './ranges.js';

const HELLO_AGAIN = 2000; // ms
const HELLO_AGAIN_FED = 30000; // while the kernel may be busy with a cell
const HELLOS = 4; // in a row, one of which may be lost, before that
const ACK_PERIOD = 400;
const STEPPED = 10000; // ms by which a clock was set, rather than that something was slow
const SILENCE = 13000; // ms without a beat, which comes every 5 s

const EXPECTED = ''; // the kernel's name for a page that it cannot hear yet

const pageName = () => Math.random().toString(36).slice(2, 10);

export class Feed {
  /** sink: {names(first, names), fixes(message, buffer, spans, isHistory), clear(), settings(settings), categories(texts), status(status), fit(members), image(question)} */
  constructor(model, sink) {
    this.model = model;
    this.sink = sink;
    this.page = pageName();
    this.epoch = null;
    this.have = [];
    this.head = 0;
    this.sequence = 0;
    this.offset = 0; // ms that the kernel's clock is ahead of this page's
    this.ahead = null; // the same by what took least to come here
    this.isConnected = false;
    this.heard = 0; // Date.now() of the last message
    this.#listen = (content, buffers) => this.#receive(content, buffers ?? []);
  }

  /** Take what came early, and ask for the rest. */
  start() {
    this.model.on('msg:custom', this.#listen);
    window.addEventListener('pagehide', this.#leave);
    window.addEventListener('pageshow', this.#comeBack);
    for (const [content, buffers] of this.model.early?.take() ?? []) this.#receive(content, buffers);
    this.#hello();
    this.#watch = setInterval(() => this.#look(), 1000);
  }

  #listen;
  #watch;
  #again = null;
  #hellos = 0;
  #leave = () => this.#send({ op: 'bye' }); // a reload closes no view
  #comeBack = event => { if (event.persisted) this.#hello(); };
  #ackTimer = null;
  #acked = 0;
  #ackedAt = 0;

  /** ms of silence beyond a beat's period, 0 while the kernel is heard. */
  get silence() {
    return this.heard && Date.now() - this.heard > SILENCE ? Date.now() - this.heard : 0;
  }

  close() {
    this.#leave();
    window.removeEventListener('pagehide', this.#leave);
    window.removeEventListener('pageshow', this.#comeBack);
    this.model.off('msg:custom', this.#listen);
    clearInterval(this.#watch);
    clearTimeout(this.#again);
    clearTimeout(this.#ackTimer);
  }

  /** Ask again, as the kernel may have been away. */
  #hello() {
    this.#send({ op: 'hello', epoch: this.epoch, have: this.have });
    clearTimeout(this.#again);
    // while fixes come, the kernel only runs a cell, and will read this when that ends
    const isFed = ++this.#hellos >= HELLOS && Date.now() - this.heard < SILENCE;
    this.#again = setTimeout(() => this.#hello(), isFed ? HELLO_AGAIN_FED : HELLO_AGAIN);
  }

  #send(content) {
    if (this.model.comm_live === false || this.model.comm === undefined) return;
    try {
      this.model.send({ ...content, page: this.page });
    } catch {
      this.isConnected = false; // the kernel is gone; its watcher says so
    }
  }

  /** Tell the kernel something that it need not answer. */
  tell(content) { this.#send(content); }

  /** Tell the kernel something, with buffers, on the channel that it reads while a cell runs. */
  tellNow(content, buffers) {
    const { kernel } = this.model.widget_manager ?? {};
    if (!kernel?.sendControlMessage) {
      this.model.send({ ...content, page: this.page }, undefined, buffers);
      return;
    }
    const header = {
      msg_id: crypto.randomUUID?.() ?? `${pageName()}${pageName()}`, msg_type: 'comm_msg', session: kernel.clientId,
      username: kernel.username, version: '5.3', date: new Date().toISOString(),
    };
    const data = { method: 'custom', content: { ...content, page: this.page } };
    kernel.sendControlMessage({
      channel: 'control', header, parent_header: {}, metadata: {}, content: { comm_id: this.model.model_id, data }, buffers,
    });
  }

  /** Whether all fixes of [oldest, head) are here. */
  isWhole(oldest, head) { return missing(this.have, oldest, head).length === 0; }

  #receive(content, buffers) {
    this.heard = Date.now();
    const offset = content.now - this.heard;
    if (Number.isFinite(offset)) this.#note(offset);
    if (content.epoch !== this.epoch) this.#begin(content.epoch, content.op);
    if (content.op === 'state') this.#state(content);
    else if (content.op === 'fixes') this.#fixes(content, buffers[0]);
    else if (content.op === 'beat') this.#beat(content);
    else if (content.op === 'settings') this.sink.settings(content.settings);
    else if (content.op === 'fit') this.sink.fit(content.members);
    else if (content.op === 'image') this.sink.image(content);
    else if (content.op === 'status') this.sink.status(content.status);
    else if (content.op === 'card') { if (content.page === this.page) this.sink.card(content.card); }
    else if (content.op === 'told') this.sink.told(content.said);
  }

  #note(offset) {
    this.offset = offset;
    if (this.ahead === null || offset > this.ahead || this.ahead - offset > STEPPED) this.ahead = offset;
  }

  #begin(epoch, op) {
    const isFirst = this.epoch === null;
    this.epoch = epoch;
    this.have = [];
    this.head = 0;
    if (!isFirst) this.sink.clear();
    if (op !== 'state') this.#hello();
  }

  #state({ page, head, oldest, names, categories, status, settings, told }) {
    this.sink.names(...names);
    this.sink.categories(categories ?? {});
    this.sink.settings(settings ?? {});
    this.sink.status(status);
    for (const said of told ?? []) this.sink.told(said);
    if (page === this.page) {
      clearTimeout(this.#again);
      this.#hellos = 0;
    } else if (page !== EXPECTED) return;
    this.isConnected = true;
    this.head = head;
    if (oldest > 0) this.have = join(this.have, 0, oldest); // forgotten there: nothing to wait for
    this.#missedBefore = null;
  }

  #fixes({ first, count, columns, names, categories, sequence }, data) {
    this.sequence = Math.max(this.sequence, sequence);
    if (names) this.sink.names(...names);
    if (categories) this.sink.categories(categories);
    // the bytes may lie at any offset of the message, and go to the worker as a buffer of their own
    const buffer = data ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : new ArrayBuffer(0);
    if (!isSound({ first, count, columns }, buffer)) return this.#acknowledge();
    const spans = missing(this.have, first, first + count);
    if (spans.length) {
      const isHistory = first + count <= this.head;
      this.have = join(this.have, first, first + count);
      this.head = Math.max(this.head, first + count);
      this.sink.fixes({ columns, count }, buffer, spans.map(([a, b]) => [a - first, b - first]), isHistory);
    }
    this.#acknowledge();
  }

  #beat({ head, oldest }) {
    if (!this.isConnected) return;
    const lacks = JSON.stringify(missing(this.have, oldest, Math.min(head, this.head)));
    // what a beat finds missing may still be on its way; what two beats do is not
    if (lacks !== '[]' && lacks === this.#missedBefore) this.#hello();
    else if (head > this.head && head === this.#headBefore) this.#hello();
    this.#missedBefore = lacks;
    this.#headBefore = head;
  }

  #missedBefore = null;
  #headBefore = null;

  #acknowledge() {
    const wait = this.#ackedAt + ACK_PERIOD - Date.now();
    if (wait > 0) {
      this.#ackTimer ??= setTimeout(() => { this.#ackTimer = null; this.#acknowledge(); }, wait);
      return;
    }
    if (this.#acked === this.sequence) return;
    this.#acked = this.sequence;
    this.#ackedAt = Date.now();
    this.#send({ op: 'ack', sequence: this.sequence });
  }

  /** Find out by silence that the kernel does not know this page any more. */
  #look() {
    if (this.silence && this.isConnected) {
      this.isConnected = false;
      this.#hello();
    }
  }
}
