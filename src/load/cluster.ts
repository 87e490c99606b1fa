/**
 * What a scenario is played on: servers that can be scaled and hurt, a gateway that calls them, a registry between them.
 * The same few words for processes of this machine (`local/`) and for pods.
 */
export interface Cluster {
  /** Where it runs, for people: `local processes`. */
  readonly kind: string;
  /** Base URL of a gateway. Known once `start` has resolved. */
  readonly gatewayUrl: string;

  /** Brings everything up with so many servers. Resolves when a gateway sees them all. */
  start(servers: number): Promise<void>;

  /** Wants so many servers from now on: new ones are started, or the newest told to stop (SIGTERM). */
  scale(servers: number): Promise<Deed>;
  /** Kills whole servers at once (SIGKILL), with calls in flight. The cluster replaces them, as a Deployment does. */
  kill(count: number): Promise<Deed>;
  /** Stops whole servers for so many ms (SIGSTOP), then lets them go on. */
  freeze(count: number, ms: number): Promise<Deed>;
  /** Takes all of ZooKeeper away for so many ms. */
  zookeeperAway(ms: number): Promise<Deed>;
  /** Replaces every server, one after the other: a new one first, then an old one goes. */
  rolling(): Promise<Deed>;

  /** What was seen last. Does no I/O. */
  state(): ClusterState;
  /** What happened that nobody ordered, e.g. a server that ended by itself. In order. */
  incidents(): readonly Incident[];
  /** Versions, machine, limits: what a reader needs to know to compare figures. */
  environment(): Record<string, string>;

  /** Ends all that it started, also when `start` failed or has not finished. */
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
  servers: readonly ServerState[];
  /** The servers as the gateway sees them; empty while it does not answer. */
  nodes: readonly NodeState[];
}

export interface ServerState {
  name: string;
  /** host:port */
  address: string;
  phase: 'starting' | 'ready' | 'unready' | 'stopping' | 'gone';
  /** When it was started, seen in the registry first, told to stop, ended; ms since 1970. */
  startedAt: number;
  registeredAt?: number;
  stoppedAt?: number;
  goneAt?: number;
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
