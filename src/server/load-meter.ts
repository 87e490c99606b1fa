import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { type Clock, every, type Timer } from '../core/clock.ts';
import type { Load } from '../core/load.ts';

/** What a meter says: the part of a load that is measured. */
export type Measured = Pick<Load, 'cpu' | 'cores' | 'eventLoopDelay' | 'memory'>;

/** Where a meter reads. */
export interface LoadSource {
  /** CPU time that the process has used since its start, ms. */
  cpuTime(): number;
  /** Memory of the process that the system could not take back, bytes. */
  memory(): number;
  /** What the process and its siblings may use together, bytes. */
  readonly memoryLimit: number;
  /** Cores that the process and its siblings may use together. */
  readonly cores: number;
}

/** What is measured is at least this old before it is measured anew, ms. */
const window = 1_000;
/** How often the event loop is tried, ms: 20 looks a second see what lasts, and cost 0.1 % of a core. */
const step = 50;
/** When nobody has asked for this long, nothing is measured any more, ms. Clients ask every second. */
const idleAfter = 60_000;

/**
 * Measures what the process is busy with, for who asks: nothing is measured for nobody, at most once a second however many
 * ask, and never for a call. Every figure is of the time since the last measurement: each client that asks every second
 * hears of each second once.
 *
 * The delay of the event loop is the worst of its window, tried by a timer of our own. Mean or median would hide what
 * hurts: in a second with one pause of 500 ms nine looks of ten find nothing, and yet half of the calls met it. Of the twenty
 * looks of a second the 99th percentile is the worst one as well. perf_hooks.monitorEventLoopDelay is not used because its
 * `reset` forgets the interval under way: a loop that stands still for longer than a window, each time, shows it nothing.
 */
export class LoadMeter {
  readonly #clock: Clock;
  readonly #source: LoadSource;
  readonly #processes: number;
  readonly #cores: number;
  #measured: Measured = {};
  #measuredAt = Number.NEGATIVE_INFINITY;
  #cpuTime = 0;
  #askedAt = 0;
  /** Runs while somebody asks. */
  #timer: Timer | undefined;
  #due = 0;
  #worst = 0;
  #stopped = false;

  /**
   * @param facts.processes how many processes like this one the server has
   * @param facts.threads how many threads of this one run handlers; 0: its event loop does
   */
  constructor(clock: Clock, facts: { processes: number; threads: number }, source: LoadSource = thisProcess) {
    this.#clock = clock;
    this.#source = source;
    this.#processes = facts.processes;
    this.#cores = Math.min(Math.max(1, facts.threads), source.cores / facts.processes);
  }

  /** What the load was lately. The first answer has no figures that need time to be measured. */
  read(): Measured {
    const now = this.#clock.now();
    this.#askedAt = now;
    if (this.#timer === undefined) this.#begin(now);
    else if (now - this.#measuredAt >= window) this.#measure(now);
    return this.#measured;
  }

  /** Measures nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#sleep();
  }

  #begin(now: number): void {
    this.#measured = { cores: this.#cores, memory: this.#memory() };
    this.#open(now);
    if (this.#stopped) return;
    this.#due = now + step;
    this.#timer = every(this.#clock, step, () => this.#look());
  }

  #measure(now: number): void {
    const cpu = (this.#source.cpuTime() - this.#cpuTime) / (now - this.#measuredAt);
    // A look may be overdue: whoever asks was read before the timers had their turn.
    const delay = Math.max(this.#worst, now - this.#due);
    this.#measured = {
      cpu: round(Math.max(0, cpu), 1_000),
      cores: this.#cores,
      eventLoopDelay: round(Math.max(0, delay), 1),
      memory: this.#memory(),
    };
    this.#open(now);
  }

  #open(now: number): void {
    this.#measuredAt = now;
    this.#cpuTime = this.#source.cpuTime();
    this.#worst = 0;
  }

  #look(): void {
    const now = this.#clock.now();
    this.#worst = Math.max(this.#worst, now - this.#due);
    this.#due = now + step;
    if (now - this.#askedAt > idleAfter) this.#sleep();
  }

  #sleep(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * The limit is for all processes of the server together. Each takes its own share of it for the whole, so that one
   * process alone gives a fair guess, and the mean of all of them is the truth.
   */
  #memory(): number {
    return round((this.#source.memory() * this.#processes) / this.#source.memoryLimit, 1_000);
  }
}

function round(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}

const thisProcess: LoadSource = {
  cpuTime() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  memory: () => process.memoryUsage.rss() - fileBytes(),
  get memoryLimit() {
    return memoryLimit(process.constrainedMemory(), totalmem());
  },
  get cores() {
    return availableParallelism();
  },
};

/** A limit that is none is given as 0 or as more than there is. */
export function memoryLimit(constrained: number, total: number): number {
  return constrained > 0 ? Math.min(constrained, total) : total;
}

/**
 * Memory that only mirrors files, such as the program of Node itself, bytes: the processes of a server share it (45 MB
 * each, and yet but once), and the system takes it back when it needs it. 0 where the system does not say.
 */
function fileBytes(): number {
  try {
    return Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}
