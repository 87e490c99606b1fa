import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import { backoff } from '../../policy/backoff.ts';
import type { AdmissionOptions } from '../admission.ts';
import type { Leaving } from '../shutdown.ts';
import { HandOut } from './hand-out.ts';
import type { WorkerReport } from './messages.ts';
import { type WorkerCommand, WorkerProcess, type WorkerProcessEvents } from './worker-process.ts';

/** How long a worker that was told to finish may take beyond that, ms. */
const exitTime = 1_000;
/** How long a worker is asked for a report, ms. */
const reportTime = 1_000;
/** A worker that lived for so long did not die of its start, ms. */
const settled = 10_000;
const restart = { base: 50, max: 5_000 };

export interface WorkerPoolOptions {
  clock: Clock;
  random: Random;
  log: Log;
  command: WorkerCommand;
  /** How many workers can serve, each time that changes. */
  onChange(ready: number): void;
}

/** The worker processes of a server: started, given connections, started again when they die, and led away. */
export class WorkerPool implements Leaving {
  readonly handOut: HandOut;
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #failures = new Map<number, number>();
  readonly #restarts = new Set<Timer>();
  #leaving = false;
  /** What holds in place of what the workers were started with. */
  #limits: AdmissionOptions | undefined;
  #allGone: PromiseWithResolvers<void> | undefined;
  #started: { resolve(service: string): void; reject(error: Error): void } | undefined;
  /** Workers that died, all told. */
  deaths = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.handOut = new HandOut(options.clock);
  }

  /** Workers that can serve. */
  get ready(): number {
    let ready = 0;
    for (const { state } of this.#workers.values()) if (state === 'ready') ready++;
    return ready;
  }

  get workers(): readonly WorkerProcess[] {
    return [...this.#workers.values()];
  }

  /**
   * Starts all. Resolves with the service's name when each can serve; rejects when one cannot, with its sentence, or with
   * the signal's reason when it is aborted first.
   */
  async start(signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#started = { resolve, reject };
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    for (let index = 0; index < this.#options.command.of; index++) this.#start(index);
    try {
      return await promise;
    } finally {
      this.#started = undefined;
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Gives all workers other limits, those that come later too. */
  limit(limits: AdmissionOptions): void {
    this.#limits = limits;
    for (const worker of this.#workers.values()) if (worker.state === 'ready') worker.tell({ say: 'limits', limits });
  }

  drain(): void {
    this.#leave();
    for (const worker of this.#workers.values()) worker.tell({ say: 'drain' });
  }

  async refuse(): Promise<void> {
    this.#leave();
    for (const worker of this.#workers.values()) worker.tell({ say: 'refuse' });
  }

  async finish(timeout: number): Promise<void> {
    this.#leave();
    for (const worker of this.#workers.values()) worker.tell({ say: 'finish', timeout });
    const cut = this.#options.clock.timer(timeout + exitTime, () => this.kill(), { keepAlive: true });
    await this.#gone();
    cut.cancel();
    this.handOut.close();
  }

  /** Ends all at once. Resolves when they are gone. */
  async kill(): Promise<void> {
    this.#leave();
    for (const worker of this.#workers.values()) worker.kill();
    await this.#gone();
    this.handOut.close();
  }

  /** Resolves when no process is left. */
  async #gone(): Promise<void> {
    if (this.#workers.size === 0) return;
    this.#allGone ??= Promise.withResolvers<void>();
    await this.#allGone.promise;
  }

  /** What each worker that answers says of itself. */
  async reports(): Promise<Map<WorkerProcess, WorkerReport>> {
    const reports = new Map<WorkerProcess, WorkerReport>();
    const timeout = this.#options.clock.sleep(reportTime);
    const asked = this.workers.filter(({ state }) => state === 'ready' || state === 'leaving');
    await Promise.all(
      asked.map(async (worker) => {
        const report = await Promise.race([worker.report(), timeout]);
        if (report !== undefined) reports.set(worker, report);
      }),
    );
    return reports;
  }

  #start(index: number): void {
    const { clock, command, log } = this.#options;
    const since = clock.now();
    let failed: string | undefined;
    const onFailed = (message: string) => {
      failed = message;
      this.#started?.reject(new Error(message));
    };
    const onEnded = (how: string) => {
      const why = failed ?? how;
      if (this.#started !== undefined) {
        this.#started.reject(new Error(`a worker process ended while it started: ${why}`));
        return;
      }
      if (this.#leaving) return;
      this.deaths++;
      this.#startAgain(index, clock.now() - since, why);
    };
    const events: WorkerProcessEvents = {
      onReady: (service) => {
        if (this.#leaving) return;
        if (this.#limits !== undefined) worker.tell({ say: 'limits', limits: this.#limits });
        this.handOut.add(worker);
        log.info({ worker: index, workerPid: worker.pid }, 'a worker serves');
        this.#options.onChange(this.ready);
        if (this.ready === command.of) this.#started?.resolve(service);
      },
      onFailed,
      onDisconnect: () => {
        this.handOut.remove(worker);
        if (worker.state !== 'ready') return;
        worker.state = 'leaving';
        this.#options.onChange(this.ready);
      },
      onTaken: (id) => this.handOut.taken(id),
      onClosed: (id) => this.handOut.closed(id),
      onGone: (code, signal) => {
        this.#workers.delete(index);
        this.handOut.gone(worker);
        this.#options.onChange(this.ready);
        if (this.#workers.size === 0) this.#allGone?.resolve();
        onEnded(signal === null ? `exit code ${code}` : `signal ${signal}`);
      },
    };
    let worker: WorkerProcess;
    try {
      worker = new WorkerProcess(index, command, events);
    } catch (error) {
      // Most refusals of the system come as events. Out of memory is thrown, and must not end the primary.
      onFailed(`cannot start a process: ${(error as Error).message}`);
      onEnded('it was never there');
      return;
    }
    this.#workers.set(index, worker);
  }

  #startAgain(index: number, lived: number, why: string): void {
    const { clock, random, log } = this.#options;
    const failures = lived > settled ? 1 : (this.#failures.get(index) ?? 0) + 1;
    this.#failures.set(index, failures);
    // The first time at once: calls are waiting.
    const after = failures === 1 ? 0 : backoff(failures - 1, restart, random);
    log.error({ worker: index, after: Math.round(after) }, `a worker died (${why}): starting another`);
    const timer = clock.timer(after, () => {
      this.#restarts.delete(timer);
      this.#start(index);
    });
    this.#restarts.add(timer);
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    for (const timer of this.#restarts) timer.cancel();
    for (const worker of this.#workers.values()) {
      if (worker.state === 'ready') worker.state = 'leaving';
      // It has no connection yet, and does not listen to commands.
      else if (worker.state === 'starting') worker.kill();
    }
  }
}
