import { type Clock, systemClock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';
import { type Metrics, silentMetrics } from '../core/metrics.ts';
import { freshId, type Random, systemRandom } from '../core/random.ts';
import { whole } from '../core/whole.ts';
import { type BalancerName, type BalancerOptions, balancerNames, balancerOptions } from '../policy/balance/index.ts';
import { type BreakerOptions, breakerOptions } from '../policy/breaker-options.ts';
import { budgetOptions, type RetryBudgetOptions } from '../policy/budget.ts';
import { type LoadThresholds, loadThresholds } from '../policy/load-thresholds.ts';
import { expectRange } from '../policy/range.ts';
import { defaultSubset } from '../policy/subset.ts';
import { type SuspensionOptions, suspensionOptions } from '../policy/suspension-options.ts';
import { defaultZoneOverload, type TierPreference } from '../policy/tier-rank.ts';
import { type TierOptions, tierOptions } from '../policy/tiers-options.ts';
import { type WeightOptions, weightOptions } from '../policy/weight-options.ts';
import type { Registry } from '../registry/registry.ts';
import { type HeartbeatOptions, heartbeatDefaults } from '../transport/heartbeat.ts';
import { type Network, tcp } from '../transport/network.ts';
import { type Limits, limits } from '../wire/limits.ts';
import { checkGroups } from './option-groups.ts';

/** How a service is called. Every option but `registry` has a default that is safe in production. Times in ms. */
export interface ConnectOptions {
  /** Where the servers are known: a registry's URL or an object. */
  registry: string | Registry;
  /** The registry's secret, `digest:USER:PASSWORD` for ZooKeeper. It is never part of the URL. Default: none. */
  registryAuth?: string;
  /** A file that keeps the servers last known, so that a client can start while the registry is away. Default: none. */
  registryCache?: string;
  /** How long a call waits for its answer, all attempts together. Default 5,000; 1..2^31-1. A call may say otherwise. */
  timeout?: number;
  /** How many nodes a call may reach. Default 3; 1 turns retries and hedging off, `Infinity` leaves it to deadline and budget. */
  attempts?: number;
  /** Whether a call that may be repeated and is silent for long is also sent to a second node. Default true. */
  hedging?: boolean;
  /** Retries and hedges together may be this many. Default: 20 % of the calls + 10 a second. */
  budget?: Partial<RetryBudgetOptions>;
  /**
   * Whether calls of a method are not made while nearly all of them fail. Default false: a call that waits its time may be
   * the one that finds the servers back, and no call is lost that need not be. True, or options, where it is worse to wait
   * for a failure than to hear of it at once.
   */
  breaker?: boolean | Partial<BreakerOptions>;
  /** How a node is chosen. Default `p2c`: of two by weight the one with fewer calls at work. */
  balancer?: BalancerName;
  /** What some balancers can be told. */
  balancerOptions?: Partial<BalancerOptions>;
  /** Whether all calls go to one node until it fails: for servers that remember their callers. Default false. */
  sticky?: boolean;
  /** Which servers are rather used: those of a zone, those with all of some tags. Default: any. */
  prefer?: TierPreference;
  /**
   * How many times its fair share a server may get because it is in its callers' own zone. Default 1.2; 1..100, or
   * `Infinity`. Where the own zone has too few servers, some of other zones are used like them.
   */
  zoneOverload?: number;
  /** When calls go over to the next servers in preference (other zones, backups), and when they come back. */
  tiers?: Partial<TierOptions>;
  /** How many servers of each kind (preferred, other, backup) a client connects to. Default 20; 1..10,000, or `Infinity`. */
  subset?: number;
  /** Which subset of the servers it is: the same for the same id. Default: by chance. */
  clientId?: string;
  /** How weights fall and come back. */
  weights?: Partial<WeightOptions>;
  /** When a node that fails goes to the failed list, and for how long. */
  suspension?: Partial<SuspensionOptions>;
  /** How long the server may take to say HELLO. Default 1,000; 10..60,000. */
  helloTimeout?: number;
  /** When a silent connection is asked for a sign of life, and when it is given up. */
  heartbeat?: Partial<HeartbeatOptions>;
  /** From when on the load that a server reports lowers its weight. */
  loadThresholds?: Partial<LoadThresholds>;
  /**
   * How often each server is asked by the method `health` whether it can do its work, +-20 %. Default 5,000; 0 for never,
   * else 100..3,600,000. It finds what no heartbeat does, such as a server whose database is gone.
   */
  healthInterval?: number;
  /**
   * How long the answer may take until it counts as a failure. Default 1,000, and never more than `healthInterval`;
   * 10..60,000.
   */
  healthTimeout?: number;
  /** How long a call waits for a first connection. Default 5,000, and never over its deadline; 0..600,000. */
  connectTimeout?: number;
  /** How many calls may wait for a first connection. Default 1,000; 0..1,000,000. */
  maxWaiting?: number;
  /** How long a server that left the registry is kept while its connection is well. Default 600,000; 0..86,400,000. */
  retention?: number;
  /** What a server may send. */
  limits?: Partial<Limits>;
  log?: Log;
  metrics?: Metrics;
  /** For tests and unusual worlds. */
  clock?: Clock;
  random?: Random;
  network?: Network;
}

export interface FilledConnectOptions {
  registry: string | Registry;
  registryAuth: string | undefined;
  registryCache: string | undefined;
  timeout: number;
  attempts: number;
  hedging: boolean;
  budget: RetryBudgetOptions;
  breaker: BreakerOptions | undefined;
  balancer: BalancerName;
  balancerOptions: BalancerOptions;
  sticky: boolean;
  prefer: TierPreference;
  zoneOverload: number;
  tiers: TierOptions;
  subset: number;
  clientId: string;
  weights: WeightOptions;
  suspension: SuspensionOptions;
  helloTimeout: number;
  heartbeat: HeartbeatOptions;
  loadThresholds: LoadThresholds;
  healthInterval: number;
  healthTimeout: number;
  connectTimeout: number;
  maxWaiting: number;
  retention: number;
  limits: Limits;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  random: Random;
  network: Network;
}

export const longestTimeout = 2 ** 31 - 1;
export const mostAttempts = 1_000;

export function isAttempts(value: number): boolean {
  return value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 1 && value <= mostAttempts);
}

