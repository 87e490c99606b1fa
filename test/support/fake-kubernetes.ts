/**
 * A small Kubernetes API server for EndpointSlices: list, and watch as a chunked stream with bookmarks, as the real one
 * answers them, and with the faults that it or the network may have.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from '../../src/core/clock.ts';
import { selfSigned } from './self-signed.ts';

/** An EndpointSlice, as far as it matters. */
export interface FakeSlice {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; resourceVersion?: string };
  addressType?: string;
  endpoints?: unknown;
  ports?: unknown;
}

/** What to do with a request: answer it, refuse it, say nothing for so many ms first (Infinity: for ever). */
export type Answer = 'ok' | { status: number; message?: string; reason?: string } | { delay: number };

interface Event {
  version: number;
  type: string;
  object: FakeSlice;
}

interface Stream {
  response: ServerResponse;
  namespace: string;
  service: string;
}

export class FakeKubernetes {
  readonly certificate: { key: string; cert: string } | undefined;
  /** Who may ask. Undefined: everyone. */
  token: string | undefined;
  /** Every request, as `list` or `watch` and its query. */
  readonly requests: { kind: 'list' | 'watch'; query: URLSearchParams; authorization: string | undefined }[] = [];
  answer: (kind: 'list' | 'watch') => Answer = () => 'ok';
  /** How a watch from a version that is gone is refused: both are seen. */
  goneBy: 'status' | 'event' = 'event';

  readonly #slices = new Map<string, FakeSlice>();
  #history: Event[] = [];
  #version = 100;
  #oldest = 0;
  readonly #streams = new Set<Stream>();
  readonly #sockets = new Set<Socket>();
  #server: ReturnType<typeof createServer> | undefined;
  #port = 0;

  private constructor(tls: boolean) {
    this.certificate = tls ? selfSigned() : undefined;
  }

  static async start({ tls = false } = {}): Promise<FakeKubernetes> {
    const made = new FakeKubernetes(tls);
    await made.listen();
    return made;
  }

