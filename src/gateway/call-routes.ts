import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Encoded, type Reply } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import type { Counter, Family, Gauge, Metrics } from '../core/metrics.ts';
import { json } from '../wire/codec.ts';
import type { Connections } from './connections.ts';
import { errorBody, httpStatus, jsonType } from './http-error.ts';
import type { GatewayLimits } from './limits.ts';
import type { RawCall, RawClient } from './raw-client.ts';

export interface CallRoutesOptions {
  client: RawClient;
  /** Service of `/call/:method`. Default: the one that the client is for. */
  service: string | undefined;
  limits: Pick<GatewayLimits, 'depth' | 'calls'>;
  metrics: Metrics;
  connections: Pick<Connections, 'closeAfter' | 'written'>;
}

interface Params {
  service?: string;
  method: string;
}

export const callPaths = [
  'POST /call/METHOD',
  'POST /call/SERVICE/METHOD',
  'GET /call/METHOD?input=JSON',
  'GET /call/SERVICE/METHOD?input=JSON',
];

/** The longest name of a service or a method. */
export const longestName = 128;

/** Up to how many bytes a body is copied to be written together with its head. */
const smallBody = 16_384;

const maxTimeout = 2 ** 31 - 1;
const mostAttempts = 1_000;

/** Adds the routes that make HTTP requests into calls. */
export class CallRoutes {
  readonly #options: CallRoutesOptions;
  readonly #calls = new Set<AbortController>();
  readonly #requests: Family<Counter>;
  readonly #ok: Counter;
  readonly #inFlight: Gauge;

  constructor(app: FastifyInstance, options: CallRoutesOptions) {
    this.#options = options;
    this.#requests = options.metrics.counter({
      name: 'evenkeel_gateway_requests_total',
      help: 'HTTP requests for calls that were answered, or left by the client (CANCELLED).',
      labels: ['code'],
    });
    this.#ok = this.#requests.with('OK');
    this.#inFlight = options.metrics
      .gauge({ name: 'evenkeel_gateway_calls_in_flight', help: 'Calls that wait for their answer.' })
      .with();
    for (const url of ['/call/:method', '/call/:service/:method']) {
      app.post(url, { onRequest: refuseForeign }, (request, reply) => this.#post(request, reply));
      app.get(url, { onRequest: refuseForeign }, (request, reply) => this.#get(request, reply));
    }
  }

  /** Calls that wait for their answer. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /** Gives up all calls: their clients are told so. */
  cancelAll(cause: RpcError): void {
    for (const controller of this.#calls) controller.abort(cause);
  }

  /** Answers with an error, and with `status` where the error's own word for HTTP is not the best one. */
  fail(reply: FastifyReply, error: RpcError, status = httpStatus(error.code)): void {
    this.#requests.with(error.code).add();
    if (error.retryAfter !== undefined) reply.header('retry-after', Math.ceil(error.retryAfter / 1_000));
    const { attempts } = error;
    const node = attempts.at(-1)?.node;
    if (isHeaderText(node)) reply.header('evenkeel-node', node);
    if (attempts.length > 0) reply.header('evenkeel-attempts', attempts.length);
    reply.code(status).header('content-type', jsonType).send(errorBody(error));
  }

  #post(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const body = request.body as Buffer | undefined;
    return this.#call(request, reply, body === undefined ? undefined : this.#encoded(body));
  }

  #get(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const query = request.query as Record<string, string | string[]>;
    for (const [name, value] of Object.entries(query)) {
      if (name !== 'input' || typeof value !== 'string') {
        throw new RpcError('INVALID_ARGUMENT', `the query has ${JSON.stringify(name)}: expected one "input", as JSON`);
      }
    }
    // It may be asked for by the same address again, and must then be called again.
    reply.header('cache-control', 'no-store');
    return this.#call(request, reply, this.#encoded(Buffer.from((query.input as string | undefined) ?? '')));
  }

  /** The bytes go on as they are. They are parsed only to be sure of them: a classic frame has them in the midst of its own. */
  #encoded(bytes: Buffer): Encoded | undefined {
    if (bytes.length === 0) return undefined;
    json.decode(bytes, 0, bytes.length, this.#options.limits.depth);
    return new Encoded('json', bytes);
  }

  async #call(request: FastifyRequest, reply: FastifyReply, input: Encoded | undefined): Promise<void> {
    const { client, limits } = this.#options;
    if (this.#calls.size >= limits.calls) {
      throw new RpcError('RESOURCE_EXHAUSTED', `the gateway is at work on ${limits.calls} calls, its limit`, {
        reason: 'OVERLOADED',
      });
    }
    const controller = new AbortController();
    const { signal } = controller;
    const call = this.#read(request, input, signal);
    const { raw } = reply;
    raw.on('close', () => {
      if (!raw.writableFinished) controller.abort(new RpcError('CANCELLED', 'the HTTP client went away'));
    });
    this.#calls.add(controller);
    this.#inFlight.set(this.#calls.size);
    let answer: Reply;
    try {
      answer = await client.call(call);
    } catch (cause) {
      const error = whyGivenUp(RpcError.from(cause), signal);
      throw isRefusedGet(error) ? new MethodNotAllowed(error) : error;
    } finally {
      this.#calls.delete(controller);
      this.#inFlight.set(this.#calls.size);
    }
    this.#succeed(request, reply, answer);
  }

  #read(request: FastifyRequest, input: Encoded | undefined, signal: AbortSignal): RawCall {
    const { service = this.#options.service, method } = request.params as Params;
    const { headers } = request;
    const call: RawCall = { method: checkName('method', method), input, signal, wantsEncoded: true };
    if (service !== undefined) call.service = checkName('service', service);
    const deadline = headers['evenkeel-deadline-ms'];
    if (deadline !== undefined) {
      call.timeout = readWhole('evenkeel-deadline-ms', deadline, 'of milliseconds ', maxTimeout);
    }
    const attempts = headers['evenkeel-max-attempts'];
    if (attempts !== undefined) call.attempts = readWhole('evenkeel-max-attempts', attempts, '', mostAttempts);
    const key = headers['idempotency-key'];
    if (key !== undefined) call.idempotencyKey = readKey('idempotency-key', key);
    const hashKey = headers['evenkeel-hash-key'];
    if (hashKey !== undefined) call.hashKey = readKey('evenkeel-hash-key', hashKey);
    // Who is between us and the caller (browsers, caches, crawlers) may make a GET of its own accord, and again.
    if (request.method === 'GET') call.onlyIdempotent = true;
    const metadata = readMetadata(headers);
    if (metadata !== undefined) call.metadata = metadata;
    return call;
  }

  /** Writes the answer past fastify, in one piece where it is small: two pieces cost a fifth more of a request's whole time. */
  #succeed(request: FastifyRequest, reply: FastifyReply, { output, node, attempts }: Reply): void {
    const body = jsonBytes(output);
    const headers = ['content-type', jsonType, 'content-length', String(body.length)];
    if (request.method === 'GET') headers.push('cache-control', 'no-store');
    if (isHeaderText(node)) headers.push('evenkeel-node', node);
    if (attempts !== undefined) headers.push('evenkeel-attempts', String(attempts));
    if (this.#options.connections.closeAfter(request.raw)) headers.push('connection', 'close');
    this.#ok.add();
    reply.hijack();
    reply.raw.writeHead(200, headers);
    // Latin 1 maps each byte to a character and back: the bytes stay what they are.
    if (body.length <= smallBody) reply.raw.end(body.toString('latin1'), 'latin1');
    else {
      reply.raw.end(body);
      this.#options.connections.written(reply.raw, body.length);
    }
  }
}

