import type { Books } from './books.ts';
import type { Step } from './scenario.ts';
import type { UsageSample } from './usage.ts';

/**
 * What a scenario is played on: servers that can be scaled and hurt, gateways that call them, a registry between them.
 * The same few words for processes of this machine (`local/`) and for pods. A deed resolves when it is done, not when its
 * traces are gone: whether callers see the wanted servers again is read from `state`.
 */
export interface Cluster {
  /** Where it runs, for people: `local processes`. */
  readonly kind: string;
  /** Base URL of a gateway, or of what spreads calls over several. Known once `start` has resolved. */
  readonly gatewayUrl: string;

  /** Whether its servers write down what their handlers do. Known once `start` has resolved. */
  readonly keepsBooks: boolean;

  /** Brings everything up with so many servers. Resolves when each gateway sees them all. */
  start(servers: number): Promise<void>;
  /**
   * Why this cannot be played here, a sentence; undefined if it can. Asked for all steps before there is any load. Before
   * `start` it may know less, but what it refuses then it refuses for good. Does no I/O.
   */
  refusal(step: Step): string | undefined;

  /** Wants so many servers from now on: new ones are started, or some told to stop (SIGTERM). */
  scale(servers: number): Promise<Deed>;
  /** Kills whole servers at once (SIGKILL), with calls in flight. The cluster replaces them, as a Deployment does. */
  kill(count: number): Promise<Deed>;
  /** Stops whole servers for so many ms (SIGSTOP), then lets them go on. */
  freeze(count: number, ms: number): Promise<Deed>;
  /** Replaces every server, one after the other: a new one first, then an old one goes. */
  rolling(): Promise<Deed>;
  /**
   * Empties the machine with most servers that is not the conductor's, as for maintenance: nothing new comes there, and what
   * is there goes in good order, as disruption budgets allow. `Deed.machine` says which. It may be used again from `close` on.
   */
  drain(): Promise<Deed>;
  /** Replaces every gateway, one after the other, in good order. */
  rollGateways(): Promise<Deed>;
  /** Takes all of ZooKeeper away for so many ms. */
  zookeeperAway(ms: number): Promise<Deed>;
  /** Kills the member of ZooKeeper that leads the others. It comes back by itself. */
  killZookeeperLeader(): Promise<Deed>;
  /** Kills all members of ZooKeeper at once. They come back by themselves. */
  killZookeeper(): Promise<Deed>;

  /** What was seen last. Does no I/O. */
  state(): ClusterState;
  /** What happened that nobody ordered, e.g. a server that ended by itself. In order. */
  incidents(): readonly Incident[];
  /** What its pods took, as they told themselves, in order; empty where that is not looked at. */
  usage(): readonly UsageSample[];
  /** Versions, machines, limits: what a reader needs to know to compare figures, in the order in which it is shown. */
  environment(): Record<string, string>;
  /**
   * What the handlers wrote down; undefined where they write nothing. Asked once, when the load has ended and nothing more
   * will be done: the cluster may end its servers for it. Bounded: what cannot be had in time is named as a gap.
   */
  books(): Promise<Books | undefined>;

  /** Ends all that it started and restores all that it changed, also when `start` failed or has not finished. */
  close(): Promise<void>;
}

/** What was done, and the proof that it happened. Times in ms since 1970. */
export interface Deed {
  /** When it began to bite: the signal was sent, the port was closed. */
  at: number;
  /** When it was over: thawed, back. */
  until?: number;
  /** Servers it was done to, by name. */
  servers: readonly string[];
  /** The machine that was emptied. */
  machine?: string;
  /**
   * Calls that the servers it was done to had begun and not ended when they stood still, or were dead, as they had written down.
   * Undefined where that could not be read, and for a deed that hits no calls.
   */
  working?: number | undefined;
  /** What was looked at afterwards, a sentence each. The deed happened only if all hold. */
  proof: readonly Proof[];
}

export interface Proof {
  what: string;
  holds: boolean;
}

export interface Incident {
  at: number;
  what: string;
}

export interface ClusterState {
  /** ms since 1970 */
  at: number;
  /** How many servers are wanted. */
  desired: number;
  /** Those that say they are ready. */
  ready: number;
  /** Entries in the registry; undefined while it cannot be read. */
  registered: number | undefined;
  /** Those that Kubernetes publishes as ready, in EndpointSlices; undefined where, and while, that cannot be read. */
  published?: number | undefined;
  /** All that there ever were, the oldest first. */
  servers: readonly ServerState[];
  /** How many gateways are wanted. */
  desiredGateways: number;
  /** Those that are there, also while they start or stop. */
  gateways: readonly GatewayState[];
  /** Those of them that Kubernetes publishes as ready. */
  publishedGateways?: number | undefined;
  /** Members of ZooKeeper, where the cluster owns it. */
  zookeeper?: { desired: number; ready: number };
  /** What decides how many servers are wanted, where there is one. */
  autoscaler?: AutoscalerState;
}

export interface AutoscalerState {
  /** The bounds within which it may choose. */
  min: number;
  max: number;
  /** How many servers it wants. */
  desired: number;
}

export interface GatewayState {
  name: string;
  phase: 'starting' | 'ready' | 'unready' | 'stopping';
  /** The servers as it sees them; empty while it does not answer. */
  nodes: readonly NodeState[];
}

export interface ServerState {
  name: string;
  /** host:port */
  address: string;
  phase: 'starting' | 'ready' | 'unready' | 'stopping' | 'gone';
  /** The machine it runs on, where there are several. */
  machine?: string;
  /** When it was started, seen in the registry first, ready first, told to stop, ended; ms since 1970. */
  startedAt: number;
  registeredAt?: number;
  readyAt?: number;
  stoppedAt?: number;
  goneAt?: number;
  /** When it was seen to be out of the registry again, and out of EndpointSlices as one that is ready; ms since 1970. */
  unregisteredAt?: number;
  unpublishedAt?: number;
}

/** A line of a gateway's `/nodes`. */
export interface NodeState {
  id: string;
  address: string;
  /** Name of the server behind it, if known. */
  server: string | undefined;
  base: number;
  /** Effective weight: 1..base. */
  weight: number;
  /** Share of the calls it should get: 0..1. */
  share: number;
  state: 'live' | 'connecting' | 'draining' | 'suspended' | 'stale';
  inFlight: number;
  /** What the gateway says of its weight or of the missing connection. */
  cause: string | null;
}
