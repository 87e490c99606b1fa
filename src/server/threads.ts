import type { Cancellable } from '../core/call.ts';
import type { HandlerContext, Method, ServiceModule } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { currentCall, enableInheritance } from '../core/inherit.ts';
import type { Log } from '../core/log.ts';
import { errorFromJson } from '../wire/message.ts';
import type { Invoke } from './dispatch.ts';
import type { Runner } from './host.ts';

/** What is sent to a thread, and what comes back. `ready` is asked once, to see that the module is there. */
export type ThreadTask = 'ready' | ThreadCall;

export interface ThreadCall {
  service: string;
  method: string;
  input: unknown;
  metadata: Readonly<Record<string, string>>;
  peer: { address: string };
  attempt: number;
  /** What remains of the caller's time, ms. */
  remaining: number;
  /**
   * One Int32 that both sides see: 0 while the call runs, `cancelledWord` or `expiredWord` once nobody waits for it,
   * `endedWord` after it.
   */
  state: SharedArrayBuffer;
}

export const cancelledWord = 1;
export const endedWord = 2;
export const expiredWord = 3;

export type ThreadResult = { output: unknown } | { error: Record<string, unknown> } | { unhandled: Thrown };

/** What a handler threw that is no RpcError, as far as it can be told from one thread to the other. */
export interface Thrown {
  name: string;
  message: string;
  stack: string | undefined;
}

/** What a handler in a thread logs. */
export interface ThreadLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  facts: object;
  message: string;
}

export interface ThreadOptions {
  /** Where the module is: each thread loads it for itself. */
  moduleUrl: string;
  module: ServiceModule;
  /** How many threads, 1..256. */
  threads: number;
  now: () => number;
  log: Log;
  /** Called when no thread is left and none can be started: the process is of no use any more. */
  onBroken(cause: Error): void;
}

/**
 * Runs handlers in worker threads, so that one that burns CPU does not keep the others, `health` and heartbeats waiting.
 * A thread runs one handler at a time; calls wait here for their turn, and leave the queue when nobody waits for them any
 * more. Methods marked `inline` stay where they are. Needs the optional package `piscina`.
 *
 * Resolves when every thread has loaded the module; rejects with one sentence when one cannot.
 */
export async function threadRunner(options: ThreadOptions): Promise<Runner & { close(): Promise<void> }> {
  const { moduleUrl, module, threads, now, log } = options;
  const { Piscina } = await import('piscina').catch((cause) => {
    throw new Error('worker threads need the package "piscina": npm install piscina', { cause });
  });
  // Beside this file, with the same ending: .ts when run from source, .js when installed.
  const filename = new URL(import.meta.url.replace(/threads(\.[jt]s)$/, 'thread$1')).href;
  const pool = new Piscina({
    filename,
    workerData: { moduleUrl },
    minThreads: threads,
    maxThreads: threads,
    // Or a thread would stand still between two calls, and with it what the module does there on its own.
    atomics: 'disabled',
  });
  pool.on('message', (line: ThreadLine) => log[line.level](line.facts, line.message));
  // What is thrown while no call runs: the thread is gone, and another one comes if it can.
  pool.on('error', (cause) => {
    log.error({ cause }, 'a worker thread died');
    if (pool.threads.length === 0) options.onBroken(cause as Error);
  });
  try {
    await Promise.all(Array.from({ length: threads }, () => pool.run('ready' satisfies ThreadTask)));
  } catch (error) {
    await pool.destroy();
    throw error;
  }

  enableInheritance();
  const turns = new Turns(threads);
  const invoke: Invoke = async (method, input, context) => {
    if ((module.service.methods[method] as Method).inline === true) {
      return module.handlers[method]!(input, context);
    }
    const call = currentCall();
    await turns.take(call);
    const state = new Int32Array(new SharedArrayBuffer(4));
    const onCancel = ({ code }: RpcError) => {
      Atomics.compareExchange(state, 0, 0, code === 'DEADLINE_EXCEEDED' ? expiredWord : cancelledWord);
      Atomics.notify(state, 0);
    };
    try {
      const task = taskOf(module.service.name, method, input, context, now());
      call?.onCancel(onCancel);
      return resultOf(await pool.run({ ...task, attempt: call?.attempt ?? 1, state: state.buffer }));
    } finally {
      call?.offCancel(onCancel);
      turns.leave();
    }
  };
  return {
    invoke,
    threads,
    get waiting() {
      return turns.waiting;
    },
    close: () => pool.destroy(),
  };
}

function taskOf(
  service: string,
  method: string,
  input: unknown,
  context: HandlerContext,
  now: number,
): Omit<ThreadCall, 'attempt' | 'state'> {
  const remaining = context.deadline - now;
  if (remaining <= 0) throw new RpcError('DEADLINE_EXCEEDED', 'the deadline passed while the call waited for a thread');
  return { service, method, input, metadata: { ...context.metadata }, peer: { ...context.peer }, remaining };
}

function resultOf(result: ThreadResult): unknown {
  if ('output' in result) return result.output;
  if ('error' in result) throw errorFromJson(result.error, 'answered');
  const { name, message, stack } = result.unhandled;
  throw Object.assign(new Error(message), { name, stack: stack ?? `${name}: ${message}` });
}

/** Lets n at a time pass, in the order in which they came. */
class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(n: number) {
    this.#free = n;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Rejects when the call is cancelled before its turn. */
  async take(call: Cancellable | undefined): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const pass = () => {
        call?.offCancel(give);
        resolve();
      };
      const give = (cause: RpcError) => {
        this.#waiting.delete(pass);
        reject(cause);
      };
      this.#waiting.add(pass);
      call?.onCancel(give);
    });
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