/** If we gave the call up, the error says why we did. How far the call had got is known to the client's error. */
function whyGivenUp(error: RpcError, signal: AbortSignal): RpcError {
  const { mayHaveExecuted, attempts } = error;
  return signal.aborted && RpcError.is(signal.reason) ? signal.reason.with({ mayHaveExecuted, attempts }) : error;
}

/** True if the client refused to call by GET what may not run twice. A server's own such words come as an answer. */
function isRefusedGet({ reason, stage }: RpcError): boolean {
  return reason === 'NOT_IDEMPOTENT' && stage === 'unsent';
}

/** Runs before the body is read. */
function refuseForeign(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const { headers } = request;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    done(new UnsupportedEncoding(encoding));
    return;
  }
  // A page on another site must not make its visitors call services that only their network reaches.
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    done(new RpcError('PERMISSION_DENIED', 'the request comes from a page of another origin'));
    return;
  }
  done();
}

/** A GET of what may not run twice. That is a 405, for which there is no code of ours. */
export class MethodNotAllowed extends RpcError {
  constructor({ code, reason, message, stage }: RpcError) {
    super(code, `GET runs idempotent methods only, POST any: ${message}`, { reason, stage });
  }
}

/** The body is compressed. That is a 415, for which there is no code of ours. */
export class UnsupportedEncoding extends RpcError {
  constructor(encoding: string) {
    super('INVALID_ARGUMENT', `the body is encoded as ${JSON.stringify(encoding)}: expected no content-encoding`);
  }
}

function checkName(what: string, name: string): string {
  for (const character of name) {
    if (character <= ' ' || character === '\u007f') {
      throw new RpcError(
        'INVALID_ARGUMENT',
        `${JSON.stringify(name)} cannot name a ${what}: it has a space or a control character`,
      );
    }
  }
  return name;
}

/** A header that holds a whole number from 1 to `max`. */
function readWhole(name: string, text: string | string[], of: string, max: number): number {
  const value = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  throw new RpcError(
    'INVALID_ARGUMENT',
    `header ${name} is ${JSON.stringify(text)}: expected a whole number ${of}from 1 to ${max}`,
  );
}

const metadataPrefix = 'evenkeel-meta-';

/** Headers `evenkeel-meta-NAME` are the call's metadata NAME. */
function readMetadata(headers: FastifyRequest['headers']): Record<string, string> | undefined {
  let metadata: Record<string, string> | undefined;
  for (const name in headers) {
    if (!name.startsWith(metadataPrefix) || name.length === metadataPrefix.length) continue;
    metadata ??= {};
    metadata[name.slice(metadataPrefix.length)] = String(headers[name]);
  }
  return metadata;
}

function readKey(name: string, text: string | string[]): string {
  if (typeof text === 'string' && /^[\x20-\x7e]{1,256}$/.test(text)) return text;
  throw new RpcError('INVALID_ARGUMENT', `header ${name} is none: expected 1 to 256 printable ASCII characters`);
}

/** A node's id comes from a registry that others may write to, and a header cannot carry everything. */
function isHeaderText(node: string | undefined): node is string {
  return node !== undefined && /^[\x21-\x7e]{1,256}$/.test(node);
}

function jsonBytes(output: unknown): Buffer {
  if (!(output instanceof Encoded)) return Buffer.from(JSON.stringify(output) ?? 'null');
  const { codec, bytes } = output;
  if (codec !== 'json') throw new RpcError('INTERNAL', `the server answered in ${codec}, not in JSON`);
  if (bytes.length === 0) return Buffer.from('null');
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
