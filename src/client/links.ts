import type { Duplex } from 'node:stream';
import type { Timer } from '../core/clock.ts';
import { address, type Endpoint } from '../core/endpoint.ts';
import { RpcError } from '../core/error.ts';
import type { ReportedLoad } from '../core/load.ts';
import { backoff } from '../policy/backoff.ts';
import type { Connection } from '../transport/connection.ts';
import { dial } from '../transport/dial.ts';
import type { Network } from '../transport/network.ts';
import type { Hello } from '../wire/hello.ts';
import { HealthChecks } from './health-checks.ts';
import type { LinksEvents, NodeLinks } from './node-links.ts';
import type { FilledConnectOptions } from './options.ts';

const reconnect = { base: 50, max: 2_000 };
/** After so many dials for each worker process, a client lives with the ones it reached, and tries again later. */
const dialsPerWorker = 4;
const tryAgainAfter = 30_000;
/** More workers than this no server has, whatever it says: each is a connection here. */
const mostWorkers = 1_024;
/** A connection that lived this long was a real one: the next failure begins the backoff anew, ms. */
const livedAfter = reconnect.max;
/** How long calls on a connection that drains may go on, ms. Their own deadlines are what really ends them. */
const drainGrace = 600_000;

/**
 * The connections to one node: one to each of its worker processes, as each says in HELLO which it is. Lost ones are made
 * again, with a backoff; one that drains is left as soon as its calls are done.
 */
export class Links implements NodeLinks {
  readonly endpoint: Endpoint;
  /** Why the last dial failed, or the last connection ended, until a dial succeeds. */
  lastError: RpcError | undefined;
  /** When it is dialled again (on the clock, ms); undefined while it is being dialled, or nothing is missing. */
  nextDial: number | undefined;
  /** True once a server has answered here. */
  reached = false;
  /** True if the server was last heard to say that it goes away. */
  #saidDrain = false;
  readonly #options: FilledConnectOptions & { service: string | undefined };
  readonly #events: LinksEvents;
  readonly #open: Connection[] = [];
  readonly #draining = new Set<Connection>();
  #workers: number;
  #failures = 0;
  /** Dials since the last time that a new worker was reached. */
  #idleDials = 0;
  /** The stream of the dial under way. */
  #dialling: Duplex | undefined;
  readonly #checks: HealthChecks;
  readonly #network: Network;
  #timer: Timer | undefined;
  #stopped = false;
  /** When the newest connection was made. */
  #dialledAt = 0;

