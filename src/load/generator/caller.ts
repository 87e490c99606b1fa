import { Pool } from 'undici';
import { expectedPi, sameValue } from '../expected.ts';
import { callIdKey } from '../ledger.ts';
import type { PlannedCall } from '../plan.ts';
import type { EndRecord } from '../sample.ts';

/** What came of one call over HTTP. */
export type Outcome = Pick<EndRecord, 'outcome' | 'attempts' | 'mayHaveExecuted' | 'node'>;

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
      const code = (cause as NodeJS.ErrnoException).code ?? (cause as Error).name;
      return { attempts: 1, mayHaveExecuted: false, outcome: `NO_ANSWER/${code}` };
    }
  }

  /** The value that a call without an id answers, undefined if it fails. */
  async ask(method: string, input: unknown): Promise<{ value: unknown; node: string | undefined }> {
    try {
      const { status, text, node } = await this.#post(method, input, {});
      return { value: status === 200 ? JSON.parse(text) : undefined, node };
    } catch {
      return { value: undefined, node: undefined };
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
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { outcome: `HTTP_${status}`, mayHaveExecuted: false };
  }
  if (status === 200) {
    const expected = call.method === 'pi' ? expectedPi(call.input as number) : call.input;
    return { outcome: sameValue(body, expected) ? 'ok' : 'WRONG', mayHaveExecuted: false };
  }
  const error = (body as { error?: ErrorBody } | null)?.error;
  const code = error?.code ?? `HTTP_${status}`;
  return {
    outcome: error?.reason ? `${code}/${error.reason}` : code,
    mayHaveExecuted: error?.mayHaveExecuted === true,
  };
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
