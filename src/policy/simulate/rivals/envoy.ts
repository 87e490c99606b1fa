import type { Random } from '../../../core/random.ts';
import type { AttemptEnd, Habits, Target, Trouble } from '../contender.ts';
import { isFailure, Rival } from './rival.ts';

/** Defaults of `api/envoy/config/cluster/v3/outlier_detection.proto`; times in ms. */
const consecutive5xx = 5;
const interval = 10_000;
const baseEjectionTime = 30_000;
const maxEjectionTime = 300_000;
const maxEjectionPercent = 10;
const successRateMinimumHosts = 5;
const successRateRequestVolume = 100;
const successRateStdevFactor = 1.9;
/** `CommonLbConfig.healthy_panic_threshold`. */
const panicThreshold = 0.5;
/** `RetryPolicy.num_retries` and its back-off's base, ms. */
const retries = 1;
const retryBase = 25;

interface Host {
  /** Errors since the last success. */
  run: number;
  successes: number;
  failures: number;
  ejectedAt: number | undefined;
  /** How many times the base time it is ejected for. */
  times: number;
}

/**
 * Envoy's outlier detection (envoyproxy/envoy: `source/common/upstream/outlier_detection_impl.cc`) with its defaults, the
 * default balancer ROUND_ROBIN, panic at 50 %, and a retry policy `retry_on: 5xx` with its default of one retry, which
 * does not avoid the host that failed (without a policy Envoy repeats nothing). Timeouts count as 504, and are not repeated. No
 * active health checks: they are off by default. Not modelled: the limit of 3 retries at a time.
 *
 * With fewer than ten hosts the default of 10 % ejects nobody; `always_eject_one_host` (since 1.31, off by default) ejects one, as
 * Envoy is often believed to.
 */
export class Envoy extends Rival<Host> {
  readonly habits: Habits = { redial: () => 1_000, maxWait: 0, keepsUnlisted: false, subset: Number.POSITIVE_INFINITY };
  readonly #random: Random;
  readonly #alwaysOne: boolean;
  #turn: number;
  #sweepAt: number;
  #panicking = false;

  constructor(random: Random, { alwaysEjectOneHost = false } = {}) {
    super();
    this.#random = random;
    this.#alwaysOne = alwaysEjectOneHost;
    this.#turn = Math.floor(random() * 1_000);
    this.#sweepAt = random() * interval;
  }

  protected override fresh(): Host {
    return { run: 0, successes: 0, failures: 0, ejectedAt: undefined, times: 0 };
  }

  protected override onEnd(host: Host, end: AttemptEnd, now: number): void {
    if (end === 'ok') {
      host.successes++;
      host.run = 0;
    } else if (isFailure(end)) {
      host.failures++;
      if (++host.run === consecutive5xx) this.#eject(host, now);
    }
  }

  override pick(): Target | undefined {
    const all = [...this.nodes.keys()];
    const healthy = all.filter((target) => this.nodes.get(target)!.ejectedAt === undefined);
    const panicking = healthy.length < panicThreshold * all.length;
    if (panicking && !this.#panicking) this.panics++;
    this.#panicking = panicking;
    const hosts = panicking ? all : healthy;
    return hosts[this.#turn++ % hosts.length];
  }

  override again({ end, made }: Trouble): { after: number; charged: boolean } | undefined {
    return made <= retries && end !== 'timeout' ? { after: retryBase * this.#random(), charged: true } : undefined;
  }

  override advance(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt += interval;
    for (const host of this.nodes.values()) {
      if (host.ejectedAt === undefined) host.times = Math.max(0, host.times - 1);
      else if (now >= host.ejectedAt + Math.min(maxEjectionTime, baseEjectionTime * host.times)) {
        host.ejectedAt = undefined;
        host.run = 0;
      }
    }
    this.#ejectBySuccessRate(now);
    for (const host of this.nodes.values()) host.successes = host.failures = 0;
  }

  override standing(target: Target): number {
    return this.nodes.get(target)!.ejectedAt === undefined ? 1 : 0;
  }

  #ejectBySuccessRate(now: number): void {
    const hosts = [...this.nodes.values()].filter(
      ({ successes, failures }) => successes + failures >= successRateRequestVolume,
    );
    if (hosts.length < successRateMinimumHosts) return;
    const rate = ({ successes, failures }: Host) => successes / (successes + failures);
    const mean = hosts.reduce((sum, host) => sum + rate(host), 0) / hosts.length;
    const variance = hosts.reduce((sum, host) => sum + (rate(host) - mean) ** 2, 0) / hosts.length;
    const threshold = mean - successRateStdevFactor * Math.sqrt(variance);
    for (const host of hosts) if (rate(host) < threshold) this.#eject(host, now);
  }

  #eject(host: Host, now: number): void {
    if (host.ejectedAt !== undefined) return;
    let ejected = 0;
    for (const { ejectedAt } of this.nodes.values()) if (ejectedAt !== undefined) ejected++;
    const percent = (100 * (ejected + 1)) / this.nodes.size;
    if (percent > maxEjectionPercent && !(this.#alwaysOne && ejected === 0)) return;
    host.ejectedAt = now;
    host.times++;
  }
}