  constructor(
    endpoint: Endpoint,
    options: FilledConnectOptions & { service: string | undefined },
    events: LinksEvents,
  ) {
    this.endpoint = endpoint;
    this.#options = options;
    this.#events = events;
    this.#checks = new HealthChecks({ open: this.#open }, options, {
      onFault: (error, since) => events.onFault('health', error, since),
      onPass: () => events.onPass(),
    });
    this.#workers = endpoint.protocol === 'classic' ? 1 : endpoint.workers;
    const { network } = options;
    this.#network = {
      connect: (host, port) => {
        this.#dialling = network.connect(host, port);
        return this.#dialling;
      },
      listen: (at, onStream) => network.listen(at, onStream),
    };
  }

  /** Connections that take calls. */
  get open(): readonly Connection[] {
    return this.#open;
  }

  get live(): boolean {
    return this.#open.length > 0;
  }

  get ways(): number {
    return this.#open.length;
  }

  get redundant(): boolean {
    return this.live;
  }

  get saysDrain(): boolean {
    return this.endpoint.protocol === 'framed';
  }

  get hello(): Hello | undefined {
    return this.#open[0]?.hello;
  }

  /** True if the server wants no new calls and no connection takes any. */
  get draining(): boolean {
    return this.#open.length === 0 && this.#draining.size > 0;
  }

  /** True if the server has said that it goes away, and nothing is left of it. */
  get departed(): boolean {
    return this.#saidDrain && this.#open.length === 0 && this.#draining.size === 0;
  }

  /** Calls that the node may still be working on. */
  get inFlight(): number {
    let sum = 0;
    for (const connection of this.#open) sum += connection.inFlight;
    if (this.#draining.size > 0) for (const connection of this.#draining) sum += connection.inFlight;
    return sum;
  }

  /** True if some connection's heartbeats answer. */
  get alive(): boolean {
    return this.#open.some((connection) => !connection.heartbeatOverdue);
  }

  get faltering(): boolean {
    return this.#open.some((connection) => connection.heartbeatOverdue);
  }

  get loads(): readonly ReportedLoad[] {
    return this.#open.map(({ load }) => load).filter((load) => load !== undefined);
  }

  /** The open connection with the fewest calls at work. There must be one. */
  least(): Connection {
    let best = this.#open[0]!;
    for (let i = 1; i < this.#open.length; i++) if (this.#open[i]!.inFlight < best.inFlight) best = this.#open[i]!;
    return best;
  }

  probe(timeout: number): Promise<string | undefined> {
    return this.#checks.probe(timeout);
  }

  start(delay = 0): void {
    this.#checks.start();
    if (delay === 0) void this.#dial();
    else this.#later(delay);
  }

  hurry(): void {
    // One that is somebody else is not asked again for a while.
    if (!this.live && this.lastError?.reason !== 'STALE') void this.#dial();
  }

  /** Makes no new connections, lets the calls at work finish for at most `grace` ms. Never rejects. */
  async stop(grace: number): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#checks.stop();
    this.#dialling?.destroy();
    for (const connection of this.#open.splice(0)) this.#draining.add(connection);
    // Also a second time: the shortest grace counts.
    await Promise.all(Array.from(this.#draining, (connection) => connection.close(grace)));
  }

  async #dial(): Promise<void> {
    if (this.#dialling !== undefined || this.#stopped || this.#open.length >= this.#workers) return;
    this.#timer?.cancel();
    this.nextDial = undefined;
    const since = this.#options.clock.now();
    let connection: Connection | undefined;
    try {
      connection = await dial(
        this.endpoint,
        { ...this.#options, network: this.#network },
        {
          onDrain: () => this.#onDrain(connection),
          onClose: (cause) => this.#onClose(connection, cause),
        },
      );
      this.#dialling = undefined;
      this.#onDialled(connection, since);
    } catch (error) {
      this.#dialling = undefined;
      this.#onFailed(RpcError.from(error), since);
    }
  }

  #onDialled(connection: Connection, since: number): void {
    if (this.#stopped) {
      void connection.close(0);
      return;
    }
    // It said HELLO and was gone before we could look.
    if (connection.state === 'closed') return this.#onFailed(closedAtOnce(this.endpoint), since);
    this.reached = true;
    this.lastError = undefined;
    this.#dialledAt = this.#options.clock.now();
    this.#workers = Math.min(Math.max(1, connection.hello?.worker.of ?? 1), mostWorkers);
    if (connection.state === 'draining') {
      this.#leave(connection);
      this.#later(reconnect.max);
      return;
    }
    if (this.#isTwin(connection)) {
      this.#idleDials++;
      void connection.close(0);
    } else {
      this.#idleDials = 0;
      this.#saidDrain = false;
      this.#open.push(connection);
      if (this.#open.length === 1) this.#events.onChange();
    }
    if (this.#open.length >= this.#workers) return;
    if (this.#idleDials === 0) void this.#dial();
    // The one that is missing may be starting: it is given time.
    else if (this.#idleDials < dialsPerWorker * this.#workers) this.#later(this.#pause(this.#idleDials));
    else {
      this.#idleDials = 0;
      this.#later(tryAgainAfter);
    }
  }

  /** True if there is a connection to the same worker process already. */
  #isTwin(connection: Connection): boolean {
    const index = connection.hello?.worker.index;
    return index !== undefined && this.#open.some((other) => other.hello?.worker.index === index);
  }

  #onFailed(error: RpcError, since: number): void {
    if (this.#stopped) return;
    this.lastError = error;
    this.#failures++;
    // A worker that cannot be reached while others answer is the server's own affair.
    if (this.#open.length === 0) this.#events.onFault('refused', error, since);
    this.#later(error.reason === 'STALE' ? tryAgainAfter : this.#pause(this.#failures));
  }

  #pause(failures: number): number {
    return backoff(failures, reconnect, this.#options.random);
  }

  #onDrain(connection: Connection | undefined): void {
    // While dialling, `#onDialled` sees it by the connection's state.
    if (connection === undefined || !this.#remove(connection)) return;
    this.#leave(connection);
    this.#events.onChange();
    this.#later(reconnect.max);
  }

  /** Lets the calls on a connection finish, then closes it. */
  #leave(connection: Connection): void {
    this.#saidDrain = true;
    this.#draining.add(connection);
    void connection.close(drainGrace).then(() => this.#draining.delete(connection));
  }

  #onClose(connection: Connection | undefined, cause: RpcError): void {
    if (connection === undefined) return;
    if (this.#draining.delete(connection)) {
      this.#events.onChange();
      return;
    }
    if (!this.#remove(connection) || this.#stopped) return;
    const now = this.#options.clock.now();
    if (now - this.#dialledAt >= livedAfter) this.#failures = 0;
    this.lastError = cause;
    this.#failures++;
    if (this.#open.length === 0) {
      // First out of the pick: whoever hears of the fault may make a call.
      this.#events.onChange();
      this.#events.onFault('lost', cause, now);
    }
    this.#later(this.#pause(this.#failures));
  }

  #remove(connection: Connection): boolean {
    const index = this.#open.indexOf(connection);
    if (index < 0) return false;
    this.#open.splice(index, 1);
    return true;
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.nextDial = this.#options.clock.now() + ms;
    this.#timer = this.#options.clock.timer(ms, () => void this.#dial());
  }
}

function closedAtOnce(endpoint: Endpoint): RpcError {
  return new RpcError('UNAVAILABLE', `cannot connect to ${address(endpoint)}: it closed the connection at once`, {
    reason: 'CONNECT_FAILED',
    stage: 'unsent',
  });
}
