/**
 * A service for tests of processes: every call that it begins it writes down before it goes on, so that the line outlives
 * the process. EVENKEEL_TEST_BOOK names the file. While the file that EVENKEEL_TEST_CRASH names is there, it cannot load.
 * Loading takes EVENKEEL_TEST_SLOW ms.
 */
import { EventEmitter, once } from 'node:events';
import { existsSync, openSync, writeSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { z } from 'zod';
import { systemClock } from '../../src/core/clock.ts';
import { type Handlers, method, type ServiceModule, service } from '../../src/core/contract.ts';
import { RpcError } from '../../src/core/error.ts';

const { EVENKEEL_TEST_BOOK: bookFile, EVENKEEL_TEST_CRASH: crashFile, EVENKEEL_TEST_SLOW: slow } = process.env;
if (slow !== undefined) await systemClock.sleep(Number(slow));
if (crashFile !== undefined && existsSync(crashFile)) throw new Error('it is not the time to load');

const work = z.object({ id: z.string(), ms: z.number().default(0) });
const done = z.object({ id: z.string(), pid: z.number() });

export const book = service('book', {
  /** Writes the id down, takes `ms`, and answers with the id and the process. May run twice. */
  read: method({ input: work, output: done, idempotent: true }),
  /** The same, but must not run twice. */
  write: method({ input: work, output: done }),
  /** Computes for `ms` without a pause. */
  burn: method({ input: z.number(), output: z.number() }),
  /** Answers at once, beside the event loop. */
  quick: method({ input: z.unknown(), output: z.number(), idempotent: true, inline: true }),
  /** Waits for the end of its caller's interest, and writes down why it ended. */
  linger: method({ input: z.string(), output: z.string() }),
  /** The same as Node's own functions do it: what it throws then is an AbortError, not the reason. */
  heed: method({ input: z.string(), output: z.null() }),
  /** What the handler sees of its call. */
  context: method({ output: z.unknown(), input: z.unknown() }),
  say: method({ input: z.string(), output: z.null() }),
  fail: method({ input: z.enum(['rpc', 'error', 'text', 'exit', 'later']), output: z.null() }),
});

const file = bookFile === undefined ? undefined : openSync(bookFile, 'a');

function note(line: string): void {
  if (file !== undefined) writeSync(file, `${line}\n`);
}

async function noted({ id, ms }: { id: string; ms: number }) {
  note(`${id} ${process.pid}`);
  if (ms > 0) await systemClock.sleep(ms);
  return { id, pid: process.pid };
}

export const handlers: Handlers<typeof book.methods> = {
  read: noted,
  write: noted,
  burn(ms) {
    const until = systemClock.now() + ms;
    while (systemClock.now() < until);
    return process.pid;
  },
  quick: () => process.pid,
  linger(id, { signal }) {
    note(`${id} began`);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        note(`${id} ${(signal.reason as RpcError).code}`);
        reject(signal.reason);
      });
    });
  },
  async heed(id, { signal }) {
    note(`${id} began`);
    try {
      await once(new EventEmitter(), 'never', { signal });
    } catch (error) {
      note(`${id} ${(error as Error).name} ${(signal.reason as RpcError).code}`);
      throw error;
    }
    return null;
  },
  context: (_input, { metadata, deadline, peer }) => ({
    metadata,
    remaining: deadline - systemClock.now(),
    peer: peer.address,
  }),
  say(text, { log }) {
    log.info({ text, odd: () => 1 }, 'a handler speaks');
    return null;
  },
  fail(how) {
    if (how === 'rpc') throw new RpcError('NOT_FOUND', 'no such thing', { reason: 'NO_THING', retryAfter: 70 });
    if (how === 'error') throw new Error('a secret detail');
    if (how === 'text') throw 'a bare text';
    if (how === 'exit') process.exit(9);
    systemClock.timer(0, () => {
      throw new Error('thrown with nobody near');
    });
    return null;
  },
};

const module: ServiceModule<typeof book.methods> = {
  service: book,
  handlers,
  health: () => ({ status: 'ok', pid: process.pid, thread: threadId }),
};

export default module;
