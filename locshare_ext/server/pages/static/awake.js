// Keeps the screen on while that is wanted, as a locked phone measures nothing.

export class Awake {
  constructor(changed) {
    this.changed = changed;
    this.isWanted = false;
    this.lock = null;
    document.addEventListener('visibilitychange', () => this.#hold());
  }

  get isPossible() { return 'wakeLock' in navigator; }

  want(isWanted) {
    this.isWanted = isWanted;
    if (isWanted) this.#hold();
    else this.lock?.release().catch(() => {});
  }

  async #hold() {
    if (!this.isWanted || this.lock || !this.isPossible || document.visibilityState !== 'visible') return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      this.lock = lock;
      lock.addEventListener('release', () => { this.lock = null; this.changed(false); this.#hold(); });
      if (!this.isWanted) await lock.release();
      else this.changed(true);
    } catch { // the battery is low, or the phone forbids it
      this.changed(false);
    }
  }
}
