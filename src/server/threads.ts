import type { Method, ServiceModule } from '../core/contract.ts';
import type { Log } from '../core/log.ts';
import { errorFromJson } from '../wire/message.ts';
import type { Invoke } from './dispatch.ts';

/** What is sent to a thread, and what comes back. */
export interface ThreadTask {
  method: string;
  input: unknown;
  metadata: Readonly<Record<string, string>>;
  peer: { address: string };
  /** What remained of the caller's time when the task was sent, ms. */
  remaining: number;
}

export type ThreadResult = { output: unknown } | { error: Record<string, unknown> } | { unhandled: string };

/** What a handler in a thread logs. */
export interface ThreadLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  facts: object;
  message: string;
}

/**
 * Runs handlers in worker threads, so that one that burns CPU does not keep the others, `health` and heartbeats waiting.
 * The module is loaded once in each thread. Methods marked `inline` stay where they are.
 * Needs the optional package `piscina`. @param threads how many, 1..256
 */
export async function threadInvoke(
  moduleUrl: string,
  module: ServiceModule,
  threads: number,
  now: () => number,
  log: Log,
): Promise<{ invoke: Invoke; close(): Promise<void> }> {
  const { Piscina } = await import('piscina').catch((cause) => {
    throw new Error('worker threads need the package "piscina": npm install piscina', { cause });
  });
  // Beside this file, with the same ending: .ts when run from source, .js when installed.
  const filename = new URL(import.meta.url.replace(/threads(\.[jt]s)$/, 'thread$1')).href;
  const pool = new Piscina({ filename, workerData: { moduleUrl }, minThreads: threads, maxThreads: threads });
  pool.on('message', (line: ThreadLine) => log[line.level](line.facts, line.message));
  const isInline = (method: string) => (module.service.methods[method] as Method).inline === true;
  const invoke: Invoke = async (method, input, context) => {
    if (isInline(method)) return module.handlers[method]!(input, context);
    const { metadata, peer, deadline } = context;
    const task: ThreadTask = {
      method,
      input,
      metadata: { ...metadata },
      peer: { ...peer },
      remaining: deadline - now(),
    };
    const result = (await pool.run(task)) as ThreadResult;
    if ('output' in result) return result.output;
    if ('error' in result) throw errorFromJson(result.error, 'answered');
    throw new Error(result.unhandled);
  };
  return { invoke, close: () => pool.destroy() };
}
