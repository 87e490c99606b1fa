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
  /** The worker has left us, and is about to end by itself: it can be given nothing any more. */
  onDisconnect(): void;
  /** The process has ended and said all that it had to say. */
  onGone(code: number | null, signal: string | null): void;
}

/** One worker process, from the primary's side. */
export class WorkerProcess implements Taker {
  readonly index: number;
  readonly #child: ChildProcess;
  /** The question that has no answer yet. One at a time: a frozen worker must not pile them up. */
  #asked: { id: number; report: Promise<WorkerReport>; resolve(report: WorkerReport): void } | undefined;
  #lastReport = 0;
  state: 'starting' | 'ready' | 'leaving' | 'gone' = 'starting';

  constructor(index: number, command: WorkerCommand, events: WorkerProcessEvents) {
    this.index = index;
    const env = { ...process.env, [workerVariable]: `${index}/${command.of}/${command.id}` };
    this.#child = fork(command.entry, command.args, {
      env,
      execArgv: withoutInspector(process.execArgv),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: ToPrimary) => {
      if (message.say === 'ready') {
        this.state = 'ready';
        events.onReady(message.service);
      } else if (message.say === 'failed') events.onFailed(message.message);
      else if (message.say === 'taken') events.onTaken(message.id);
      else if (message.say === 'closed') events.onClosed(message.id);
      else this.#onReport(message.id, message.report);
    });
    this.#child.on('disconnect', () => events.onDisconnect());
    const gone = (code: number | null, signal: string | null) => {
      if (this.state === 'gone') return;
      this.state = 'gone';
      events.onGone(code, signal);
    };
    // Not 'exit': what the worker said last may still be on its way then. Not 'disconnect': Node holds that back while
    // a connection waits to be acknowledged.
    this.#child.on('close', gone);
    this.#child.on('error', (error) => {
      // Out of processes or files: there is no child, and no other event will say so.
      if (this.#child.pid !== undefined) return;
      events.onFailed(`cannot start a process: ${error.message}`);
      gone(null, null);
    });
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
    if (this.#asked === undefined) {
      const { promise: report, resolve } = Promise.withResolvers<WorkerReport>();
      this.#asked = { id: ++this.#lastReport, report, resolve };
      this.tell({ say: 'report', id: this.#lastReport });
    }
    return this.#asked.report;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #onReport(id: number, report: WorkerReport): void {
    if (this.#asked?.id !== id) return;
    this.#asked.resolve(report);
    this.#asked = undefined;
  }
}

/** Loaders and the like are wanted in a worker too; a debugger's port can be had only once. */
function withoutInspector(execArgv: readonly string[]): string[] {
  return execArgv.filter((argument) => !/^--inspect/.test(argument));
}
