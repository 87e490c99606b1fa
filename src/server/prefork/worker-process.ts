import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Taker } from './hand-out.ts';
import { type ToPrimary, type ToWorker, type WorkerReport, workerVariable } from './messages.ts';

export interface WorkerCommand {
  /** The program that is a worker when the environment says so. */
  entry: string;
  args: readonly string[];
  /** Id of the server that the worker belongs to. */
  id: string;
  of: number;
}

export interface WorkerProcessEvents {
  onReady(service: string): void;
  onFailed(message: string): void;
  onTaken(id: number): void;
  onClosed(id: number): void;
  /** The process has ended and said all that it had to say. */
  onGone(code: number | null, signal: string | null): void;
}

/** One worker process, from the primary's side. */
export class WorkerProcess implements Taker {
  readonly index: number;
  readonly #child: ChildProcess;
  readonly #reports = new Map<number, (report: WorkerReport) => void>();
  #lastReport = 0;
  state: 'starting' | 'ready' | 'leaving' | 'gone' = 'starting';

  constructor(index: number, command: WorkerCommand, events: WorkerProcessEvents) {
    this.index = index;
    const env = { ...process.env, [workerVariable]: `${index}/${command.of}/${command.id}` };
    this.#child = fork(command.entry, command.args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: ToPrimary) => {
      if (message.say === 'ready') {
        this.state = 'ready';
        events.onReady(message.service);
      } else if (message.say === 'failed') events.onFailed(message.message);
      else if (message.say === 'taken') events.onTaken(message.id);
      else if (message.say === 'closed') events.onClosed(message.id);
      else {
        this.#reports.get(message.id)?.(message.report);
        this.#reports.delete(message.id);
      }
    });
    // Not 'exit': what the worker said last may still be on its way then. Not 'disconnect': Node holds that back while
    // a connection waits to be acknowledged.
    this.#child.on('close', (code, signal) => {
      this.state = 'gone';
      events.onGone(code, signal);
    });
    this.#child.on('error', () => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  give(id: number, socket: Socket): void {
    // Always with a callback: without one, a worker that is just dying makes an uncaught error here.
    this.#child.send({ say: 'connection', id } satisfies ToWorker, socket, { keepOpen: true }, () => {});
  }

  tell(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Asks for a report. The caller bounds the wait: a frozen worker never answers. */
  report(): Promise<WorkerReport> {
    const id = ++this.#lastReport;
    return new Promise((resolve) => {
      this.#reports.set(id, resolve);
      this.tell({ say: 'report', id });
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
