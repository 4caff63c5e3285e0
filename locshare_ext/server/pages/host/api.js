// Requests as the host: by a token of ours, else by the cookie of whom Jupyter or a Hub has logged in.

const PATIENCE = 30000; // ms

/** The server said no, in its words. */
export class Refusal extends Error {
  constructor(status, { code = 'refused', message = '' } = {}) {
    super(message || `status ${status}`);
    this.status = status;
    this.code = code;
  }
}

/** No answer came. */
export class Unreachable extends Error {}

/** Return the XSRF token in a page's cookies, which a write with a cookie brings as a header. */
export const xsrfOf = cookies => /(?:^|;\s*)_xsrf=([^;]*)/.exec(cookies)?.[1] ?? '';

export class Api {
  /** base: the address of `locshare/`. token: null to come as whom the browser's cookies name. */
  constructor(base, token) {
    this.base = base;
    this.token = token;
  }

  /** Return the JSON of an answer; raises Refusal, Unreachable. */
  async ask(method, path, body) {
    const answer = await this.open(method, path, body);
    return answer.json().catch(() => { throw new Unreachable('the answer broke off'); });
  }

  /** Return an answer whose body is still to be read. */
  async open(method, path, body, patience = PATIENCE) {
    const headers = this.token ? { 'X-Locshare-Token': this.token } : { 'X-XSRFToken': xsrfOf(document.cookie) };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let answer;
    try {
      answer = await fetch(new URL(`api/${path}`, this.base), {
        method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store',
        credentials: this.token ? 'omit' : 'same-origin', signal: patience ? AbortSignal.timeout(patience) : undefined,
      });
    } catch (error) {
      throw new Unreachable(String(error?.message ?? error));
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => null);
    if (!told?.error && answer.status >= 500) throw new Unreachable(`status ${answer.status}`); // a proxy's
    throw new Refusal(answer.status, told?.error);
  }
}
