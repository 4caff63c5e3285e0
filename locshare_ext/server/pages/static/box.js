// What the phone keeps: settings by name, and an outbox; in IndexedDB, so that a reload loses nothing.

const NAME = 'locshare-share';
const OPENING = 5000; // ms

/** Open the box of one owner: a server's address with an invite's id. */
export async function openBox(owner) {
  const late = new Promise((_, reject) => { setTimeout(reject, OPENING); }); // some browsers never answer
  const db = await Promise.race([opened(), late]).catch(() => null); // private windows of others refuse
  return new SafeBox(db && new Box(db, owner));
}

/** A box that goes on in memory where the phone keeps nothing: it is full, or may not. */
export class SafeBox {
  /** kept: of IndexedDB, null without it. */
  constructor(kept) {
    this.kept = kept;
    this.memory = new MemoryBox();
    this.isKept = kept !== null; // whether all of it survives a reload, as far as is known
  }

  async get(name) { return (await this.memory.get(name)) ?? this.#try(kept => kept.get(name)); }

  async set(name, value) {
    const isDone = await this.#try(kept => kept.set(name, value).then(() => true));
    if (isDone) this.memory.state.delete(name);
    else await this.memory.set(name, value);
  }

  async push(kind, body) {
    return (await this.#try(kept => kept.push(kind, body))) ?? this.memory.push(kind, body);
  }

  async count() { return ((await this.#try(kept => kept.count())) ?? 0) + (await this.memory.count()); }

  /** Return up to `most` of one kind, [{id, body}]: first what is kept, the oldest of it first. */
  async peek(kind, most) {
    const found = (await this.#try(kept => kept.peek(kind, most))) ?? [];
    return [...found, ...(await this.memory.peek(kind, most - found.length))];
  }

  /** Forget these; raises where that fails, as they would be sent for ever. */
  async drop(ids) {
    await this.memory.drop(ids);
    const kept = ids.filter(id => typeof id === 'number');
    if (kept.length) await this.kept.drop(kept);
  }

  async clear() {
    await this.memory.clear();
    await this.#try(kept => kept.clear());
  }

  async #try(work) {
    if (!this.kept) return undefined;
    try {
      return await work(this.kept);
    } catch {
      this.isKept = false;
      return undefined;
    }
  }
}

class Box {
  constructor(db, owner) {
    this.db = db;
    this.owner = owner;
  }

  get(name) { return this.#ask('state', 'readonly', store => store.get([this.owner, name])); }

  set(name, value) { return this.#ask('state', 'readwrite', store => store.put(value, [this.owner, name])); }

  push(kind, body) { return this.#ask('outbox', 'readwrite', store => store.add({ owner: this.owner, kind, body })); }

  count() { return this.#ask('outbox', 'readonly', store => store.index('owner').count(this.owner)); }

  /** Return up to `most` of one kind, [{id, body}], the oldest first. */
  peek(kind, most) {
    return new Promise((resolve, reject) => {
      const found = [];
      const cursor = this.db.transaction('outbox').objectStore('outbox').index('kind').openCursor([this.owner, kind]);
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (!at || found.length >= most) return resolve(found);
        found.push({ id: at.primaryKey, body: at.value.body });
        return at.continue();
      };
    });
  }

  drop(ids) {
    return this.#ask('outbox', 'readwrite', store => { for (const id of ids) store.delete(id); return store.count(); });
  }

  /** Forget all of this owner. */
  async clear() {
    const keys = await this.#ask('outbox', 'readonly', store => store.index('owner').getAllKeys(this.owner));
    await this.drop(keys);
    await this.#ask('state', 'readwrite', store => store.delete(IDBKeyRange.bound([this.owner], [this.owner, []])));
  }

  #ask(name, mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(name, mode);
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }
}

/** The same for as long as the page lives. */
export class MemoryBox {
  constructor() {
    this.state = new Map();
    this.items = new Map();
    this.next = 1;
  }

  async get(name) { return this.state.get(name); }

  async set(name, value) { this.state.set(name, value); }

  async push(kind, body) {
    const id = `m${this.next++}`; // not a number, as those of IndexedDB are
    this.items.set(id, { kind, body });
    return id;
  }

  async count() { return this.items.size; }

  async peek(kind, most) {
    return [...this.items].filter(([, item]) => item.kind === kind).slice(0, most).map(([id, { body }]) => ({ id, body }));
  }

  async drop(ids) { for (const id of ids) this.items.delete(id); }

  async clear() { this.state.clear(); this.items.clear(); }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      const outbox = request.result.createObjectStore('outbox', { autoIncrement: true });
      outbox.createIndex('owner', 'owner');
      outbox.createIndex('kind', ['owner', 'kind']);
      request.result.createObjectStore('state');
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => resolve(request.result);
  });
}
