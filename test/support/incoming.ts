/** A call as a server's layers see it, without a wire. */
import { type Call, Cancellable, noMetadata, type Reply } from '../../src/core/call.ts';
import type { RpcError } from '../../src/core/error.ts';

export class FakeIncoming extends Cancellable implements Call {
  readonly service: string;
  readonly method: string;
  readonly input: unknown;
  readonly since: number;
  readonly deadline: number;
  readonly attempt = 1;
  repeatable = false;
  readonly metadata = noMetadata;
  readonly wantsEncoded = false;
  readonly peer = { address: 'peer:1' };

  constructor(facts: { service?: string; method?: string; input?: unknown; deadline?: number; since?: number } = {}) {
    super();
    this.service = facts.service ?? 'test';
    this.method = facts.method ?? 'read';
    this.input = facts.input;
    this.since = facts.since ?? 0;
    this.deadline = facts.deadline ?? Number.POSITIVE_INFINITY;
  }
}

export type Ending = { reply: Reply; error: undefined } | { reply: undefined; error: RpcError };

/** How a handler's answer ends, whichever way it gives it; undefined until it has. */
export function ending(answer: () => Reply | Promise<Reply>): { now: Ending | undefined } {
  const end: { now: Ending | undefined } = { now: undefined };
  try {
    const reply = answer();
    if (!(reply instanceof Promise)) end.now = { reply, error: undefined };
    else {
      reply.then(
        (value) => {
          end.now = { reply: value, error: undefined };
        },
        (error) => {
          end.now = { reply: undefined, error };
        },
      );
    }
  } catch (error) {
    end.now = { reply: undefined, error: error as RpcError };
  }
  return end;
}
