import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../core/clock.ts';
import type { HandlerContext, ServiceModule } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import type { Log } from '../core/log.ts';
import { errorToJson } from '../wire/message.ts';
import type { ThreadLine, ThreadResult, ThreadTask } from './threads.ts';

// A worker thread: loads the module once, then runs one handler at a time (see `threads.ts`).
const data = Array.isArray(workerData) ? workerData[1] : workerData;
const module: ServiceModule = (await import(data.moduleUrl)).default;
await module.warmUp?.();

export default async function run(task: ThreadTask): Promise<ThreadResult> {
  const deadline = systemClock.now() + task.remaining;
  const context: HandlerContext = {
    // A thread that computes hears nothing; the deadline is what it can go by.
    signal: AbortSignal.timeout(Math.max(0, Math.min(task.remaining, 2 ** 31 - 1))),
    deadline,
    metadata: task.metadata,
    peer: task.peer,
    log: threadLog({ method: task.method, peer: task.peer.address }),
  };
  if (task.remaining <= 0) {
    return {
      error: errorToJson(new RpcError('DEADLINE_EXCEEDED', 'the deadline passed while the call waited for a thread')),
    };
  }
  try {
    return { output: await module.handlers[task.method]!(task.input, context) };
  } catch (thrown) {
    if (RpcError.is(thrown)) return { error: errorToJson(thrown) };
    return { unhandled: String((thrown as Error)?.stack ?? thrown) };
  }
}

/** Hands its lines to the thread that has the log. */
function threadLog(about: Record<string, unknown>): Log {
  const line = (level: ThreadLine['level']) => (facts: object, message: string) => {
    parentPort?.postMessage({ level, facts: { ...about, ...facts }, message } satisfies ThreadLine);
  };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (facts) => threadLog({ ...about, ...facts }),
  };
}
