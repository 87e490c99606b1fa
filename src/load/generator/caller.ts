import { Pool } from 'undici';
import { expectedPi, sameValue } from '../expected.ts';
import { callIdKey } from '../ledger.ts';
import type { PlannedCall } from '../plan.ts';
import type { EndRecord } from '../sample.ts';

/** What came of one call over HTTP. */
export type Outcome = Pick<EndRecord, 'outcome' | 'attempts' | 'mayHaveExecuted' | 'node'>;

/** What came of a call that is no part of the load. */
export type Answered = { value: unknown; node: string | undefined } | { failure: string };

/** Makes calls through a gateway and judges the answers. Never sends a call again: that is what is under test. */
export class Caller {
  readonly #pool: Pool;
  readonly #deadline: number;

  constructor(url: string, deadline: number, connections: number) {
    this.#deadline = deadline;
    this.#pool = new Pool(url, {
      connections,
      pipelining: 1,
      connect: { timeout: deadline },
      // The gateway answers within the deadline; half a second more and nobody is there.
      headersTimeout: deadline + 500,
      bodyTimeout: deadline + 500,
    });
  }

  async call(call: PlannedCall): Promise<Outcome> {
    try {
      const { status, text, node, attempts } = await this.#post(call.method, call.input, {
        [`evenkeel-meta-${callIdKey}`]: call.id,
      });
      return { ...judge(status, text, call), attempts, ...(node !== undefined && { node }) };
    } catch (cause) {
      return { attempts: 1, mayHaveExecuted: false, outcome: noAnswer(cause) };
    }
  }

  /** Makes a call without an id, which is no part of the load. */
  async ask(method: string, input: unknown): Promise<Answered> {
    try {
      const { status, text, node } = await this.#post(method, input, {});
      return status === 200 ? { value: JSON.parse(text), node } : { failure: errorOf(status, parsed(text)).code };
    } catch (cause) {
      return { failure: noAnswer(cause) };
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #post(method: string, input: unknown, more: Record<string, string>) {
    const { statusCode, headers, body } = await this.#pool.request({
      method: 'POST',
      path: `/call/${method}`,
      headers: { 'content-type': 'application/json', 'evenkeel-deadline-ms': String(this.#deadline), ...more },
      body: JSON.stringify(input),
    });
    return {
      status: statusCode,
      text: await body.text(),
      node: header(headers['evenkeel-node']),
      attempts: Number(header(headers['evenkeel-attempts']) ?? 1),
    };
  }
}

interface ErrorBody {
  code?: string;
  reason?: string | null;
  mayHaveExecuted?: boolean;
}

function judge(status: number, text: string, call: PlannedCall): Pick<Outcome, 'outcome' | 'mayHaveExecuted'> {
  const body = parsed(text);
  if (status !== 200 || body === undefined) {
    const { code, mayHaveExecuted } = errorOf(status, body);
    return { outcome: code, mayHaveExecuted };
  }
  const expected = call.method === 'pi' ? expectedPi(call.input as number) : call.input;
  return { outcome: sameValue(body, expected) ? 'ok' : 'WRONG', mayHaveExecuted: false };
}

/** The error of an answer, its reason behind a slash; its status where it is not the gateway's. */
function errorOf(status: number, body: unknown): { code: string; mayHaveExecuted: boolean } {
  const { code = `HTTP_${status}`, reason, mayHaveExecuted } = (body as { error?: ErrorBody } | null)?.error ?? {};
  return { code: reason ? `${code}/${reason}` : code, mayHaveExecuted: mayHaveExecuted === true };
}

function noAnswer(cause: unknown): string {
  return `NO_ANSWER/${(cause as NodeJS.ErrnoException).code ?? (cause as Error).name}`;
}

/** Undefined where it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