/** Fills in the defaults. Throws a RangeError that names the option and what it takes. */
export function connectOptions(given: ConnectOptions): FilledConnectOptions {
  if (given.registry === undefined) throw new TypeError('option "registry" is missing: expected a URL or an object');
  checkGroups(given);
  const pingAfter = whole(
    'heartbeat.pingAfter',
    given.heartbeat?.pingAfter ?? heartbeatDefaults.pingAfter,
    50,
    600_000,
  );
  const healthInterval = orOff('healthInterval', given.healthInterval ?? 5_000, 100, 3_600_000);
  const longestCheck = Math.min(healthInterval || 60_000, 60_000);
  return {
    registry: given.registry,
    registryAuth: given.registryAuth,
    registryCache: given.registryCache,
    timeout: whole('timeout', given.timeout ?? 5_000, 1, longestTimeout),
    attempts: attemptsOption(given.attempts ?? 3),
    hedging: oneOf('hedging', given.hedging ?? true, [true, false]),
    budget: budgetOptions(given.budget),
    breaker: breakerOf(given.breaker ?? false),
    balancer: oneOf('balancer', given.balancer ?? 'p2c', balancerNames),
    balancerOptions: balancerOptions(given.balancerOptions),
    sticky: oneOf('sticky', given.sticky ?? false, [true, false]),
    prefer: given.prefer ?? {},
    zoneOverload: zoneOverload(given.zoneOverload ?? defaultZoneOverload),
    tiers: tierOptions(given.tiers),
    subset:
      given.subset === Number.POSITIVE_INFINITY
        ? given.subset
        : whole('subset', given.subset ?? defaultSubset, 1, 10_000),
    // By the same randomness as all else, so that a seed repeats a client.
    clientId: given.clientId ?? (given.random === undefined ? freshId() : String(given.random())),
    weights: weightOptions(given.weights),
    suspension: suspensionOptions(given.suspension),
    helloTimeout: whole('helloTimeout', given.helloTimeout ?? 1_000, 10, 60_000),
    heartbeat: {
      pingAfter,
      deadAfter: whole('heartbeat.deadAfter', given.heartbeat?.deadAfter ?? pingAfter * 3, pingAfter + 10, 1_200_000),
      loadEvery: orOff('heartbeat.loadEvery', given.heartbeat?.loadEvery ?? heartbeatDefaults.loadEvery, 100, 30_000),
    },
    loadThresholds: loadThresholds(given.loadThresholds),
    healthInterval,
    healthTimeout: whole('healthTimeout', given.healthTimeout ?? Math.min(1_000, longestCheck), 10, longestCheck),
    connectTimeout: whole('connectTimeout', given.connectTimeout ?? 5_000, 0, 600_000),
    maxWaiting: whole('maxWaiting', given.maxWaiting ?? 1_000, 0, 1_000_000),
    retention: whole('retention', given.retention ?? 600_000, 0, 86_400_000),
    limits: limits(given.limits),
    log: given.log ?? silentLog,
    metrics: given.metrics ?? silentMetrics,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
    network: given.network ?? tcp,
  };
}

function attemptsOption(value: number): number {
  if (isAttempts(value)) return value;
  throw new RangeError(`option "attempts" is ${value}: expected a whole number from 1 to ${mostAttempts}, or Infinity`);
}

/** 0, or a whole number in a range. */
function orOff(name: string, value: number, min: number, max: number): number {
  return value === 0 ? 0 : whole(name, value, min, max);
}

function zoneOverload(value: number): number {
  if (value !== Number.POSITIVE_INFINITY) expectRange('option "zoneOverload"', value, 1, 100);
  return value;
}

function breakerOf(given: boolean | Partial<BreakerOptions>): BreakerOptions | undefined {
  return given === false ? undefined : breakerOptions(given === true ? {} : given);
}

function oneOf<T extends string | boolean>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new RangeError(`option "${name}" is ${value}: expected ${allowed.join(' or ')}`);
}
