import type { Handler, Layer, OutgoingCall, Reply } from '../core/call.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { type Attempt, RpcError } from '../core/error.ts';
import type { Random } from '../core/random.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import type { RetryBudget } from '../policy/budget.ts';
import { type HedgeDelay, shortestDelay } from '../policy/hedge.ts';
import { decideRetry, maxConnectionLosses } from '../policy/retry.ts';

export interface RetryParts {
  clock: Clock;
  wheel: TimerWheel;
  random: Random;
  budget: RetryBudget;
  /** How many nodes a call may reach that does not say so itself. Read anew for each call. */
  readonly maxAttempts: number;
  /** The hedging delay of a method; gives `undefined` while hedging is off. */
  hedge: ((method: string) => HedgeDelay | undefined) | undefined;
  /** True if a node could be picked now that is none of these. */
  hasOther(tried: readonly string[]): boolean;
  /** True if it is of use to ask one of them although one of those tried is still at work. */
  hasSecond(tried: readonly string[]): boolean;
  onRetry(method: string, kind: 'retry' | 'hedge'): void;
  onBudgetEmpty(method: string): void;
}

/** When a silent call that cannot be sent to a second node now is looked at again, ms. */
const lookAgainAfter = 100;

/** Sends a call again where `policy/retry.ts` allows it, and to a second node where the first is silent for long. */
export function retry(parts: RetryParts): Layer {
  return (next) => (call) => {
    parts.budget.deposit(call.since);
    return new Promise((resolve, reject) => new Run(call as OutgoingCall, next, parts, resolve, reject).start());
  };
}

/** One call on its way: its tries, one after the other and, when hedged, two at a time. The first answer wins. */
class Run {
  readonly #call: OutgoingCall;
  readonly #next: Handler;
  readonly #parts: RetryParts;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: RpcError) => void;
  /** Tries that are not over: one, or two. The first of all is the call itself. */
  readonly #running: OutgoingCall[] = [];
  readonly #failed: Attempt[] = [];
  readonly #delay: HedgeDelay | undefined;
  readonly #maxAttempts: number;
  #made = 0;
  #unsent = 0;
  #losses = 0;
  #refusals = 0;
  #mayHaveExecuted = false;
  #budgetWasEmpty = false;
  #done = false;
  #timer: Timer | undefined;

  constructor(
    call: OutgoingCall,
    next: Handler,
    parts: RetryParts,
    resolve: (reply: Reply) => void,
    reject: (error: RpcError) => void,
  ) {
    this.#call = call;
    this.#next = next;
    this.#parts = parts;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#maxAttempts = call.maxAttempts ?? parts.maxAttempts;
    this.#delay = call.repeatable ? parts.hedge?.(call.method) : undefined;
  }

  start(): void {
    this.#try(this.#call);
    if (!this.#done) this.#call.onCancel((cause) => this.#onCancel(cause));
  }

  /** A call that is itself a repeated attempt of a caller further up: who made it repeats it. */
  get #chained(): boolean {
    return this.#call.attempt > 1;
  }

