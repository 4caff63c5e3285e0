// Requests with an invite, and what can come of them.

const PATIENCE = 30000; // ms
const EXPLAINED = 10000; // ms that an answer may have been under way

/** The server said no: `status`, `code`, `message`, and after how many s it is worth trying again. */
export class Refusal extends Error {
  constructor(status, { code = 'refused', message = '' } = {}, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** No answer came. */
export class Unreachable extends Error {}

export class Api {
  /** base: the address of `locshare/`; token: the invite. */
  constructor(base, token) {
    this.base = base;
    this.token = token;
    this.ahead = null; // ms that this phone's clock is ahead of the server's, once it has answered
  }

  /** Return the JSON of an answer; raises Refusal, Unreachable. */
  async ask(method, path, body, { signal, patience = PATIENCE } = {}) {
    const answer = await this.open(method, path, body, limited(patience, signal));
    try {
      return await answer.json();
    } catch {
      throw new Unreachable('the answer broke off');
    }
  }

  /** Return an answer whose body is still to be read. */
  async open(method, path, body, signal) {
    const headers = { 'X-Locshare-Token': this.token };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let answer;
    try {
      answer = await fetch(new URL(path, this.base), {
        method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'omit',
      });
    } catch (error) {
      throw new Unreachable(String(error?.message ?? error));
    }
    this.ahead = aheadOf(Date.now(), answer.headers.get('Date')) ?? this.ahead;
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => null);
    // without our shape it is a proxy that answers for a server that is not there
    if (!told?.error && answer.status >= 500) throw new Unreachable(`status ${answer.status}`);
    throw new Refusal(answer.status, told?.error, Number(answer.headers.get('Retry-After')) || null);
  }
}

/** Return by how many ms a clock is ahead of a server's, told in whole seconds; 0 for what the way of it explains. */
export function aheadOf(now, told) {
  const theirs = Date.parse(told ?? '');
  if (Number.isNaN(theirs)) return null;
  return Math.abs(now - theirs) < EXPLAINED ? 0 : now - theirs;
}

/** Return a signal that comes after so many ms, or with another one. */
function limited(ms, signal) {
  const made = new AbortController();
  setTimeout(() => made.abort(), ms);
  signal?.addEventListener('abort', () => made.abort());
  return made.signal;
}

/** Return why an invite is of no more use, null for an error that may pass. */
export function ending(error) {
  if (!(error instanceof Refusal)) return null;
  const known = { invite_expired: 'expired', invite_revoked: 'revoked', invite_used_up: 'used_up', invites_off: 'invites_off',
    credential_invalid: 'unknown', too_many_failures: 'too_many' };
  return known[error.code] ?? (error.status === 401 ? 'unknown' : null);
}
