import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Encoded, type Handler, type Reply } from '../core/call.ts';
import type { HandlerContext, Method, ServiceModule } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { runFor } from '../core/inherit.ts';
import type { Log } from '../core/log.ts';
import type { IncomingCall } from '../transport/incoming.ts';
import { codecByName } from '../wire/codec.ts';

/** Runs the handler of a method: in this thread, or in another (`threads.ts`). */
export type Invoke = (method: string, input: unknown, context: HandlerContext) => unknown;

/**
 * The innermost handler: finds the method, checks what goes in and out, and makes of what is thrown what may be said.
 * @param health answers the built-in method, beside the event loop whatever runs the others (`health.ts`)
 */
export function dispatch(
  module: Pick<ServiceModule, 'service'>,
  invoke: Invoke,
  health: () => unknown,
  log: Log,
): Handler {
  const { service } = module;
  const methods = new Map<string, Method>(Object.entries(service.methods));

  const run = (call: IncomingCall): unknown => {
    if (call.service !== service.name) throw unknownService(call.service, service.name);
    if (call.method === 'health') return health();
    const method = methods.get(call.method);
    if (method === undefined) throw unknownMethod(call.method, service.name, methods.keys());
    call.repeatable = method.idempotent;
    const input = check(method.input, spread(method, inputOf(call)), 'input');
    const output = whenReady(input, (value) => {
      if (call.cancelled !== undefined) throw call.cancelled;
      return settled(invoke(call.method, value, new Context(call, log)));
    });
    return whenReady(output, (value) => check(method.output, value, 'output'));
  };

  return (incoming) => {
    const call = incoming as IncomingCall;
    const reply = (output: unknown): Reply => {
      call.ended = true;
      return { output };
    };
    const fail = (thrown: unknown): never => {
      call.ended = true;
      throw answer(thrown, call, log);
    };
    let output: unknown;
    try {
      // Several callers may share one health check: what it calls in its turn belongs to none of them.
      output = call.method === 'health' ? run(call) : runFor(call, () => run(call));
    } catch (thrown) {
      return fail(thrown);
    }
    return output instanceof Promise ? output.then(reply, fail) : reply(output);
  };
}

/** What a handler sees of its call. */
class Context implements HandlerContext {
  readonly #call: IncomingCall;
  readonly #log: Log;
  constructor(call: IncomingCall, log: Log) {
    this.#call = call;
    this.#log = log;
  }
  get signal() {
    return this.#call.signal;
  }
  get deadline() {
    return this.#call.deadline;
  }
  get metadata() {
    return this.#call.metadata;
  }
  get peer() {
    return this.#call.peer;
  }
  get log() {
    return this.#log.child({ method: this.#call.method, peer: this.#call.peer.address });
  }
}

/** `then` without a promise where there is none: most handlers and schemas answer at once. */
function whenReady(value: unknown, next: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** A query builder, or a promise of another realm, is awaited as `await` would. */
function settled(output: unknown): unknown {
  if (output instanceof Promise || typeof output !== 'object' || output === null) return output;
  return typeof (output as { then?: unknown }).then === 'function' ? Promise.resolve(output) : output;
}

function inputOf(call: IncomingCall): unknown {
  const { input } = call;
  return input instanceof Encoded
    ? codecByName(input.codec).decode(Buffer.from(input.bytes), 0, input.bytes.length, 64)
    : input;
}

function spread(method: Method, input: unknown): unknown {
  if (method.positional === undefined || !Array.isArray(input)) return input;
  if (input.length > method.positional.length) {
    const expected = method.positional.join(', ');
    throw new RpcError(
      'INVALID_ARGUMENT',
      `input: ${input.length} values, expected at most ${method.positional.length}: ${expected}`,
    );
  }
  return Object.fromEntries(input.map((value, i) => [method.positional![i], value]));
}

/** A caller's mistake is INVALID_ARGUMENT; a handler that breaks its own contract is INTERNAL. */
function check(schema: StandardSchemaV1 | undefined, value: unknown, side: 'input' | 'output'): unknown {
  if (schema === undefined) return value;
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((r) => unwrap(r, side)) : unwrap(result, side);
}

function unwrap(result: StandardSchemaV1.Result<unknown>, side: 'input' | 'output'): unknown {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, 5).map((issue) => {
    const path = (issue.path ?? []).map((key) => String(typeof key === 'object' ? key.key : key));
    return `${[side, ...path].join('.')}: ${issue.message}`;
  });
  if (side === 'input') throw new RpcError('INVALID_ARGUMENT', issues.join('; '));
  throw new BrokenContract(issues.join('; '));
}

/** What a handler gave is not what its contract says. */
class BrokenContract extends RpcError {
  constructor(issues: string) {
    super('INTERNAL', `the handler broke its contract: ${issues}`, { mayHaveExecuted: true });
  }
}

/**
 * What the caller is told. An RpcError is an answer as it is, less what only this process may act on: that a call which
 * the handler made itself was not sent says nothing about the handler, which has run. Anything else that is thrown after the
 * call was cancelled comes of that, as far as anybody can know.
 */
function answer(thrown: unknown, call: IncomingCall, log: Log): RpcError {
  const about = { method: call.method, peer: call.peer.address };
  if (thrown instanceof BrokenContract) log.error({ ...about, why: thrown.message }, 'a handler broke its contract');
  if (RpcError.is(thrown))
    return thrown.stage === 'answered' && thrown.attempts.length === 0
      ? thrown
      : thrown.with({ stage: 'answered', attempts: [] });
  const facts = { err: thrown, ...about };
  if (call.cancelled !== undefined) {
    // As a rule an AbortError: the handler heeded its signal, as it should. Nobody waits for the answer.
    log.debug(facts, 'a handler ended because its call was cancelled');
    return call.cancelled.with({ stage: 'answered', mayHaveExecuted: true });
  }
  log.error(facts, 'a handler threw something that is no RpcError');
  return RpcError.from(thrown);
}

function unknownService(name: string, own: string): RpcError {
  return new RpcError('UNIMPLEMENTED', `service "${name}" is not served here: this is "${own}"`);
}

function unknownMethod(name: string, service: string, known: Iterable<string>): RpcError {
  const list = [...known, 'health'].join(', ');
  return new RpcError('UNIMPLEMENTED', `"${service}" has no method "${name}": expected ${list}`);
}
