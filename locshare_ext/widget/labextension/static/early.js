// Messages that come before a view does: kept for it, within bounds.

const MOST = 4000; // messages
const MOST_BYTES = 64 << 20;

export class EarlyMessages {
  constructor(model) {
    this.model = model;
    this.#messages = [];
    this.#keep = (content, buffers) => this.#add(content, buffers ?? []);
    model.on('msg:custom', this.#keep);
  }

  #messages;
  #keep;
  #bytes = 0;

  /** Return what came, oldest first, and keep no more. */
  take() {
    this.model.off('msg:custom', this.#keep);
    const taken = this.#messages ?? [];
    this.#messages = [];
    return taken;
  }

  #add(content, buffers) {
    for (const buffer of buffers) this.#bytes += buffer.byteLength;
    this.#messages.push([content, buffers]);
    // nobody looks, or much later: then the kernel is asked for everything
    if (this.#messages.length > MOST || this.#bytes > MOST_BYTES) this.take();
  }
}
