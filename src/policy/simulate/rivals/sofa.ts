import type { Random } from '../../../core/random.ts';
import type { AttemptEnd, Habits, Target } from '../contender.ts';
import { Rival } from './rival.ts';

/** Defaults of `FaultToleranceConfig.java`; times in ms. */
const timeWindow = 10_000;
const leastWindowCount = 10;
const leastWindowExceptionRateMultiple = 6;
const weightDegradeRate = 0.05;
const degradeLeastWeight = 1;
const weightRecoverRate = 2;
const degradeMaxIpCount = 2;
/** `provider.weight` and `consumer.reconnect.period` of `rpc-config-default.json`. */
const origin = 100;
const reconnectPeriod = 10_000;

interface Provider {
  weight: number;
  degraded: boolean;
  calls: number;
  /** CLIENT_TIMEOUT and SERVER_BUSY only: `ServiceExceptionInvocationStat.java`. */
  exceptions: number;
}

/**
 * SOFA-RPC for Java (sofastack/sofa-rpc: `fault/fault-tolerance`, package `client.aft`) with its fault tolerance switched
 * on (`regulationEffective` and `degradeEffective`, both off by default) and all else at its defaults. Every 10 s a provider whose rate of
 * exceptions is 6 times that of all together has its weight multiplied by 0.05; one that is well again gets it back by doubling.
 * Calls go at random by weight to connected providers (`RandomLoadBalancer.java`), and none is repeated (`consumer.retries`: 0).
 * Its heartbeat, every 30 s, does not matter in these plays, and is left out.
 */
export class Sofa extends Rival<Provider> {
  readonly habits: Habits = {
    redial: () => reconnectPeriod,
    maxWait: 0,
    keepsUnlisted: false,
    subset: Number.POSITIVE_INFINITY,
  };
  readonly #random: Random;
  #measureAt: number;

  constructor(random: Random) {
    super();
    this.#random = random;
    this.#measureAt = random() * timeWindow;
  }

  protected override fresh(): Provider {
    return { weight: origin, degraded: false, calls: 0, exceptions: 0 };
  }

  protected override onEnd(provider: Provider, end: AttemptEnd): void {
    provider.calls++;
    if (end === 'timeout' || end === 'overloaded') provider.exceptions++;
  }

  override has(target: Target): boolean {
    return super.has(target) && target.connected;
  }

  override pick(): Target | undefined {
    const connected = [...this.nodes].filter(([target]) => target.connected);
    let point = this.#random() * connected.reduce((sum, [, { weight }]) => sum + weight, 0);
    for (const [target, { weight }] of connected) {
      point -= weight;
      if (point < 0) return target;
    }
    return connected.at(-1)?.[0];
  }

  override again(): undefined {
    return undefined;
  }

  override advance(now: number): void {
    if (now < this.#measureAt) return;
    this.#measureAt += timeWindow;
    const measured = [...this.nodes.values()].filter(
      ({ calls, weight }) => calls >= Math.max(1, Math.floor((leastWindowCount * weight) / origin)),
    );
    const sum = measured.reduce((all, { calls, exceptions }) => [all[0]! + calls, all[1]! + exceptions], [0, 0]);
    const average = sum[0] === 0 ? 0 : sum[1]! / sum[0]!;
    for (const provider of measured) this.#regulate(provider, average);
    for (const provider of this.nodes.values()) provider.calls = provider.exceptions = 0;
  }

  override standing(target: Target): number {
    return target.connected ? this.nodes.get(target)!.weight / origin : 0;
  }

  #regulate(provider: Provider, average: number): void {
    const abnormal = average > 0 && provider.exceptions / provider.calls / average >= leastWindowExceptionRateMultiple;
    if (abnormal) {
      const degraded = [...this.nodes.values()].filter((other) => other.degraded).length;
      if (!provider.degraded && degraded >= degradeMaxIpCount) return;
      provider.degraded = true;
      provider.weight = Math.max(degradeLeastWeight, Math.round(provider.weight * weightDegradeRate));
    } else if (provider.degraded) {
      provider.weight = Math.min(origin, provider.weight * weightRecoverRate);
      provider.degraded = provider.weight < origin;
    }
  }
}
