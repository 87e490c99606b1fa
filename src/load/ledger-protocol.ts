/**
 * How the books of the handlers (ledger.ts) are read from afar while they are written: what `evenkeel ledger` serves beside a
 * server, in the same pod, and what a conductor asks it for.
 *
 *     GET  /calls                         a Listing
 *     GET  /calls?file=NAME&from=OFFSET   bytes of that file from there on, at most `mostBytes`; none when there are no more yet
 *     POST /calls/done?bytes=N            "I have all N bytes of all files": it need not wait any longer
 *     GET  /livez                         ok
 *
 * A file is only ever added to. Its text is lines, each ended by `\n`; a last line without one is torn, by a writer that was
 * killed or is just writing it. Errors are a status and one sentence: 400 a request that is none, 404 a file that is not or no
 * longer there, 416 an offset behind its end, 409 a `done` that is not true (yet).
 *
 * The server's container ends before this one does (a native sidecar). When this one is told to end nobody writes any more: the
 * listing says `final`, and it stays until somebody has said `done`, at most `finalPatience` ms. A reader that has asked at least
 * once in that time has everything. Only if it is restarted alone, which a failed probe may do, more may come: whoever asks goes on
 * asking while the pod is there.
 */

/** Where it listens, unless told otherwise. */
export const ledgerPort = 9092;

/** The most bytes of one answer. */
export const mostBytes = 1024 * 1024;

/** How long it waits for a reader when all writers have ended, ms. */
export const finalPatience = 5_000;

export interface Listing {
  version: 1;
  /** Whose books these are: the name of the server, which is its pod's on Kubernetes. */
  server: string;
  /** `final`: all writers have ended, nothing is added any more, and soon nobody answers here. */
  state: 'writing' | 'final';
  /** In the order of their names. */
  files: readonly LedgerFile[];
  /** Files that are gone, because the oldest make room for new ones: with any that was not read to its end, books are incomplete. */
  removed: readonly LedgerFile[];
}

export interface LedgerFile {
  /** `handled-PID-ID.SEGMENT.ndjson`. Those that differ in SEGMENT alone are one text of one process: a call may end in a later one. */
  name: string;
  /** Bytes. */
  size: number;
}
