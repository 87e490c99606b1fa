import { type Call, Cancellable, type Metadata, noMetadata } from '../core/call.ts';
import type { Peer } from '../core/contract.ts';
import { type CallMessage, encodedValue, readValue } from '../wire/message.ts';

/** A call as a server gets it. Its message is decoded when it is asked for: who refuses a call need not read it. */
export class IncomingCall extends Cancellable implements Call {
  readonly service: string;
  readonly method: string;
  readonly since: number;
  readonly deadline: number;
  readonly attempt: number;
  readonly metadata: Metadata;
  readonly peer: Peer;
  readonly wantsEncoded = false;
  /** The server knows the contract and sets it. */
  repeatable = false;
  readonly #message: CallMessage | undefined;
  readonly #depth: number;
  #input: unknown;
  #decoded = false;

  private constructor(
    facts: {
      service: string;
      method: string;
      attempt: number;
      metadata: Metadata;
      since: number;
      deadline: number;
      peer: Peer;
    },
    message: CallMessage | undefined,
    depth: number,
  ) {
    super();
    this.service = facts.service;
    this.method = facts.method;
    this.attempt = facts.attempt;
    this.metadata = facts.metadata;
    this.since = facts.since;
    this.deadline = facts.deadline;
    this.peer = facts.peer;
    this.#message = message;
    this.#depth = depth;
  }

  static framed(message: CallMessage, now: number, peer: Peer, depth: number): IncomingCall {
    const { service, method, attempt, metadata } = message;
    return new IncomingCall(
      { service, method, attempt, metadata, since: now, deadline: now + message.remaining, peer },
      message,
      depth,
    );
  }

  /** A classic call names no service and has no deadline. */
  static classic(facts: { service: string; method: string; input: unknown }, since: number, peer: Peer): IncomingCall {
    const { service, method } = facts;
    const deadline = Number.POSITIVE_INFINITY;
    const call = new IncomingCall(
      { service, method, attempt: 1, metadata: noMetadata, since, deadline, peer },
      undefined,
      0,
    );
    call.#input = facts.input;
    call.#decoded = true;
    return call;
  }

  /** Throws INVALID_ARGUMENT if the message cannot be read. */
  get input(): unknown {
    if (!this.#decoded) {
      this.#input = readValue(this.#message!, this.#depth);
      this.#decoded = true;
    }
    return this.#input;
  }

  /** The input without a look inside, where it came in a codec; the value itself where it did not. */
  get payload(): unknown {
    return this.#message === undefined ? this.#input : encodedValue(this.#message);
  }

  /** What the reply is encoded with. */
  get codec() {
    return this.#message?.codec;
  }
}