  /** Tries that a node may have seen. */
  get #sent(): number {
    return this.#made - this.#unsent;
  }

  #try(call: OutgoingCall): void {
    this.#made++;
    this.#running.push(call);
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#next(call);
    } catch (error) {
      return this.#onError(call, RpcError.from(error));
    }
    if (!(reply instanceof Promise)) return this.#onReply(call, reply);
    reply.then(
      (value) => this.#onReply(call, value),
      (error) => this.#onError(call, RpcError.from(error)),
    );
    // Nearly all calls are over by then: for how long this one may be silent is only worked out if it is not.
    if (this.#mayHedge) this.#at((call.sentAt ?? call.since) + shortestDelay, this.#look);
  }

  #onReply(from: OutgoingCall, reply: Reply): void {
    if (this.#done) return;
    if (this.#delay !== undefined && from.sentAt !== undefined) {
      const now = reply.at ?? this.#parts.clock.now();
      this.#delay.record(now - from.sentAt, now);
    }
    reply.attempts = this.#sent;
    this.#finish(from);
    this.#resolve(reply);
  }

  #onError(from: OutgoingCall, error: RpcError): void {
    if (this.#done) return;
    this.#running.splice(this.#running.indexOf(from), 1);
    this.#failed.push(...error.attempts);
    if (error.stage === 'unsent') this.#unsent++;
    if (error.reason === 'CONNECTION_LOST' && error.stage === 'sent') this.#losses++;
    this.#mayHaveExecuted ||= error.mayHaveExecuted;
    // The other of two tries may still bring the answer; an answer in the form of an error is one already.
    if (this.#running.length > 0 && error.stage !== 'answered') return this.#look();
    const { clock, budget, random, hasOther } = this.#parts;
    const now = clock.now();
    const decision = decideRetry(
      {
        error,
        attempts: this.#made,
        unsent: this.#unsent,
        maxAttempts: this.#maxAttempts,
        repeatable: this.#call.repeatable,
        chained: this.#chained,
        connectionLosses: this.#losses,
        refusals: this.#refusals,
        now,
        deadline: this.#call.deadline,
        untried: hasOther(this.#tried()),
      },
      () => budget.withdraw(now),
      random,
    );
    if (!decision.again) {
      if (decision.because === 'budget') this.#onBudgetEmpty();
      return this.#fail(error);
    }
    if (error.stage === 'refused' && !decision.charged) this.#refusals++;
    if (decision.after === 0) this.#again('retry');
    else this.#at(now + decision.after, () => this.#again('retry'));
  }

  #again(kind: 'retry' | 'hedge'): void {
    this.#parts.onRetry(this.#call.method, kind);
    // What no node has seen was no attempt: the first that one sees carries the call's own number.
    this.#try(this.#call.again(this.#parts.clock.now(), this.#call.attempt + this.#sent, this.#tried()));
  }

  /** True if a second node may be asked beside the one at work. Each of both may be lost, and no more than two may. */
  get #mayHedge(): boolean {
    return (
      this.#delay !== undefined &&
      !this.#chained &&
      this.#running.length === 1 &&
      this.#sent < this.#maxAttempts &&
      this.#losses + 1 < maxConnectionLosses
    );
  }

  /** Sends a call that has been silent for long to a second node too, if there is one and the budget allows it. */
  readonly #look = (): void => {
    const [only] = this.#running;
    if (this.#done || only === undefined || !this.#mayHedge) return;
    const { clock, budget, hasSecond } = this.#parts;
    const now = clock.now();
    const due = only.sentAt === undefined ? Number.POSITIVE_INFINITY : only.sentAt + this.#delay!.delay(now);
    if (now < due) return this.#at(Math.min(due, now + lookAgainAfter), this.#look);
    if (!hasSecond(this.#tried())) return this.#at(now + lookAgainAfter, this.#look);
    if (budget.withdraw(now)) return this.#again('hedge');
    this.#onBudgetEmpty();
    this.#at(now + lookAgainAfter, this.#look);
  };

  #at(instant: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.wheel.at(instant, callback);
  }

  #tried(): string[] {
    const tried = this.#failed.map((attempt) => attempt.node);
    for (const { node } of this.#running) if (node !== undefined) tried.push(node);
    return tried;
  }

  #onBudgetEmpty(): void {
    if (this.#budgetWasEmpty) return;
    this.#budgetWasEmpty = true;
    this.#parts.onBudgetEmpty(this.#call.method);
  }

  /** The caller does not wait any more, or the deadline has passed. */
  #onCancel(cause: RpcError): void {
    if (this.#done) return;
    const now = this.#parts.clock.now();
    for (const { node, sentAt } of this.#running) {
      if (node === undefined || sentAt === undefined) continue;
      this.#mayHaveExecuted = true;
      this.#failed.push({ node, outcome: cause.label, duration: now - sentAt });
    }
    this.#fail(cause.with({ stage: 'unsent', mayHaveExecuted: false }), cause);
  }

  #fail(error: RpcError, cause?: RpcError): void {
    const mayHaveExecuted = this.#mayHaveExecuted || error.mayHaveExecuted;
    // The last try alone does not tell how far the call got: one before it may be what ran.
    const stage = mayHaveExecuted && error.stage !== 'answered' ? 'sent' : error.stage;
    this.#finish(undefined, cause);
    const attempts = this.#failed.map((attempt) => ({ ...attempt, duration: tenths(attempt.duration) }));
    this.#reject(error.with({ attempts, mayHaveExecuted, stage }));
  }

  #finish(winner: OutgoingCall | undefined, cause?: RpcError): void {
    this.#done = true;
    this.#timer?.cancel();
    if (this.#running.length === 1 && winner !== undefined) return;
    const because = cause ?? new RpcError('CANCELLED', 'another attempt was answered');
    for (const call of this.#running) if (call !== winner) call.cancel(because);
  }
}

/** For people: nobody measures a call to the nanosecond. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