  get url(): string {
    return `${this.certificate === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  count(kind: 'list' | 'watch'): number {
    return this.requests.filter((request) => request.kind === kind).length;
  }

  /** Puts a slice in, or takes its place. It belongs to the service that its label names. */
  put(slice: FakeSlice, { namespace = 'demo', service = 'pi' } = {}): void {
    const name = slice.metadata.name;
    const key = `${namespace}/${name}`;
    const type = this.#slices.has(key) ? 'MODIFIED' : 'ADDED';
    const labels = { 'kubernetes.io/service-name': service };
    const metadata = { namespace, labels, ...slice.metadata, resourceVersion: `${++this.#version}` };
    const object = { ...slice, metadata };
    this.#slices.set(key, object);
    this.#tell({ version: this.#version, type, object });
  }

  delete(name: string, namespace = 'demo'): void {
    const slice = this.#slices.get(`${namespace}/${name}`);
    if (slice === undefined) throw new Error(`there is no slice ${namespace}/${name}`);
    this.#slices.delete(`${namespace}/${name}`);
    const object = { ...slice, metadata: { ...slice.metadata, resourceVersion: `${++this.#version}` } };
    this.#tell({ version: this.#version, type: 'DELETED', object });
  }

  /** As `put`, but no stream hears of it. */
  putUnheard(slice: FakeSlice): void {
    const streams = [...this.#streams];
    this.#streams.clear();
    this.put(slice);
    for (const stream of streams) this.#streams.add(stream);
  }

  /** Forgets what happened up to now. */
  compact(): void {
    this.#history = [];
    this.#oldest = ++this.#version;
  }

  /** Begins anew with older versions, as after a restore from a backup. */
  restore(): void {
    this.#history = [];
    this.#version = 10;
    this.#oldest = 0;
  }

  bookmark(): void {
    const metadata = { resourceVersion: `${++this.#version}`, creationTimestamp: null };
    this.write(`${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'EndpointSlice', metadata } })}\n`);
  }

  /** Writes into all streams. */
  write(text: string): void {
    for (const { response } of this.#streams) response.write(text);
  }

  /** Ends all streams, as the real one does every few minutes. */
  end(): void {
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
  }

  /** Loses all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#streams.clear();
  }

  /** Goes away: connections are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    this.cut();
    await closed;
  }

  /** Comes back where it was. */
  async listen(): Promise<void> {
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    const server = this.certificate === undefined ? createServer(handle) : createTlsServer(this.certificate, handle);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** A kubeconfig for it. */
  kubeconfig({ namespace, token = 'secret-token' }: { namespace?: string; token?: string } = {}): string {
    return JSON.stringify({
      clusters: [
        {
          name: 'fake',
          cluster: {
            server: this.url,
            ...(this.certificate === undefined
              ? { 'insecure-skip-tls-verify': true }
              : { 'certificate-authority-data': Buffer.from(this.certificate.cert).toString('base64') }),
          },
        },
      ],
      users: [{ name: 'us', user: { token } }],
      contexts: [{ name: 'here', context: { cluster: 'fake', user: 'us', ...(namespace && { namespace }) } }],
      'current-context': 'here',
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://fake');
    const match = /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/([^/]+)\/endpointslices$/.exec(pathname);
    const service = /^kubernetes\.io\/service-name=([\w-]+)$/.exec(query.get('labelSelector') ?? '')?.[1];
    if (match === null || service === undefined || request.method !== 'GET') {
      return refuse(response, 404, 'the server could not find the requested resource');
    }
    const kind = query.get('watch') === 'true' ? 'watch' : 'list';
    const { authorization } = request.headers;
    this.requests.push({ kind, query, authorization });
    const answer = this.answer(kind);
    if (answer !== 'ok' && 'delay' in answer) {
      if (answer.delay === Number.POSITIVE_INFINITY) return;
      await systemClock.sleep(answer.delay);
    } else if (answer !== 'ok') return refuse(response, answer.status, answer.message ?? 'refused', answer.reason);
    if (this.token !== undefined && authorization !== `Bearer ${this.token}`) {
      return refuse(response, 401, 'Unauthorized');
    }
    if (kind === 'list') this.#list(response, match[1]!, service, query);
    else this.#watch(response, match[1]!, service, Number(query.get('resourceVersion')));
  }

  #list(response: ServerResponse, namespace: string, service: string, query: URLSearchParams): void {
    const since = query.get('resourceVersion');
    if (since !== null && query.get('resourceVersionMatch') !== 'NotOlderThan') {
      return refuse(response, 400, 'the fake knows NotOlderThan only');
    }
    if (Number(since) > this.#version) {
      const message = `Too large resource version: ${since}, current: ${this.#version}`;
      return refuse(response, 504, message, 'Timeout', { causes: [{ reason: 'ResourceVersionTooLarge', message }] });
    }
    const items = [...this.#slices.values()].filter((slice) => isOf(slice, namespace, service));
    const list = { kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1', items };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...list, metadata: { resourceVersion: `${this.#version}` } }));
  }

  #watch(response: ServerResponse, namespace: string, service: string, since: number): void {
    const isGone = since < this.#oldest || since > this.#version;
    const message = `too old resource version: ${since} (${this.#oldest})`;
    if (isGone && this.goneBy === 'status') return refuse(response, 410, message, 'Expired');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (isGone) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: status(410, message, 'Expired') })}\n`);
      return;
    }
    const stream = { response, namespace, service };
    for (const event of this.#history.filter(({ version }) => version > since)) send(stream, event);
    this.#streams.add(stream);
    response.once('close', () => this.#streams.delete(stream));
  }

  #tell(event: Event): void {
    this.#history.push(event);
    for (const stream of this.#streams) send(stream, event);
  }
}

/** A pod in an EndpointSlice. */
export function pod(
  address: string,
  {
    uid = `uid-of-${address}`,
    zone,
    ...conditions
  }: { uid?: string; zone?: string; ready?: boolean; serving?: boolean; terminating?: boolean } = {},
): object {
  return {
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false, ...conditions },
    targetRef: { kind: 'Pod', name: `pod-${address}`, uid },
    ...(zone === undefined ? {} : { zone }),
  };
}

/** An EndpointSlice of a service with one port. */
export function slice(name: string, endpoints: readonly object[], more: Partial<FakeSlice> = {}): FakeSlice {
  return {
    metadata: { name },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'rpc', port: 7000, protocol: 'TCP' }],
    ...more,
  };
}

function send({ response, namespace, service }: Stream, { type, object }: Event): void {
  if (isOf(object, namespace, service)) response.write(`${JSON.stringify({ type, object })}\n`);
}

function isOf(slice: FakeSlice, namespace: string, service: string): boolean {
  return slice.metadata.namespace === namespace && slice.metadata.labels?.['kubernetes.io/service-name'] === service;
}

function status(code: number, message: string, reason = '', details: object = {}): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code, details };
}

function refuse(response: ServerResponse, code: number, message: string, reason?: string, details?: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(status(code, message, reason, details)));
}
