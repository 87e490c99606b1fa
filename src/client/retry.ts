import type { Handler, Layer, OutgoingCall, Reply } from '../core/call.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { type Attempt, RpcError } from '../core/error.ts';
import type { Random } from '../core/random.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import type { RetryBudget } from '../policy/budget.ts';
import type { HedgeDelay } from '../policy/hedge.ts';
import { decideRetry } from '../policy/retry.ts';

export interface RetryParts {
  clock: Clock;
  wheel: TimerWheel;
  random: Random;
  budget: RetryBudget;
  maxAttempts: number;
  /** The hedging delay of a method; `undefined` where hedging is off. */
  hedge: ((method: string) => HedgeDelay) | undefined;
  /** Nodes that could be picked now. */
  nodes(): number;
  onRetry(method: string, kind: 'retry' | 'hedge'): void;
  onBudgetEmpty(method: string): void;
}

/** Sends a call again where `policy/retry.ts` allows it, and to a second node where the first is silent for long. */
export function retry(parts: RetryParts): Layer {
  return (next) => (call) => {
    parts.budget.deposit(parts.clock.now());
    return new Promise((resolve, reject) => new Run(call as OutgoingCall, next, parts, resolve, reject).start());
  };
}

/** One try that is not over. */
interface Try {
  call: OutgoingCall;
  since: number;
}

/** One call on its way: its tries, one after the other and, when hedged, two at a time. The first answer wins. */
class Run {
  readonly #call: OutgoingCall;
  readonly #next: Handler;
  readonly #parts: RetryParts;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: RpcError) => void;
  readonly #running: Try[] = [];
  readonly #failed: Attempt[] = [];
  readonly #chained: boolean;
  #made = 0;
  #unsent = 0;
  #losses = 0;
  #refusals = 0;
  #mayHaveExecuted = false;
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
    this.#chained = call.attempt > 1;
  }

  start(): void {
    const { hedge, clock } = this.#parts;
    const since = clock.now();
    // The first try is the call itself; only a further one needs an identity of its own.
    this.#try(this.#call, since);
    if (this.#done) return;
    this.#call.onCancel((cause) => this.#onCancel(cause));
    if (hedge !== undefined && this.#call.repeatable && !this.#chained && this.#parts.maxAttempts > 1) {
      this.#hedgeAt(since + hedge(this.#call.method).delay(since));
    }
  }

  #try(call: OutgoingCall, since: number): void {
    const running = { call, since };
    this.#made++;
    this.#running.push(running);
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#next(call);
    } catch (error) {
      return this.#onError(running, RpcError.from(error));
    }
    if (!(reply instanceof Promise)) return this.#onReply(running, reply);
    reply.then(
      (value) => this.#onReply(running, value),
      (error) => this.#onError(running, RpcError.from(error)),
    );
  }

  #onReply(running: Try, reply: Reply): void {
    const { hedge, clock } = this.#parts;
    if (hedge !== undefined && this.#call.repeatable) {
      const now = clock.now();
      hedge(this.#call.method).record(now - running.since, now);
    }
    if (this.#done) return;
    reply.attempts = this.#made;
    this.#finish(running);
    this.#resolve(reply);
  }

  #onError(running: Try, error: RpcError): void {
    if (this.#done) return;
    this.#running.splice(this.#running.indexOf(running), 1);
    this.#failed.push(...error.attempts);
    if (error.stage === 'unsent') this.#unsent++;
    if (error.reason === 'CONNECTION_LOST' && error.stage === 'sent') this.#losses++;
    this.#mayHaveExecuted ||= error.mayHaveExecuted;
    // The other of two tries may still bring the answer; an answer in the form of an error is one already.
    if (this.#running.length > 0 && error.stage !== 'answered') return;
    const { clock, budget, random, maxAttempts } = this.#parts;
    const now = clock.now();
    const decision = decideRetry(
      {
        error,
        attempts: this.#made,
        unsent: this.#unsent,
        maxAttempts,
        repeatable: this.#call.repeatable,
        chained: this.#chained,
        connectionLosses: this.#losses,
        refusals: this.#refusals,
        now,
        deadline: this.#call.deadline,
        untried: this.#untried(),
      },
      () => budget.withdraw(now),
      random,
    );
    if (!decision.again) {
      if (decision.because === 'budget') this.#parts.onBudgetEmpty(this.#call.method);
      this.#finish(undefined);
      this.#reject(this.#final(error));
      return;
    }
    if (error.stage === 'refused' && !decision.charged) this.#refusals++;
    if (decision.after === 0) this.#again('retry');
    else this.#at(now + decision.after, () => this.#again('retry'));
  }

  #again(kind: 'retry' | 'hedge'): void {
    if (this.#done) return;
    this.#parts.onRetry(this.#call.method, kind);
    const attempt = this.#call.attempt + this.#made;
    this.#try(this.#call.again(attempt, this.#tried()), this.#parts.clock.now());
  }

  /** Sends a silent call to a second node too, as long as there is one and the budget allows it. */
  #hedgeAt(instant: number): void {
    this.#at(instant, () => {
      const [only, second] = this.#running;
      const { clock, budget, maxAttempts } = this.#parts;
      if (only === undefined || second !== undefined || this.#made - this.#unsent >= maxAttempts) return;
      // A call that still waits for a connection, or for the only node there is, looks again later.
      if (only.call.node === undefined || !this.#untried()) return this.#hedgeAt(clock.now() + 100);
      if (!budget.withdraw(clock.now())) return this.#parts.onBudgetEmpty(this.#call.method);
      this.#again('hedge');
    });
  }

  #at(instant: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.wheel.at(instant, callback);
  }

  #tried(): string[] {
    const tried = this.#failed.map((attempt) => attempt.node);
    for (const { call } of this.#running) if (call.node !== undefined) tried.push(call.node);
    return tried;
  }

  #untried(): boolean {
    return this.#parts.nodes() > new Set(this.#tried()).size;
  }

  /** The caller does not wait any more, or the deadline has passed. */
  #onCancel(cause: RpcError): void {
    if (this.#done) return;
    const now = this.#parts.clock.now();
    for (const { call, since } of this.#running) {
      if (call.node === undefined) continue;
      this.#mayHaveExecuted = true;
      this.#failed.push({ node: call.node, outcome: cause.label, duration: now - since });
    }
    this.#finish(undefined, cause);
    this.#reject(this.#final(cause));
  }

  #finish(winner: Try | undefined, cause?: RpcError): void {
    this.#done = true;
    this.#timer?.cancel();
    if (this.#running.length === 1 && winner !== undefined) return;
    const because = cause ?? new RpcError('CANCELLED', 'another attempt was answered');
    for (const running of this.#running) if (running !== winner) running.call.cancel(because);
  }

  #final(error: RpcError): RpcError {
    const mayHaveExecuted = error.stage === 'answered' ? error.mayHaveExecuted : this.#mayHaveExecuted;
    return error.with({ attempts: this.#failed, mayHaveExecuted });
  }
}
