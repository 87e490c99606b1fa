import type { Handler } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { RpcError } from '../core/error.ts';
import { runFor } from '../core/inherit.ts';
import type { Log } from '../core/log.ts';
import { freshId } from '../core/random.ts';
import type { IncomingCall } from '../transport/incoming.ts';
import { type Listener, listen } from '../transport/listen.ts';
import { tcp } from '../transport/network.ts';
import type { Hello, MethodFacts } from '../wire/hello.ts';
import { type Limits, limits } from '../wire/limits.ts';
import type { RawCall, RawClient } from './raw-client.ts';

export interface RpcEntryOptions {
  listen: { host: string; port: number };
  client: RawClient & { methods(): Readonly<Record<string, MethodFacts>> };
  /** What the entry says it serves. */
  service: () => string;
  clock: Clock;
  log: Log;
  limits?: Partial<Limits>;
}

/**
 * Takes classic and framed calls for clients that know no registry, and makes them as the gateway makes its own. Messages
 * pass without a look inside. An entry is a server: it drains like one.
 */
export function startRpcEntry(options: RpcEntryOptions): Promise<Listener> {
  const { client, clock, log } = options;
  const filled = limits(options.limits);
  const instance = freshId();
  const forward: Handler = (incoming) => {
    const call = incoming as IncomingCall;
    const framed = call.codec !== undefined;
    const controller = new AbortController();
    call.onCancel((cause: RpcError) => controller.abort(cause));
    const outgoing: RawCall = {
      method: call.method,
      input: call.payload as RawCall['input'],
      signal: controller.signal,
      metadata: call.metadata,
      wantsEncoded: framed,
    };
    if (framed) {
      outgoing.service = call.service;
      outgoing.timeout = Math.max(1, Math.min(call.deadline - clock.now(), 2 ** 31 - 1));
    }
    const key = call.metadata['idempotency-key'];
    if (key !== undefined) outgoing.idempotencyKey = key;
    // What is called from here is a link of the same chain: one deadline, and only one link of it repeats.
    return runFor(call, () => client.call(outgoing));
  };
  const hello = (): Hello => ({
    version: 1,
    service: options.service(),
    instance,
    worker: { index: 0, of: 1 },
    state: 'serving',
    limits: { message: filled.message, metadata: filled.metadata, calls: filled.calls },
    methods: client.methods(),
    features: [],
  });
  return listen({
    network: tcp,
    at: options.listen,
    handler: forward,
    clock,
    limits: filled,
    log,
    hello,
    load: () => ({ inFlight: 0, queued: 0 }),
  });
}
