import { type Clock, systemClock } from '../core/clock.ts';
import { defaultWeight, parseAddress } from '../core/endpoint.ts';
import type { Log } from '../core/log.ts';
import { type Metrics, silentMetrics } from '../core/metrics.ts';
import { freshId, type Random, systemRandom } from '../core/random.ts';
import { whole } from '../core/whole.ts';
import type { Registry } from '../registry/registry.ts';
import { type Network, tcp } from '../transport/network.ts';
import { type Limits, limits } from '../wire/limits.ts';
import { admissionDefaults } from './admission.ts';
import { warningLog } from './warning-log.ts';

/** How a service is served. Every option has a default that is safe in production. Times in ms. */
export interface ServeOptions {
  /** Where the server is made known: a registry's URL or an object. Default: nowhere; clients must know the address. */
  registry?: string | Registry;
  /** The registry's secret, `digest:USER:PASSWORD` for ZooKeeper. It is never part of the URL. Default: none. */
  registryAuth?: string;
  /** `HOST:PORT` to listen on; port 0 for any. Default `0.0.0.0:7000`. */
  listen?: string;
  /** The host, or `HOST:PORT`, that clients reach it by. Default: the listen host; where that is a wildcard the environment's POD_IP, else the first external IPv4 address. */
  advertise?: string;
  /** Share of the traffic relative to other servers. Default 1024; 1..65,536. */
  weight?: number;
  zone?: string;
  tags?: readonly string[];
  /** The service's own version, for people. */
  version?: string;
  /** Calls at work at once in this process. Default 1,000; 1..1,000,000. More wait, then are refused as OVERLOADED. */
  maxConcurrent?: number;
  /** How long a call may wait for its turn. Default 100; 0..60,000. */
  maxQueueTime?: number;
  /** The longest a handler may take whatever its caller says. Default: no bound but the caller's deadline. */
  handlerTimeout?: number;
  /** How long a server that goes away still serves, until the last client has heard of it. Default 4,000; 0..600,000. */
  drainDelay?: number;
  /** The longest the way out may take, all steps together. Default 30,000, as Kubernetes' own; at least drainDelay + 2,000. */
  grace?: number;
  /** What a peer may send. */
  limits?: Partial<Limits>;
  /**
   * Where the server says what happens: `makeLog()`, or any pino logger. Default: nowhere, but that a handler threw what is
   * no RpcError, or broke its contract, is a warning of the process, once for each method.
   */
  log?: Log;
  /** What is counted: `makeMetrics()`. Default: nothing. */
  metrics?: Metrics;
  /** For tests and unusual worlds. */
  clock?: Clock;
  random?: Random;
  network?: Network;
  /** Id of this process start. Default: a fresh one. */
  id?: string;
}

export interface FilledServeOptions {
  registry: string | Registry | undefined;
  listen: { host: string; port: number };
  advertise: string | undefined;
  weight: number;
  zone: string | undefined;
  tags: readonly string[];
  version: string | undefined;
  maxConcurrent: number;
  maxQueueTime: number;
  handlerTimeout: number;
  drainDelay: number;
  grace: number;
  limits: Limits;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  random: Random;
  network: Network;
  id: string;
}

/** Fills in the defaults. Throws a RangeError or an Error that names the option and what it takes. */
export function serveOptions(given: ServeOptions = {}): FilledServeOptions {
  const drainDelay = whole('drainDelay', given.drainDelay ?? 4_000, 0, 600_000);
  return {
    registry: given.registry,
    listen: parseAddress(given.listen ?? '0.0.0.0:7000'),
    advertise: given.advertise,
    weight: whole('weight', given.weight ?? defaultWeight, 1, 65_536),
    zone: given.zone,
    tags: given.tags ?? [],
    version: given.version,
    maxConcurrent: whole('maxConcurrent', given.maxConcurrent ?? admissionDefaults.maxConcurrent, 1, 1_000_000),
    maxQueueTime: whole('maxQueueTime', given.maxQueueTime ?? admissionDefaults.maxQueueTime, 0, 60_000),
    handlerTimeout:
      given.handlerTimeout === undefined
        ? Number.POSITIVE_INFINITY
        : whole('handlerTimeout', given.handlerTimeout, 1, 2 ** 31 - 1),
    drainDelay,
    grace: whole('grace', given.grace ?? Math.max(30_000, drainDelay + 10_000), drainDelay + 2_000, 3_600_000),
    limits: limits(given.limits),
    log: given.log ?? warningLog(),
    metrics: given.metrics ?? silentMetrics,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
    network: given.network ?? tcp,
    id: given.id ?? freshId(),
  };
}
