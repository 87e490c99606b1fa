import type { Random } from '../core/random.ts';
import type { BreakerOptions } from './breaker-options.ts';
import { FaultWindow } from './fault-window.ts';

/** The shortest that an open time becomes by chance, as a share of it: many clients must not try again in step. */
const shortestShare = 0.75;

export interface Open {
  readonly name: 'open' | 'half-open';
  /** When the circuit opened, on the clock of `now`, ms. */
  readonly since: number;
  /** What opened it last. */
  readonly cause: string;
  /** From when on a call is made as a trial; half-open: another one, if the one under way is silent till then. */
  readonly until: number;
  /** True if it opened because no server could be reached. */
  readonly unreachable: boolean;
}

/** Closed: calls are made. Open: none is. Half-open: one is under way as a trial, the others are not made. */
export type BreakerState = { readonly name: 'closed' } | Open;

/** A call that failed for good, after all its attempts. */
export interface CallFailure {
  /** When the call was made. */
  readonly startedAt: number;
  /** For people. */
  readonly cause: string;
  /** `lost`: its connection ended. `unreachable`: it waited for a server in vain. */
  readonly kind: 'lost' | 'unreachable' | 'other';
  /** The one node that it was tried on; undefined if there were several, or none. */
  readonly node: string | undefined;
  /** True if there is another node that calls could be sent to. */
  readonly elsewhere: boolean;
}

const closed: BreakerState = { name: 'closed' };

/**
 * The circuit of one method: while nearly all its calls fail although they are made again elsewhere, they are not made at
 * all. That spares the servers work that comes to nothing, and callers the wait for it.
 *
 * It is about the service, not about a node: for one bad node of two there are weights and retries. So it counts what is
 * left when those have done what they can (see docs/policy.md for each rule).
 */
export class Breaker {
  state: BreakerState = closed;
  readonly #options: BreakerOptions;
  readonly #patience: number;
  readonly #random: Random;
  readonly #window: FaultWindow;
  /** Failures one after the other, without an answer in between. */
  #run = 0;
  /** When the last failure of the run was seen. */
  #runAt = Number.NEGATIVE_INFINITY;
  /** When a lost connection was last counted. */
  #lostAt = Number.NEGATIVE_INFINITY;
  /** When the first call was made that found no server, without an answer since. */
  #unreachableSince: number | undefined;
  /** On which nodes calls failed: those of the run, and those that the window counts. */
  #runOn = new FailedOn();
  #failedOn = new FailedOn();
  /** Open times in a row, without a good time in between. */
  #times = 0;
  #closedAt = Number.NEGATIVE_INFINITY;
  /** True if a call that may run twice was turned away since the circuit opened: others like it may come. */
  #saferMayCome = false;

  /**
   * @param patience how long an outage of all servers is waited out by the calls themselves, ms: until then it is no failure
   */
  constructor(options: BreakerOptions, patience: number, random: Random) {
    this.#options = options;
    this.#patience = patience;
    this.#random = random;
    this.#window = new FaultWindow(options.window);
  }

  /**
   * Whether a call may be made. A `trial` must be told of by `answered`, `failed` or `unknown`, like any other call.
   * @param repeatable true if the call may run twice. Such a call is the better trial: if none of them came lately, any is one.
   * @param reachable true if there is a server that calls could be sent to
   */
  admit(now: number, repeatable: boolean, reachable: boolean): 'pass' | 'trial' | 'reject' {
    const { state } = this;
    if (state.name === 'closed') return 'pass';
    // A connection is better evidence than a trial: what was lacking is there.
    const back = state.name === 'open' && state.unreachable && reachable;
    const patient = this.#saferMayCome ? state.until + this.#options.open : state.until;
    if (back || now >= (repeatable ? state.until : patient)) {
      this.state = { ...state, name: 'half-open', until: now + this.#pause() };
      this.#saferMayCome = false;
      return 'trial';
    }
    this.#saferMayCome ||= repeatable;
    return 'reject';
  }

  /** A call was answered, whatever the answer says. */
  answered(now: number, trial: boolean): void {
    // What was under way when it opened says nothing of the calls to come.
    if (this.state.name !== 'closed' && !trial) return;
    if (this.state.name !== 'closed') this.#close(now);
    this.#run = 0;
    this.#runOn = new FailedOn();
    this.#unreachableSince = undefined;
    this.#window.success(now);
  }

  /** A call failed for good, and the service is to blame. */
  failed(now: number, failure: CallFailure, trial: boolean): void {
    const { state } = this;
    if (state.name === 'closed') this.#count(now, failure);
    else if (trial && state.name === 'half-open') this.#open(now, failure, state.since);
  }

  /** A call ended in a way that says nothing of the service. After a trial the next call is one. */
  unknown(now: number, trial: boolean): void {
    if (trial && this.state.name === 'half-open') this.state = { ...this.state, until: now };
  }

  #count(now: number, failure: CallFailure): void {
    const { startedAt, kind, node, elsewhere } = failure;
    if (kind === 'unreachable') {
      this.#unreachableSince ??= startedAt;
      if (now - this.#unreachableSince < this.#patience) return;
    }
    // Calls that were under way together fail together: for the run they are one.
    if (startedAt > this.#runAt) {
      this.#run++;
      this.#runAt = now;
    }
    this.#runOn.add(node, now);
    // All the calls on a connection end with it: that is one fact, however many they are.
    if (kind !== 'lost' || startedAt > this.#lostAt) {
      this.#window.fault(now);
      this.#failedOn.add(node, now);
      if (kind === 'lost') this.#lostAt = now;
    }
    // One node fails and there are others, though they may not have answered yet: a matter of weights.
    const { consecutive, rate, calls, window } = this.#options;
    const allInTurn = this.#run >= consecutive && !(elsewhere && this.#runOn.one(Number.NEGATIVE_INFINITY));
    const tooMany = this.#window.total(now) >= calls && this.#window.reaches(1, rate, now);
    if (allInTurn || (tooMany && !(elsewhere && this.#failedOn.one(now - window)))) this.#open(now, failure, now);
  }

  #open(now: number, { cause, kind }: CallFailure, since: number): void {
    const again = this.state.name !== 'closed' || now - this.#closedAt < this.#options.window;
    this.#times = again ? this.#times + 1 : 0;
    this.#saferMayCome = false;
    this.state = { name: 'open', since, cause, until: now + this.#pause(), unreachable: kind === 'unreachable' };
  }

  #close(now: number): void {
    this.state = closed;
    this.#closedAt = now;
    // What was before must not open it again.
    this.#window.clear();
    this.#failedOn = new FailedOn();
  }

  #pause(): number {
    const { open, longestOpen } = this.#options;
    const length = Math.min(longestOpen, open * 2 ** this.#times);
    return length * (shortestShare + (1 - shortestShare) * this.#random());
  }
}

/** On which nodes calls failed, as far as it matters: whether it was always the same one. */
class FailedOn {
  #node: string | undefined;
  #at = Number.NEGATIVE_INFINITY;
  /** When one was last added that was not `#node`. */
  #otherAt = Number.NEGATIVE_INFINITY;

  /** @param node undefined for several, or none in particular */
  add(node: string | undefined, now: number): void {
    if (node !== this.#node) {
      this.#otherAt = this.#at;
      this.#node = node;
    }
    this.#at = now;
  }

  /** True if all that was added since then is one node. */
  one(since: number): boolean {
    return this.#node !== undefined && this.#otherAt <= since;
  }
}
