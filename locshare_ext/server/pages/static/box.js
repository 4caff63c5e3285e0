// What the phone keeps: settings by name, and an outbox; in IndexedDB, so that a reload loses nothing.

const NAME = 'locshare-share';

/** Open the box of one owner (a server's address with an invite's id); without IndexedDB it lives as long as the page. */
export async function openBox(owner) {
  try {
    return new Box(await opened(), owner);
  } catch { // private windows of some browsers
    return new MemoryBox();
  }
}

class Box {
  constructor(db, owner) {
    this.isKept = true;
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
    this.isKept = false;
    this.state = new Map();
    this.items = new Map();
    this.next = 1;
  }

  async get(name) { return this.state.get(name); }

  async set(name, value) { this.state.set(name, value); }

  async push(kind, body) { this.items.set(this.next, { kind, body }); return this.next++; }

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
