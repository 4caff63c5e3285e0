// Who wants to know of what; a listener that fails does not keep others from hearing.

export class Emitter {
  #listeners = new Map();

  /** Call `listener` at each `emit(name)`; returns the function that ends it. */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(value);
      } catch (error) {
        console.error('locshare:', error);
      }
    }
  }
}
