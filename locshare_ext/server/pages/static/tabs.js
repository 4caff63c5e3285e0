// The same page open twice in one browser: both show what was chosen in one, and one sends at a time.

const PATIENCE = 15000; // ms that another page may send for; a phone may have stopped it in the middle

export class Tabs {
  /** owner: of the box that they share; told: called with what another page says. */
  constructor(owner, told) {
    this.owner = owner;
    this.channel = 'BroadcastChannel' in window ? new BroadcastChannel(owner) : null;
    if (this.channel) this.channel.onmessage = ({ data }) => told(data);
  }

  say(data) { this.channel?.postMessage(data); }

  /** Do some work while no other page does any; raises what the work raises. */
  async alone(work) {
    if (!navigator.locks) return work();
    const stopper = new AbortController();
    const timer = setTimeout(() => stopper.abort(), PATIENCE);
    let hasBegun = false;
    try {
      return await navigator.locks.request(this.owner, { signal: stopper.signal }, () => {
        clearTimeout(timer);
        hasBegun = true;
        return work();
      });
    } catch (error) {
      if (hasBegun) throw error;
      return work(); // what comes twice is stored once
    }
  }
}
