import type { Encoded, Reply } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import type { MethodFacts } from '../wire/hello.ts';
import { Caller } from './caller.ts';
import type { ClientEvents } from './events.ts';
import type { Node } from './node.ts';
import { type ConnectOptions, connectOptions } from './options.ts';
import type { NodesView } from './view.ts';

export interface RawCallFacts {
  /** Default: the service that the servers say they are. */
  service?: string;
  method: string;
  /** A value, or JSON bytes that are passed on as they are. */
  input: unknown | Encoded;
  timeout?: number;
  signal?: AbortSignal;
  metadata?: Readonly<Record<string, string>>;
  idempotencyKey?: string;
  /** How many nodes the call may reach. Default: the client's `attempts`; 1..1,000 or `Infinity`. */
  attempts?: number;
  /** With the balancer `hash`: calls of one key go to one node, as long as it is well. */
  hashKey?: string;
  /**
   * Refuses a method that is not known to be idempotent, with FAILED_PRECONDITION, reason NOT_IDEMPOTENT: for calls that
   * somebody on the way may repeat. Default false.
   */
  onlyIdempotent?: boolean;
  /** Whether the reply's output is wanted as `Encoded`. Default false. */
  wantsEncoded?: boolean;
}

/** A client that has no contract: what may be called, and which of it is idempotent, the servers say in HELLO. */
export interface RawClient extends AsyncDisposable {
  /** Makes a call. Rejects with an RpcError. Classic servers do not say what is idempotent: then nothing is. */
  call(facts: RawCallFacts): Promise<Reply>;
  nodes(): NodesView;
  /** True if some server has been reached. */
  readonly ready: boolean;
  /** The methods that the servers have. While they are of several versions, one is idempotent only if all of them say so. */
  methods(): Readonly<Record<string, MethodFacts>>;
  /** The service that the servers are, by what the last of them said. */
  readonly service: string | undefined;
  on<Name extends keyof ClientEvents>(name: Name, listener: (fact: ClientEvents[Name]) => void): () => void;
  close(grace?: number): Promise<void>;
}

/**
 * Connects without a contract: for gateways and the command line.
 * @param service the service that must be there; `undefined` takes any
 */
export function connectRaw(service: string | undefined, options: ConnectOptions): RawClient {
  let learnt: Learnt | undefined;
  let version = -1;
  const learn = () => {
    if (caller.nodes.version !== version) {
      version = caller.nodes.version;
      learnt = learnFrom(caller.nodes) ?? learnt;
    }
    return learnt;
  };
  const known = (name: string) => learnt !== undefined && Object.hasOwn(learnt.methods, name);
  const caller = new Caller(connectOptions(options), service, known);
  const close = (grace = 5_000) => caller.close(grace);

  const prepared = (facts: RawCallFacts) => {
    learn();
    const { service: name = service ?? learnt?.service ?? '', method } = facts;
    const repeatable = known(method) && learnt!.methods[method]!.idempotent;
    return { ...facts, service: name, repeatable };
  };
  return {
    async call(facts) {
      let call = prepared(facts);
      try {
        if (learnt === undefined && caller.nodes.live === 0) {
          // What a method is, the first server says: a call that comes earlier waits for it.
          const timeout = await caller.reach(call);
          call = { ...prepared(facts), timeout };
        }
        if (facts.onlyIdempotent && !call.repeatable) throw notIdempotent(facts.method, learnt);
        return await caller.call(call);
      } catch (error) {
        throw RpcError.from(error).of(call.service, call.method);
      }
    },
    nodes: () => caller.view(),
    get ready() {
      return caller.nodes.live > 0;
    },
    methods: () => learn()?.methods ?? {},
    get service() {
      return learn()?.service;
    },
    on: caller.events.on.bind(caller.events),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

function notIdempotent(method: string, learnt: Learnt | undefined): RpcError {
  const names = Object.entries(learnt?.methods ?? {}).flatMap(([name, { idempotent }]) => (idempotent ? name : []));
  const which = names.length === 0 ? 'no method is' : `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'}`;
  const message = `${JSON.stringify(method)} is not known to be idempotent: ${which}`;
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'NOT_IDEMPOTENT', stage: 'unsent' });
}

interface Learnt {
  service: string;
  methods: Readonly<Record<string, MethodFacts>>;
}

/** What the servers say together. While they are of several versions, a method may be repeated only if all of them say so. */
function learnFrom(nodes: Iterable<Node>): Learnt | undefined {
  let service: string | undefined;
  const methods: Record<string, MethodFacts> = Object.create(null);
  for (const { hello } of nodes) {
    if (hello === undefined) continue;
    service = hello.service;
    for (const [name, facts] of Object.entries(hello.methods)) {
      const idempotent = facts.idempotent && (methods[name]?.idempotent ?? true);
      methods[name] = { ...facts, idempotent };
    }
  }
  return service === undefined ? undefined : { service, methods };
}
