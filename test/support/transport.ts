/** Both ends of connections in memory, on a virtual clock. */
import type { TestContext } from 'node:test';
import { type Call, type CallFacts, type Handler, OutgoingCall, type Reply } from '../../src/core/call.ts';
import { endpoint } from '../../src/core/endpoint.ts';
import type { RpcError } from '../../src/core/error.ts';
import type { Log } from '../../src/core/log.ts';
import { seeded } from '../../src/core/random.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import type { Connection } from '../../src/transport/connection.ts';
import { type DialOptions, dial } from '../../src/transport/dial.ts';
import { heartbeatDefaults } from '../../src/transport/heartbeat.ts';
import { type Listener, type ListenOptions, listen } from '../../src/transport/listen.ts';
import { MemoryNetwork } from '../../src/transport/memory.ts';
import type { Hello } from '../../src/wire/hello.ts';
import { type Limits, limits } from '../../src/wire/limits.ts';
import { RawPeer, usualHello } from './raw-peer.ts';

/** A log that keeps its lines: `debug closed a connection: ...`. */
export function keptLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (_facts: object, message: string) => void lines.push(`${level} ${message}`);
  const log: Log = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: () => log,
  };
  return { log, lines };
}

export const echo: Handler = (call) => ({ output: call.input });

/** A handler whose calls are answered by the test, in the order it likes. */
export class Desk {
  readonly calls: Call[] = [];
  readonly #open = new Map<Call, PromiseWithResolvers<Reply>>();

  readonly handler: Handler = (call) => {
    const answer = Promise.withResolvers<Reply>();
    this.calls.push(call);
    this.#open.set(call, answer);
    return answer.promise;
  };

  /** Answers the call of that index with its input, or with `output`. */
  answer(index: number, ...output: [unknown?]): void {
    const call = this.calls[index]!;
    this.#open.get(call)!.resolve({ output: output.length > 0 ? output[0] : call.input });
  }

  fail(index: number, error: unknown): void {
    this.#open.get(this.calls[index]!)!.reject(error);
  }
}

/** A clock that may go on while nothing of this process runs, as when it is frozen: then all that is due is late. */
export class StoppableClock extends VirtualClock {
  #stopped = 0;

  override now(): number {
    return super.now() + this.#stopped;
  }

  stop(ms: number): void {
    this.#stopped += ms;
  }
}

export interface World {
  clock: StoppableClock;
  network: MemoryNetwork;
  listener: Listener;
  /** What the server logged. */
  lines: string[];
  /** A client by hand. */
  knock(reads?: boolean): RawPeer;
  /** A client of ours. */
  dial(changes?: Partial<DialOptions> & { protocol?: 'framed' | 'classic'; id?: string }): Promise<OurClient>;
  /** Lets all that is ready run. */
  settle(): Promise<void>;
}

/** A connection of ours, and what it said. */
export interface OurClient {
  connection: Connection;
  drains: number;
  causes: RpcError[];
}

export interface WorldOptions {
  handler?: Handler;
  limits?: Partial<Limits>;
  hello?: () => Hello;
  network?: MemoryNetwork;
  unread?: number;
  at?: { host: string; port: number };
}

export async function world(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const clock = new StoppableClock();
  const { network = new MemoryNetwork(), at = { host: 'server', port: 1 } } = options;
  const { log, lines } = keptLog();
  const listenOptions: ListenOptions = {
    network,
    clock,
    log,
    at,
    limits: limits(options.limits),
    handler: options.handler ?? echo,
    hello: options.hello ?? (() => usualHello as Hello),
    load: () => ({ inFlight: listener.inFlight, queued: 0 }),
    ...(options.unread === undefined ? {} : { unread: options.unread }),
  };
  const listener = await listen(listenOptions);
  t.after(() => listener.destroy());
  return {
    clock,
    network,
    listener,
    lines,
    knock: (reads) => new RawPeer(network.connect('server', 1), reads),
    dial: (changes) => connected(network, clock, changes),
    settle: () => clock.run(0),
  };
}

/** Dials `server:1`, and keeps what becomes of the connection. */
export async function connected(
  network: MemoryNetwork,
  clock: VirtualClock,
  changes: Partial<DialOptions> & { protocol?: 'framed' | 'classic'; id?: string } = {},
): Promise<OurClient> {
  const { protocol = 'framed', id, ...given } = changes;
  const to = endpoint({ host: 'server', port: 1, protocol, ...(id === undefined ? {} : { id }) });
  const ours: Omit<OurClient, 'connection'> = { drains: 0, causes: [] };
  const dialled = dial(
    to,
    {
      network,
      clock,
      random: seeded(1),
      limits: limits(),
      // Tests of liveness count PINGs: the question for load is asked where it is tested.
      heartbeat: { ...heartbeatDefaults, loadEvery: 0 },
      helloTimeout: 1_000,
      service: 'test',
      ...given,
    },
    {
      onDrain: () => void ours.drains++,
      onClose: (cause) => void ours.causes.push(cause),
    },
  );
  dialled.catch(() => {});
  await clock.run(0);
  return Object.assign(ours, { connection: await dialled });
}

/** A call as a client makes it. */
export function outgoing(input: unknown, facts: Partial<CallFacts> = {}): OutgoingCall {
  return new OutgoingCall({
    service: 'test',
    method: 'echo',
    input,
    since: 0,
    deadline: Number.POSITIVE_INFINITY,
    repeatable: false,
    ...facts,
  });
}

/** What becomes of a promise, to be looked at without waiting. */
export interface Watched<T> {
  state: 'pending' | 'fulfilled' | 'rejected';
  value?: T;
  error?: RpcError;
}

export function watched<T>(promise: Promise<T>): Watched<T> {
  const seen: Watched<T> = { state: 'pending' };
  promise.then(
    (value) => Object.assign(seen, { state: 'fulfilled', value }),
    (error) => Object.assign(seen, { state: 'rejected', error }),
  );
  return seen;
}

/** A server by hand at `server:1`: what it says is up to the test. */
export async function rawServer(
  reads = true,
): Promise<{ network: MemoryNetwork; clock: StoppableClock; peers: RawPeer[] }> {
  const network = new MemoryNetwork();
  const peers: RawPeer[] = [];
  await network.listen({ host: 'server', port: 1 }, (stream) => void peers.push(new RawPeer(stream, reads)));
  return { network, clock: new StoppableClock(), peers };
}
