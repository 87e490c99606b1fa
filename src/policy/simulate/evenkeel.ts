import { RpcError } from '../../core/error.ts';
import type { Random } from '../../core/random.ts';
import { backoff } from '../backoff.ts';
import { RetryBudget } from '../budget.ts';
import { Fleet, type FleetOptions } from '../fleet.ts';
import { HedgeDelay } from '../hedge.ts';
import { outcomeOf } from '../outcome.ts';
import { decideRetry } from '../retry.ts';
import { defaultSubset } from '../subset.ts';
import type { AttemptEnd, Contender, Habits, Target, Trouble } from './contender.ts';

const reconnect = { base: 50, max: 2_000 };
const maxAttempts = 3;
/** The announced weight of all servers. */
const base = 1_024;

const habits: Habits = {
  heartbeat: { pingAfter: 1_000, deadAfter: 3_000 },
  helloTimeout: 1_000,
  healthInterval: 5_000,
  redial: (failures, random) => backoff(failures, reconnect, random),
  maxWait: 5_000,
  keepsUnlisted: true,
  subset: defaultSubset,
};

/** The errors that a real client would have: retry and outcome are decided by them. */
const errors: Readonly<Record<Exclude<AttemptEnd, 'ok'>, RpcError>> = {
  refused: new RpcError('UNAVAILABLE', 'refused', { reason: 'CONNECT_FAILED', stage: 'unsent' }),
  lost: new RpcError('UNAVAILABLE', 'lost', { reason: 'CONNECTION_LOST', stage: 'sent' }),
  timeout: new RpcError('DEADLINE_EXCEEDED', 'no answer', { stage: 'sent' }),
  overloaded: new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'OVERLOADED', stage: 'refused' }),
  draining: new RpcError('UNAVAILABLE', 'draining', { reason: 'DRAINING', stage: 'refused' }),
  cancelled: new RpcError('CANCELLED', 'answered by another', { stage: 'sent' }),
};

/** evenkeel with its defaults, or with other options: the code that a client runs, fed as a client feeds it. */
export class Evenkeel implements Contender {
  readonly habits: Habits;
  readonly fleet: Fleet<Target>;
  readonly budget = new RetryBudget();
  panics = 0;
  readonly #random: Random;
  readonly #hedge = new HedgeDelay();

  constructor(random: Random, options: FleetOptions & { subset?: number } = {}) {
    this.#random = random;
    this.habits = { ...habits, subset: options.subset ?? defaultSubset };
    this.fleet = new Fleet(options, random, {
      onWeight() {},
      onSuspended() {},
      onReturned() {},
      onTier() {},
      onPanic: (on) => {
        if (on) this.panics++;
      },
    });
  }

  add(target: Target, now: number, newcomer: boolean): void {
    this.fleet.add(target, base, now, { slowStart: newcomer });
  }

  remove(target: Target): void {
    this.fleet.remove(target);
  }

  setConnected(target: Target, connected: boolean, now: number): void {
    this.fleet.setConnected(target, connected, now);
    // What a check found was true of the connection before: as `client/nodes.ts` has it.
    if (!connected) this.fleet.hold(target, 'health', false, now);
  }

  fault(target: Target, cause: 'refused' | 'lost' | 'heartbeat' | 'health', since: number, now: number): void {
    // One that is suspended has its one probe call; what the usual checks find is no news.
    if (cause === 'health' && this.fleet.suspended(target)) return;
    this.fleet.fault(target, cause, since, now);
    if (cause === 'health') this.fleet.hold(target, 'health', true, now);
  }

  healthy(target: Target, now: number): void {
    this.fleet.hold(target, 'health', false, now);
  }

  pick(tried: readonly Target[], now: number): Target | undefined {
    return this.fleet.pick(tried, now);
  }

  has(target: Target): boolean {
    return this.fleet.has(target);
  }

  began(target: Target, now: number): void {
    this.fleet.began(target, now);
  }

  ended(target: Target, end: AttemptEnd, startedAt: number, timeout: number, now: number): void {
    if (end === 'ok') {
      this.#hedge.record(now - startedAt, now);
      return this.fleet.succeeded(target, startedAt, now);
    }
    const facts = { waited: now - startedAt, heartbeatOverdue: target.connected && !target.alive(), timeout };
    const outcome = outcomeOf(errors[end], facts);
    this.fleet.ended(target, { outcome, answered: end === 'overloaded' || end === 'draining', startedAt, now });
  }

  called(now: number): void {
    this.budget.deposit(now);
  }

  again(trouble: Trouble, now: number): { after: number; charged: boolean } | undefined {
    const { end, made, unsent, losses, refusals, deadline, untried } = trouble;
    if (end === 'ok') return undefined;
    const decision = decideRetry(
      {
        ...{ error: errors[end], attempts: made, unsent, maxAttempts, repeatable: true, chained: false },
        ...{ connectionLosses: losses, refusals, now, deadline, untried },
      },
      () => this.budget.withdraw(now),
      this.#random,
    );
    return decision.again ? decision : undefined;
  }

  hedgeDelay(now: number): number {
    return this.#hedge.delay(now);
  }

  hedge(now: number): boolean {
    return this.budget.withdraw(now);
  }

  advance(now: number): void {
    this.fleet.advance(now, isAlive);
  }

  due(now: number): readonly Target[] {
    return this.fleet.due(now, isAlive);
  }

  probed(target: Target, ok: boolean, now: number): void {
    this.fleet.probed(target, ok, now);
  }

  standing(target: Target): number {
    return this.fleet.has(target) ? this.fleet.weights.weight(target.id) / base : 0;
  }
}

const isAlive = (target: Target): boolean => target.alive();
