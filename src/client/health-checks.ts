import { OutgoingCall } from '../core/call.ts';
import { type Clock, every, type Timer } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { jitter, type Random } from '../core/random.ts';
import type { Connection } from '../transport/connection.ts';

/** A node, as far as its checks need it. */
export interface CheckedNode {
  /** Connections that take calls: one to each of its worker processes. */
  readonly open: readonly Asked[];
}

type Asked = Pick<Connection, 'hello' | 'send'>;

export interface HealthCheckOptions {
  clock: Clock;
  random: Random;
  /** How often the node is asked, ms, +-20 %. 0: never. */
  healthInterval: number;
  /** How long its answer may take, ms. Never more than `healthInterval`. */
  healthTimeout: number;
}

export interface HealthCheckEvents {
  /** It said that it is not well, or was late. `since` is when it was asked. */
  onFault(error: RpcError, since: number): void;
  /** It can do its work. */
  onPass(): void;
}

/** What a check shows of the node. `nothing`: it was not sent, or its connection was lost, which is a fact of its own. */
type Verdict = { readonly kind: 'pass' } | { readonly kind: 'fault' | 'nothing'; readonly error: RpcError };

const spread = 0.2;
/** How late our own timers may be until we are taken to have stood still ourselves, ms. */
const slack = 50;
const pass: Verdict = { kind: 'pass' };

/**
 * Asks one node now and then whether it can do its work: by the method `health`, on one of its connections after the other,
 * so that each worker process has its turn. These calls go past balancer, budget, retries and the metrics of the user's
 * calls, and a server lets them in however full it is. A classic node has no such method, and is not asked.
 */
export class HealthChecks {
  readonly #node: CheckedNode;
  readonly #options: HealthCheckOptions;
  readonly #events: HealthCheckEvents;
  #timer: Timer | undefined;
  /** The check under way: there is one at a time. */
  #running: Promise<Verdict> | undefined;
  #cancel: (() => void) | undefined;
  #turn = 0;
  #stopped = false;

  constructor(node: CheckedNode, options: HealthCheckOptions, events: HealthCheckEvents) {
    this.#node = node;
    this.#options = options;
    this.#events = events;
  }

  /** Begins to ask, at a moment of the first interval: clients that came together shall not ask in step. */
  start(): void {
    const { clock, random, healthInterval } = this.#options;
    if (healthInterval === 0 || this.#stopped || this.#timer !== undefined) return;
    let first = true;
    const next = () => {
      const wait = first ? healthInterval * random() : jitter(healthInterval, spread, random);
      first = false;
      return wait;
    };
    this.#timer = every(clock, next, () => void this.#check());
  }

  /** Asks no more, and is not interested in the answer that is still to come. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#cancel?.();
  }

  /**
   * One call now, or the one under way: whether a node that failed works again. A classic one is asked by `ping`, and any
   * answer will do. Resolves with what is wrong, or undefined. Never rejects, and no event tells of it.
   */
  async probe(timeout = this.#options.healthTimeout): Promise<string | undefined> {
    const { open } = this.#node;
    if (this.#stopped || open.length === 0) return 'not connected';
    const verdict = await (this.#running ?? this.#ask(open, timeout));
    return verdict.kind === 'pass' ? undefined : `${verdict.error.label}: ${verdict.error.message}`;
  }

  async #check(): Promise<void> {
    const framed = this.#node.open.filter(({ hello }) => hello !== undefined);
    if (framed.length === 0 || this.#running !== undefined) return;
    const since = this.#options.clock.now();
    const verdict = await this.#ask(framed, this.#options.healthTimeout);
    if (this.#stopped) return;
    if (verdict.kind === 'pass') this.#events.onPass();
    else if (verdict.kind === 'fault') this.#events.onFault(verdict.error, since);
  }

  #ask(connections: readonly Asked[], timeout: number): Promise<Verdict> {
    const connection = connections[this.#turn++ % connections.length]!;
    const { clock } = this.#options;
    const call = checkOf(connection, clock.now(), timeout);
    const timer = whenLate(clock, timeout, () => call.cancel(late(timeout)));
    this.#cancel = () => call.cancel(new RpcError('CANCELLED', 'the client is closed'));
    this.#running = connection
      .send(call, call.since)
      .then(
        () => pass,
        (thrown) => verdictOf(RpcError.from(thrown), call, connection),
      )
      .finally(() => {
        timer.cancel();
        this.#running = undefined;
        this.#cancel = undefined;
      });
    return this.#running;
  }
}

function checkOf({ hello }: Asked, since: number, timeout: number): OutgoingCall {
  return new OutgoingCall({
    service: hello?.service ?? '',
    method: hello === undefined ? 'ping' : 'health',
    input: null,
    since,
    deadline: since + timeout,
    repeatable: true,
  });
}

/**
 * Calls back when the time is over, and what came in until then has been read. Our own process may have stood still (frozen,
 * or busy itself), and its timers fire before it reads: then it gets one more turn to read.
 */
function whenLate(clock: Clock, timeout: number, callback: () => void): Timer {
  const due = clock.now() + timeout;
  let timer = clock.timer(timeout, () => {
    if (clock.now() - due > slack) timer = clock.timer(slack, callback);
    else callback();
  });
  return { cancel: () => timer.cancel() };
}

function late(timeout: number): RpcError {
  return new RpcError('DEADLINE_EXCEEDED', `no answer within ${timeout} ms`);
}

function verdictOf(error: RpcError, call: OutgoingCall, { hello }: Asked): Verdict {
  if (call.cancelled !== undefined) {
    return { kind: call.cancelled.code === 'DEADLINE_EXCEEDED' ? 'fault' : 'nothing', error };
  }
  if (error.stage !== 'answered') return { kind: 'nothing', error };
  // Any answer shows that a classic server serves; and one of ours that is too old to know the method, or foreign.
  if (hello === undefined) return pass;
  const lacksIt = error.code === 'UNIMPLEMENTED' && !Object.hasOwn(hello.methods, 'health');
  return lacksIt ? pass : { kind: 'fault', error };
}
