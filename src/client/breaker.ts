import type { Call, Handler, Layer, Reply } from '../core/call.ts';
import { type Clock, isoTime } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { Random } from '../core/random.ts';
import { Breaker, type BreakerState, type CallFailure } from '../policy/breaker.ts';
import type { BreakerOptions } from '../policy/breaker-options.ts';
import { callEnd } from '../policy/call-end.ts';

export interface BreakerParts {
  clock: Clock;
  random: Random;
  options: BreakerOptions;
  /** How long calls wait out an outage of all servers, ms. */
  patience: number;
  isMethod(name: string): boolean;
  /** True if there is a server that a call could be sent to now. */
  reachable(): boolean;
  /** True if there is one that is not this node. */
  hasOther(node: string): boolean;
  onState(method: string, state: BreakerState): void;
  onRejected(method: string): void;
}

/** Makes no calls of a method while nearly all of them fail, but for one at a time as a trial (`policy/breaker.ts`). */
export function breaking(parts: BreakerParts): Layer {
  const circuits = new Map<string, Circuit>();
  const circuitOf = (method: string): Circuit | undefined => {
    let circuit = circuits.get(method);
    if (circuit === undefined && parts.isMethod(method)) {
      circuit = new Circuit(method, parts);
      circuits.set(method, circuit);
    }
    return circuit;
  };
  return (next) => (call) => {
    // Who asks whether the service is well again must get through to it.
    const circuit = call.method === 'health' ? undefined : circuitOf(call.method);
    return circuit === undefined ? next(call) : circuit.make(call, next);
  };
}

/** True if the caller cancelled the call: its time was not over. */
export function givenUp({ cancelled }: Call): boolean {
  return cancelled !== undefined && cancelled.code !== 'DEADLINE_EXCEEDED';
}

/** The circuit of one method. */
class Circuit {
  readonly #method: string;
  readonly #parts: BreakerParts;
  readonly #breaker: Breaker;
  #lastError: RpcError | undefined;

  constructor(method: string, parts: BreakerParts) {
    this.#method = method;
    this.#parts = parts;
    this.#breaker = new Breaker(parts.options, parts.patience, parts.random);
  }

  async make(call: Call, next: Handler): Promise<Reply> {
    const breaker = this.#breaker;
    const { clock, onRejected, reachable } = this.#parts;
    const before = breaker.state;
    const said = breaker.admit(call.since, call.repeatable, reachable());
    if (said === 'reject') {
      onRejected(this.#method);
      throw this.#isOpen(call.since);
    }
    this.#tell(before);
    const trial = said === 'trial';
    let reply: Reply;
    try {
      reply = await next(call);
    } catch (thrown) {
      this.#failed(call, RpcError.from(thrown), trial);
      throw thrown;
    }
    const then = breaker.state;
    breaker.answered(clock.now(), trial);
    this.#tell(then);
    return reply;
  }

  #failed(call: Call, error: RpcError, trial: boolean): void {
    const breaker = this.#breaker;
    const before = breaker.state;
    const now = this.#parts.clock.now();
    const { since: startedAt, deadline } = call;
    const facts = { waited: now - startedAt, timeout: deadline - startedAt, givenUp: givenUp(call) };
    const end = callEnd(error, facts);
    if (end === 'unknown') breaker.unknown(now, trial);
    else if (end === 'answered') breaker.answered(now, trial);
    else {
      this.#lastError = error;
      const lost = error.reason === 'CONNECTION_LOST' ? 'lost' : 'other';
      const kind: CallFailure['kind'] = end === 'unreachable' ? end : lost;
      const node = onlyNode(error);
      const elsewhere = node !== undefined && this.#parts.hasOther(node);
      breaker.failed(now, { startedAt, cause: `${error.label}: ${error.message}`, kind, node, elsewhere }, trial);
    }
    this.#tell(before);
  }

  #tell(before: BreakerState): void {
    const { state } = this.#breaker;
    if (state.name !== before.name) this.#parts.onState(this.#method, state);
  }

  #isOpen(now: number): RpcError {
    const { clock } = this.#parts;
    const state = this.#breaker.state as Exclude<BreakerState, { name: 'closed' }>;
    const since = isoTime(clock.wallTime() - (clock.now() - state.since));
    const retryAfter = Math.max(0, Math.ceil(state.until - now));
    const next = state.name === 'open' ? `the next trial is in ${retryAfter} ms` : 'a trial is under way';
    return new RpcError(
      'UNAVAILABLE',
      `the circuit of "${this.#method}" is open since ${since} (${state.cause}): ${next}`,
      { reason: 'CIRCUIT_OPEN', stage: 'unsent', cause: this.#lastError, retryAfter },
    );
  }
}

/** The one node that a call was tried on. */
function onlyNode({ attempts }: RpcError): string | undefined {
  const node = attempts[0]?.node;
  return attempts.every((attempt) => attempt.node === node) ? node : undefined;
}
