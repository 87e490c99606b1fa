import { Agent, request } from 'undici';
import type { Clock } from '../core/clock.ts';

/** How a delivery ended: `again` may go well later, `refused` never will. */
export type Posted = { readonly kind: 'taken' } | { readonly kind: 'again' | 'refused'; readonly cause: string };

export interface PostParts {
  url: URL;
  /** How long one delivery may take, from the dial to the end of the answer, ms. */
  timeout: number;
  clock: Clock;
}

/** As much of an answer as is read before its connection is ended, bytes. */
const longestAnswer = 64 * 1024;

/** Posts JSON to one place. Every post has a connection of its own: they are rare, and an old one may be dead. */
export class Poster {
  readonly #parts: PostParts;
  readonly #agent = new Agent({ pipelining: 0 });
  readonly #target: string;
  readonly #headers: Record<string, string>;
  readonly #closing = new AbortController();

  constructor(parts: PostParts) {
    this.#parts = parts;
    const { username, password, origin, pathname, search } = parts.url;
    this.#target = `${origin}${pathname}${search}`;
    this.#headers = { 'content-type': 'application/json', 'user-agent': 'evenkeel' };
    if (username !== '' || password !== '') {
      const secret = `${decoded(username)}:${decoded(password)}`;
      this.#headers.authorization = `Basic ${Buffer.from(secret).toString('base64')}`;
    }
  }

  /** Never rejects. */
  async post(body: string): Promise<Posted> {
    const { clock, timeout } = this.#parts;
    const late = new AbortController();
    const timer = clock.timer(timeout, () => late.abort(new Error(`no answer within ${timeout} ms`)));
    const signal = AbortSignal.any([late.signal, this.#closing.signal]);
    try {
      const options = { method: 'POST', headers: this.#headers, body, signal, dispatcher: this.#agent } as const;
      const { statusCode, body: answer } = await request(this.#target, options);
      // The status is the answer, whatever becomes of the rest.
      await answer.dump({ limit: longestAnswer, signal }).catch(() => {});
      return verdict(statusCode);
    } catch (error) {
      return { kind: 'again', cause: late.signal.aborted ? (late.signal.reason as Error).message : causeOf(error) };
    } finally {
      timer.cancel();
    }
  }

  /** Ends what is under way. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the webhook is closed'));
    await this.#agent.destroy().catch(() => {});
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % is no code for anything.
    return text;
  }
}

function verdict(status: number): Posted {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  // 408 and 429 are about the moment; the others of 3xx and 4xx will say the same again.
  const passing = status >= 500 || status === 408 || status === 429;
  return { kind: passing ? 'again' : 'refused', cause: `HTTP ${status}` };
}

/** A code says what happened and names no URL, which may be a secret. */
function causeOf(error: unknown): string {
  const { code, name } = error as { code?: string; name?: string };
  return code ?? name ?? 'failed';
}
