import { type DestinationStream, pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { Log } from '../core/log.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  /** The least important level that is written. Default `info`; `silent` writes nothing. */
  level?: LogLevel;
  /**
   * Where lines go. Default `stdout`, where containers are read. A command whose stdout is its result takes `stderr`.
   * An object gets each line, with its line end.
   */
  destination?: 'stdout' | 'stderr' | { write(line: string): void };
  /** Facts that stand in every line, as far as they are known. */
  service?: string | undefined;
  /** Name of the Kubernetes pod. */
  pod?: string | undefined;
  /** Name of the Kubernetes node. */
  node?: string | undefined;
  /** Number of the worker process, from 0, as HELLO has it. */
  worker?: number | undefined;
}

/** Keys whose values are never written, in the facts themselves and up to two objects deep. */
const secretKeys = ['auth', 'authorization', 'password', 'secret', 'token'];
const secretPaths = ['', '*.', '*.*.'].flatMap((prefix) => secretKeys.map((key) => prefix + key));

/**
 * A log of JSON lines, to be given to `serve` and `connect` as the option `log`. It is a pino logger; any other will do as well.
 * Text from peers cannot forge a line, because JSON writes a line end as `\n`; it must stay a value,
 * though, and never become a key.
 *
 * Lines are written at once and not by a thread: what was said last before an exit is what is looked for.
 *
 * @throws TypeError when the level is none of `logLevels`
 */
export function makeLog(options: LogOptions = {}): Log {
  const { level = 'info', destination = 'stdout', service, pod, node, worker } = options;
  if (!logLevels.includes(level)) {
    throw new TypeError(`"${level}" is no log level: expected one of ${logLevels.join(', ')}`);
  }
  // pino leaves out what is undefined.
  const base = { service, pod, node, worker, pid: process.pid };
  return pino(
    {
      level,
      base,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err, cause: stdSerializers.err },
      redact: { paths: secretPaths },
    },
    stream(destination),
  );
}

function stream(destination: NonNullable<LogOptions['destination']>): DestinationStream {
  if (typeof destination === 'object') return destination;
  return pino.destination({ fd: destination === 'stdout' ? 1 : 2, sync: true });
}
