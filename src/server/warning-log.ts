import { type Log, silentLog } from '../core/log.ts';

/**
 * The log of a server that was given none. A library writes nothing unasked; but that a handler throws, or breaks its
 * contract, is in no answer either, on purpose: then nobody could ever find out why. So an error becomes a warning of the
 * process, which `node --no-warnings` and `process.on('warning')` know how to deal with: once for each method and kind,
 * as a broken handler is called often.
 */
export function warningLog(emit: typeof process.emitWarning = process.emitWarning.bind(process)): Log {
  const said = new Set<string>();
  const error = (facts: object, message: string) => {
    const { method, err } = facts as { method?: string; err?: unknown };
    const text = method === undefined ? message : `${method}: ${message}`;
    if (said.has(text)) return;
    said.add(text);
    const detail = [
      ...(err === undefined ? [] : [String((err as Error | null)?.stack ?? err)]),
      'This is said once. Give serve() a log to see all: { log: makeLog() }, or any pino logger.',
    ].join('\n');
    emit(text, { type: 'EvenkeelWarning', code: 'EVENKEEL_SERVER', detail });
  };
  // What a handler says of its own accord, in the child that it gets, is for a log that somebody wants.
  return { ...silentLog, error };
}
