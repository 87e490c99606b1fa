/** What to say, and the facts beside it. Shaped like pino's, so that a pino logger is one. */
export type LogMethod = (facts: object, message: string) => void;

/** Where rooms say what happens. They get one by parameter; `ops/log.ts` makes the real one. */
export interface Log {
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  child(facts: Record<string, unknown>): Log;
}

/** Says nothing: the default of the library, which never writes to a user's output unasked. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};
