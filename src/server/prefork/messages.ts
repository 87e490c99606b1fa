import type { Load } from '../../core/load.ts';
import type { AdmissionOptions } from '../admission.ts';

/** What a primary and its workers say to each other, over the IPC channel that a fork has. */

export type ToWorker =
  /** Here is a connection; its socket comes with the message. */
  | { say: 'connection'; id: number }
  /** The steps of going away (`../shutdown.ts`). */
  | { say: 'drain' }
  | { say: 'refuse' }
  | { say: 'finish'; timeout: number }
  /** From now on these hold. */
  | { say: 'limits'; limits: AdmissionOptions }
  /** Asks for a report. */
  | { say: 'report'; id: number };

export type ToPrimary =
  /** The worker serves from now on. */
  | { say: 'ready'; service: string }
  /** It never will: one sentence for people. */
  | { say: 'failed'; message: string }
  /** The connection is here, and nobody has touched it before. */
  | { say: 'taken'; id: number }
  | { say: 'closed'; id: number }
  | { say: 'report'; id: number; report: WorkerReport };

export interface WorkerReport {
  connections: number;
  inFlight: number;
  load: Load;
  /** All metrics of the process as plain data. */
  metrics: unknown;
}

/** The environment variable that makes a process a worker: `INDEX/OF/ID`, e.g. `0/4/1f3c...`. */
export const workerVariable = 'EVENKEEL_WORKER';

/**
 * Which worker this process is; `undefined` if it is none. What it starts in its turn is none, whatever it inherits: so
 * the variable is taken away.
 */
export function takeWorkerIdentity(): { index: number; of: number; id: string } | undefined {
  const match = /^(\d+)\/(\d+)\/([0-9a-f]{16})$/.exec(process.env[workerVariable] ?? '');
  delete process.env[workerVariable];
  // Without a channel there is no primary, only a variable that somebody passed on.
  if (match === null || process.send === undefined) return undefined;
  return { index: Number(match[1]), of: Number(match[2]), id: match[3]! };
}
