import { defaultWeight } from '../core/endpoint.ts';
import { logLevels } from '../ops/log.ts';
import { balancerNames } from '../policy/balance/index.ts';
import { duration, hostMaybePort, hostPort, httpUrl, oneOf, text, whole } from './option-values.ts';

/** One option: from it come the flag, the environment variable, the help and the docs (docs/operations.md). */
export interface OptionSpec<T> {
  /** The flag, without dashes. */
  flag: string;
  /** What stands for its value in the help; none for a switch. */
  value?: string;
  /** The environment variable that sets it where the flag does not. None for what belongs to one call. */
  env?: string;
  help: string;
  /** As text, as it would be typed. */
  default?: string;
  /** Reads the text. Throws an Error that says what is allowed. */
  parse(text: string): T;
}

/**
 * All options of all commands. No variable here ends like those that Kubernetes sets for services (`..._PORT`, `..._HOST`,
 * `..._TCP`): a release called "evenkeel" would otherwise configure us by accident.
 */
export const options = {
  registry: spec({
    flag: 'registry',
    value: 'URL',
    env: 'EVENKEEL_REGISTRY',
    help: 'where the servers of one service are known: zookeeper://H:P,H:P/FOLDER?session=10s, static:H:P,H:P, for clients alone kubernetes://NAMESPACE/SERVICE',
    parse: text,
  }),
  listen: spec({
    flag: 'listen',
    value: 'HOST:PORT',
    env: 'EVENKEEL_LISTEN',
    help: 'where to listen; port 0 takes any that is free',
    parse: hostPort,
  }),
  advertise: spec({
    flag: 'advertise',
    value: 'HOST[:PORT]',
    env: 'EVENKEEL_ADVERTISE',
    help: 'what clients reach this server by (default: the listen host, else POD_IP, else the first external IPv4 address)',
    parse: hostMaybePort,
  }),
  processes: spec({
    flag: 'processes',
    value: 'N',
    env: 'EVENKEEL_PROCESSES',
    help: 'worker processes beside the primary one',
    default: '1',
    parse: whole(1, 1_024),
  }),
  threads: spec({
    flag: 'threads',
    value: 'N',
    env: 'EVENKEEL_THREADS',
    help: 'worker threads a process for handlers that take CPU; 0 runs them beside the event loop',
    default: '0',
    parse: whole(0, 256),
  }),
  ops: spec({
    flag: 'ops',
    value: 'HOST:PORT|off',
    env: 'EVENKEEL_OPS',
    help: 'where /livez, /readyz, /metrics and /nodes are',
    default: 'off',
    parse: (given) => (given === 'off' ? undefined : hostPort(given)),
  }),
  weight: spec({
    flag: 'weight',
    value: 'N',
    env: 'EVENKEEL_WEIGHT',
    help: 'share of the traffic relative to other servers',
    default: String(defaultWeight),
    parse: whole(1, 65_536),
  }),
  zone: spec({
    flag: 'zone',
    value: 'NAME',
    env: 'EVENKEEL_ZONE',
    help: 'where this server is; clients that prefer a zone go by it',
    parse: text,
  }),
  maxConcurrent: spec({
    flag: 'max-concurrent',
    value: 'N',
    env: 'EVENKEEL_MAX_CONCURRENT',
    help: 'calls at work at once in a process; as many again may wait 0.1 s; more are refused as OVERLOADED',
    default: '1000',
    parse: whole(1, 1_000_000),
  }),
  handlerTimeout: spec({
    flag: 'handler-timeout',
    value: 'TIME',
    env: 'EVENKEEL_HANDLER_TIMEOUT',
    help: "the longest a handler may take (default: the caller's deadline alone)",
    parse: duration(1, 2 ** 31 - 1),
  }),
  drainDelay: spec({
    flag: 'drain-delay',
    value: 'TIME',
    env: 'EVENKEEL_DRAIN_DELAY',
    help: 'how long a server that goes away still serves',
    default: '4s',
    parse: duration(0, 600_000),
  }),
  grace: spec({
    flag: 'grace',
    value: 'TIME',
    env: 'EVENKEEL_GRACE',
    help: 'the longest the way out may take; at least the drain delay + 2s',
    default: '30s',
    parse: duration(0, 3_600_000),
  }),
  timeout: spec({
    flag: 'timeout',
    value: 'TIME',
    env: 'EVENKEEL_TIMEOUT',
    help: 'how long a call waits for its answer, all attempts together',
    default: '5s',
    parse: duration(1, 2 ** 31 - 1),
  }),
  attempts: spec({
    flag: 'attempts',
    value: 'N',
    env: 'EVENKEEL_ATTEMPTS',
    help: 'how many nodes a call may reach; 1 turns retries and hedging off',
    default: '3',
    parse: whole(1, 1_000),
  }),
  balancer: spec({
    flag: 'balancer',
    value: 'NAME',
    env: 'EVENKEEL_BALANCER',
    help: `how a node is chosen: ${balancerNames.join(', ')}`,
    default: 'p2c',
    parse: oneOf(balancerNames),
  }),
  registryCache: spec({
    flag: 'registry-cache',
    value: 'FILE',
    env: 'EVENKEEL_REGISTRY_CACHE',
    help: 'keeps the servers and live settings last known, for a start while the registry is away',
    parse: text,
  }),
  rpc: spec({
    flag: 'rpc',
    value: 'HOST:PORT|off',
    env: 'EVENKEEL_RPC',
    help: 'where a gateway takes RPC, for clients that know no registry',
    default: 'off',
    parse: (given) => (given === 'off' ? undefined : hostPort(given)),
  }),
  webhook: spec({
    flag: 'webhook',
    value: 'URL',
    env: 'EVENKEEL_WEBHOOK',
    help: 'where to POST, as JSON, what an operator should hear of; a secret in the URL is safer in the variable',
    // What is wrong with it is said without it.
    parse: text,
  }),
  ledger: spec({
    flag: 'ledger',
    value: 'DIR',
    env: 'EVENKEEL_LEDGER',
    help: 'the folder where recorded-pi writes calls down; for "serve" the variable alone',
    parse: text,
  }),
  logLevel: spec({
    flag: 'log-level',
    value: 'LEVEL',
    env: 'EVENKEEL_LOG_LEVEL',
    help: `the least important lines that are logged: ${logLevels.join(', ')}`,
    default: 'info',
    parse: oneOf(logLevels),
  }),
  service: spec({
    flag: 'service',
    value: 'NAME',
    env: 'EVENKEEL_SERVICE',
    help: 'the service that must answer (default: any)',
    parse: text,
  }),
  repeat: spec({
    flag: 'repeat',
    value: 'N',
    help: 'make the call N times; 0 goes on until stopped',
    default: '1',
    parse: whole(0, 1e9),
  }),
  interval: spec({
    flag: 'interval',
    value: 'TIME',
    help: 'time between two calls',
    default: '1s',
    parse: duration(0, 86_400_000),
  }),
  showNode: spec({
    flag: 'show-node',
    help: 'say on stderr which node answered, after how many attempts',
    parse: Boolean,
  }),
  idempotencyKey: spec({
    flag: 'idempotency-key',
    value: 'KEY',
    help: 'promise that the server does the work once for this key',
    parse: text,
  }),
  offline: spec({ flag: 'offline', help: 'give the server no new calls from now on', parse: Boolean }),
  online: spec({ flag: 'online', help: 'give the server calls again', parse: Boolean }),
  reset: spec({ flag: 'reset', help: 'forget all that was set of the server', parse: Boolean }),
  watch: spec({ flag: 'watch', help: 'show every change until stopped', parse: Boolean }),
  quick: spec({ flag: 'quick', help: 'play the short scenario, about 15 seconds of load', parse: Boolean }),
  scenario: spec({ flag: 'scenario', value: 'FILE', help: 'play this scenario (YAML) instead', parse: text }),
  servers: spec({
    flag: 'servers',
    value: 'N',
    help: "how many servers there are at first (default: the scenario's)",
    parse: whole(1, 100),
  }),
  rate: spec({ flag: 'rate', value: 'N', help: "calls a second (default: the scenario's)", parse: whole(1, 100_000) }),
  load: spec({
    flag: 'load',
    value: 'NAME',
    help: 'what makes the load: k6, built-in, or auto: k6 where it is on PATH',
    default: 'auto',
    parse: oneOf(['auto', 'k6', 'built-in']),
  }),
  zookeeper: spec({
    flag: 'zookeeper',
    value: 'HOST:PORT',
    help: 'a ZooKeeper that runs already (default: the embedded one is started)',
    parse: hostPort,
  }),
  report: spec({
    flag: 'report',
    value: 'FILE|off',
    help: 'where the report goes, as HTML; beside it the same as .json and .md, and its pictures as .svg',
    default: 'evenkeel-report.html',
    parse: (given) => (given === 'off' ? undefined : text(given)),
  }),
  release: spec({
    flag: 'release',
    value: 'NAME',
    help: 'the release of the chart (default: the only one in the namespace; for "report" any)',
    parse: text,
  }),
  namespace: spec({
    flag: 'namespace',
    value: 'NAME',
    help: "the namespace of the release (default: the pod's own, or KUBECONFIG's)",
    parse: text,
  }),
  url: spec({
    flag: 'url',
    value: 'URL',
    help: 'the gateway that calls go to (default: the Service of the gateways)',
    parse: httpUrl,
  }),
  configMap: spec({
    flag: 'config-map',
    value: 'NAME',
    help: 'keep the report in this ConfigMap too, and where it is large in others',
    parse: text,
  }),
  here: spec({
    flag: 'here',
    help: 'conduct from outside of a pod: pods are reached by their addresses',
    parse: Boolean,
  }),
  list: spec({ flag: 'list', help: 'show which reports are kept, the newest first', parse: Boolean }),
  page: spec({ flag: 'page', value: 'FILE', help: 'also write the comparison as HTML', parse: text }),
} as const;

export type OptionName = keyof typeof options;
export type OptionValues = {
  [Name in OptionName]: (typeof options)[Name] extends OptionSpec<infer T> ? T | undefined : never;
};

function spec<T>(facts: OptionSpec<T>): OptionSpec<T> {
  return facts;
}
