import type { Encoded, Reply } from '../core/call.ts';

/** What a gateway asks of a client: calls of methods whose contract it does not know, in bytes that it does not look into. */
export interface RawClient {
  /**
   * Resolves with the answer, whose output is `Encoded` JSON where it came as bytes, and any JSON value else. The bytes are
   * the caller's from then on. Rejects with an RpcError: at the latest when the time is up, or when the signal is aborted.
   */
  call(call: RawCall): Promise<Reply>;
  /** What `/nodes` shows. It holds no secret. */
  nodes(): RawNodes;
  /** True while some server can be reached. */
  readonly ready: boolean;
}

/** What the gateway itself reads of it: whether the registry is known, and to hold no server. */
export interface RawNodes {
  registry: { state: string };
  nodes: readonly unknown[];
}

export interface RawCall {
  /** Default: the service that the client is for. */
  service?: string;
  method: string;
  /** Valid JSON, a message in another codec, or a value; `undefined` where there is none. */
  input: unknown | Encoded;
  /** How long to wait for the answer, ms; 1..2^31-1. Default: what the client is set to. */
  timeout?: number;
  /** Aborted, with the RpcError that says why, when nobody waits for the answer any more. */
  signal: AbortSignal;
  /** The output is wanted as bytes, where the server's answer has it in JSON. */
  wantsEncoded: boolean;
  /** Refuse, as FAILED_PRECONDITION, reason NOT_IDEMPOTENT, unsent, a method that is not known to be idempotent. */
  onlyIdempotent?: boolean;
  /** Text beside the call. */
  metadata?: Readonly<Record<string, string>>;
  /** The caller's promise that the server does the work only once for this key. */
  idempotencyKey?: string;
  /** How many nodes the call may reach; 1..1,000. Default: what the client is set to. */
  attempts?: number;
  /** What the balancer `hash` goes by. */
  hashKey?: string;
}
