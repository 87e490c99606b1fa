import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { OutgoingCall } from '../core/call.ts';
import { systemClock } from '../core/clock.ts';
import type { Code } from '../core/code.ts';
import type { HandlerContext, ServiceModule } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { runFor } from '../core/inherit.ts';
import type { Log } from '../core/log.ts';
import { errorToJson } from '../wire/message.ts';
import {
  cancelledWord,
  endedWord,
  expiredWord,
  type ThreadCall,
  type ThreadLine,
  type ThreadResult,
  type ThreadTask,
  type Thrown,
} from './threads.ts';

// A worker thread: loads the module once, then runs one handler at a time (see `threads.ts`).
const data = Array.isArray(workerData) ? workerData[1] : workerData;
const module: ServiceModule = (await import(data.moduleUrl)).default;
await module.warmUp?.();

export default async function run(task: ThreadTask): Promise<ThreadResult> {
  if (task === 'ready') return { output: true };
  const { service, method, input, attempt } = task;
  const metadata = Object.assign(Object.create(null), task.metadata);
  const since = systemClock.now();
  const deadline = since + task.remaining;
  // What the handler calls from here inherits from it, as it would beside the event loop.
  const call = new OutgoingCall({ service, method, input, metadata, attempt, since, deadline, repeatable: false });
  const ended = follow(task, call);
  try {
    const output = await runFor(call, () => module.handlers[method]!(input, contextOf(call, task)));
    return { output };
  } catch (thrown) {
    if (RpcError.is(thrown)) return { error: errorToJson(thrown) };
    return { unhandled: told(thrown) };
  } finally {
    ended();
  }
}

function told(thrown: unknown): Thrown {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown), stack: undefined };
  const { name, message, stack } = thrown;
  return { name: String(name), message: String(message), stack: stack === undefined ? undefined : String(stack) };
}

/**
 * Cancels the call here when it is cancelled there. Its deadline is kept there alone: what a handler throws when its time
 * is over must not arrive before the word that the time is over. A handler that computes hears of it when it pauses.
 */
function follow({ state }: ThreadCall, call: OutgoingCall): () => void {
  const word = new Int32Array(state);
  // A handler may answer with the reason: it has run, then.
  const cancel = (code: Code, message: string) => call.cancel(new RpcError(code, message, { mayHaveExecuted: true }));
  const { value } = Atomics.waitAsync(word, 0, 0);
  const look = () => {
    const why = Atomics.load(word, 0);
    if (why === cancelledWord) cancel('CANCELLED', 'the caller has cancelled');
    else if (why === expiredWord) cancel('DEADLINE_EXCEEDED', 'the deadline has passed');
  };
  if (value instanceof Promise) void value.then(look);
  else look();
  return () => {
    call.ended = true;
    Atomics.compareExchange(word, 0, 0, endedWord);
    Atomics.notify(word, 0);
  };
}

function contextOf(call: OutgoingCall, { peer }: ThreadCall): HandlerContext {
  return {
    get signal() {
      return call.signal;
    },
    deadline: call.deadline,
    metadata: call.metadata,
    peer,
    log: threadLog({ method: call.method, peer: peer.address }),
  };
}

/** Hands its lines to the thread that has the log. */
function threadLog(about: Record<string, unknown>): Log {
  const line = (level: ThreadLine['level']) => (facts: object, message: string) => {
    const send = (all: object) => parentPort?.postMessage({ level, facts: all, message } satisfies ThreadLine);
    try {
      send({ ...about, ...facts });
    } catch {
      // Something that cannot be copied between threads, such as a function. A line of the log is no reason to fail.
      send({ ...about, ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, copyable(value)])) });
    }
  };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (facts) => threadLog({ ...about, ...facts }),
  };
}

function copyable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}
