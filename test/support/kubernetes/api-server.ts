/**
 * A small Kubernetes API server: objects of any kind, by get, list, watch, create, merge patch and delete. What a controller or a
 * kubelet would do is up to the test, which hears of every change.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../../../src/core/clock.ts';
import type { Kind, KubeObject } from '../../../src/load/kubernetes/objects.ts';
import { acceptExec, type ExecProgram } from './exec-socket.ts';

export interface FakeObject {
  metadata: { name: string } & Record<string, unknown>;
  [field: string]: unknown;
}

export type Change = 'ADDED' | 'MODIFIED' | 'DELETED';

/** What to answer instead of what would be answered. */
export interface Refusal {
  status: number;
  message?: string;
  headers?: Record<string, string>;
}

export interface FakeRequest {
  method: string;
  /** `pods`, `pods/eviction` */
  resource: string;
  name: string | undefined;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown> | undefined;
}

interface Stream {
  response: ServerResponse;
  collection: string;
  selector: string;
}

/** All is in this namespace, but for nodes. */
export const namespace = 'demo';

export class FakeApiServer {
  /** What we may not do: `patch deployments`, `create pods/exec`. */
  readonly denied = new Set<string>();
  readonly requests: FakeRequest[] = [];
  /** A say in every answer, and in when it comes. */
  refuse: (request: FakeRequest) => Refusal | undefined | Promise<undefined> = () => undefined;
  /** Told of every change, after it. */
  onChange: (plural: string, change: Change, object: FakeObject) => void = () => {};
  /** What a pod that is to be deleted does first. Default: it is gone at once. */
  onDelete: (plural: string, object: FakeObject, seconds: number | undefined) => 'gone' | 'later' = () => 'gone';
  /** What runs in containers. */
  program: ExecProgram = () => {};
  metricsServer = true;

  readonly #collections = new Map<string, Map<string, FakeObject>>();
  readonly #history: { collection: string; version: number; type: Change; object: FakeObject }[] = [];
  readonly #streams = new Set<Stream>();
  readonly #sockets = new Set<Socket>();
  #version = 100;
  #oldest = 0;
  #uid = 0;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  static async start(): Promise<FakeApiServer> {
    const made = new FakeApiServer();
    made.#server.on('connection', (socket: Socket) => {
      made.#sockets.add(socket);
      socket.once('close', () => made.#sockets.delete(socket));
    });
    made.#server.on('upgrade', (request, socket: Socket) => made.#exec(request, socket));
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For `configure` of who connects. */
  readonly configure = (config: KubeConfig): void =>
    config.loadFromClusterAndUser({ name: 'fake', server: this.url, skipTLSVerify: true }, { name: 'us' });

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  all(kind: Kind): FakeObject[] {
    return [...this.#collection(pathOf(kind)).values()];
  }

  find<T extends KubeObject>(kind: Kind<T>, name: string): T & FakeObject {
    const found = this.#collection(pathOf(kind)).get(name);
    if (found === undefined) throw new Error(`there is no ${name} among the ${kind.plural}`);
    return found as T & FakeObject;
  }

  /** Puts an object in, or takes its place. */
  put(kind: Kind, object: FakeObject): FakeObject {
    return this.#put(pathOf(kind), object);
  }

  /** Changes fields of an object, as a merge patch does. */
  patch(kind: Kind, name: string, change: object): void {
    const found = this.#collection(pathOf(kind)).get(name);
    if (found !== undefined) this.#put(pathOf(kind), merge(found, change) as FakeObject);
  }

  delete(kind: Kind, name: string): void {
    const collection = pathOf(kind);
    const object = this.#collection(collection).get(name);
    if (object === undefined) return;
    this.#collection(collection).delete(name);
    this.#tell(collection, 'DELETED', withVersion(object, ++this.#version));
  }

  /** Forgets what happened up to now, and ends all streams. */
  compact(): void {
    this.#history.length = 0;
    this.#oldest = ++this.#version;
    this.endStreams();
  }

  /** Ends all streams, as the real one does every minute. */
  endStreams(): void {
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
  }

  /** Breaks all streams, as a load balancer does. */
  breakStreams(): void {
    for (const { response } of this.#streams) response.destroy();
    this.#streams.clear();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #collection(path: string): Map<string, FakeObject> {
    let found = this.#collections.get(path);
    if (found === undefined) {
      found = new Map();
      this.#collections.set(path, found);
    }
    return found;
  }

  #put(path: string, object: FakeObject): FakeObject {
    const collection = this.#collection(path);
    const { name } = object.metadata;
    const before = collection.get(name);
    const metadata = { uid: `uid-${++this.#uid}`, ...before?.metadata, ...object.metadata };
    const stored = withVersion({ ...object, metadata }, ++this.#version);
    collection.set(name, stored);
    this.#tell(path, before === undefined ? 'ADDED' : 'MODIFIED', stored);
    return stored;
  }

  #tell(collection: string, type: Change, object: FakeObject): void {
    this.#history.push({ collection, version: this.#version, type, object });
    for (const stream of this.#streams) if (stream.collection === collection) send(stream, type, object);
    this.onChange(collection.split('/').at(-1)!, type, object);
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(message);
    this.requests.push(request);
    const { method, path, resource, name, query, body } = request;
    const refusal = (await this.refuse(request)) ?? this.#denial(request);
    if (refusal !== undefined) return refuse(response, refusal);
    if (path === '/version') return answer(response, { gitVersion: 'v1.35.4' });
    if (path === '/apis/metrics.k8s.io/v1beta1') {
      return this.metricsServer ? answer(response, {}) : refuse(response, { status: 404, message: 'not found' });
    }
    if (resource === 'selfsubjectaccessreviews') return answer(response, this.#review(body), 201);
    if (resource === 'pods/eviction') return this.#evict(response, name!);
    const collection = name === undefined ? path : path.slice(0, -name.length - 1);
    const found = name === undefined ? undefined : this.#collection(collection).get(name);
    if (name !== undefined && found === undefined) {
      return refuse(response, { status: 404, message: `${resource} "${name}" not found` });
    }
    if (method === 'GET' && found !== undefined) return answer(response, found);
    if (method === 'GET' && query.get('watch') === 'true') return this.#watch(response, collection, query);
    if (method === 'GET') {
      const items = [...this.#collection(collection).values()]
        .filter((one) => selects(query.get('labelSelector'), one))
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
      return answer(response, { items, metadata: { resourceVersion: `${this.#version}` } });
    }
    if (method === 'POST' && name === undefined) {
      const made = body as unknown as FakeObject;
      if (this.#collection(collection).has(made.metadata.name)) {
        return refuse(response, { status: 409, message: `${resource} "${made.metadata.name}" already exists` });
      }
      return answer(response, this.#put(collection, made), 201);
    }
    if (method === 'PATCH' && message.headers['content-type'] !== 'application/merge-patch+json') {
      return refuse(response, { status: 415, message: 'the fake knows merge patches only' });
    }
    if (method === 'PATCH') return answer(response, this.#put(collection, merge(found, body) as FakeObject));
    if (method === 'DELETE') {
      this.#delete(collection, found!, query.get('gracePeriodSeconds'));
      return answer(response, found!);
    }
    refuse(response, { status: 405, message: `the fake does not know ${method} ${path}` });
  }

  #delete(collection: string, object: FakeObject, seconds: string | null): void {
    const plural = collection.split('/').at(-1)!;
    const how = this.onDelete(plural, object, seconds === null ? undefined : Number(seconds));
    if (how === 'gone') {
      this.#collection(collection).delete(object.metadata.name);
      this.#tell(collection, 'DELETED', withVersion(object, ++this.#version));
    }
  }

  #evict(response: ServerResponse, name: string): void {
    const collection = `/api/v1/namespaces/${namespace}/pods`;
    const object = this.#collection(collection).get(name);
    if (object === undefined) return refuse(response, { status: 404, message: `pods "${name}" not found` });
    this.#delete(collection, object, null);
    answer(response, { status: 'Success' }, 201);
  }

  #watch(response: ServerResponse, collection: string, query: URLSearchParams): void {
    const since = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (since < this.#oldest) {
      const object = { kind: 'Status', code: 410, message: `too old resource version: ${since}` };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const stream = { response, collection, selector: query.get('labelSelector') ?? '' };
    for (const event of this.#history) {
      if (event.collection === collection && event.version > since) send(stream, event.type, event.object);
    }
    this.#streams.add(stream);
    response.once('close', () => this.#streams.delete(stream));
  }

  #exec(message: IncomingMessage, socket: Socket): void {
    const { path, query } = parse(message);
    const [, pod = ''] = /\/pods\/([^/]+)\/exec$/.exec(path) ?? [];
    if (this.denied.has('create pods/exec')) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    acceptExec(message, socket, { pod, container: query.get('container') ?? '' }, this.program);
  }

  #denial({ method, resource, name, query, path }: FakeRequest): Refusal | undefined {
    const read = name !== undefined ? 'get' : query.get('watch') === 'true' ? 'watch' : 'list';
    const verb = { GET: read, POST: 'create', PATCH: 'patch', DELETE: 'delete' }[method];
    if (!this.denied.has(`${verb} ${resource}`)) return undefined;
    const message = `${path} is forbidden: User "us" cannot ${verb} resource "${resource}"`;
    return { status: 403, message };
  }

  #review(body: FakeRequest['body'] = {}): object {
    const { resourceAttributes } = body.spec as { resourceAttributes: Record<string, string> };
    const { verb, resource, subresource } = resourceAttributes;
    const wanted = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    return { status: { allowed: !this.denied.has(wanted) } };
  }
}

function pathOf({ group, version, plural, clusterWide }: Kind): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return clusterWide ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

function parse({ url }: IncomingMessage): { path: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(url ?? '/', 'http://fake');
  return { path: pathname, query: searchParams };
}

async function read(message: IncomingMessage): Promise<FakeRequest> {
  const { path, query } = parse(message);
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const [, rest = ''] = /^\/apis?\/(?:[^/]+\/)?v\d\w*\/(?:namespaces\/[^/]+\/)?(.*)$/.exec(path) ?? [];
  const [plural = '', name, sub] = rest.split('/');
  const resource = sub === undefined ? plural : `${plural}/${sub}`;
  return {
    method: message.method ?? '',
    resource,
    name,
    path,
    query,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function withVersion(object: FakeObject, version: number): FakeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } };
}

/** RFC 7396. */
function merge(target: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change;
  const merged: Record<string, unknown> = { ...(typeof target === 'object' && target !== null ? target : {}) };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function selects(selector: string | null, { metadata }: FakeObject): boolean {
  const labels = (metadata.labels ?? {}) as Record<string, string>;
  return (selector ?? '').split(',').every((pair) => {
    const [key = '', value] = pair.split('=');
    return key === '' || labels[key] === value;
  });
}

function send({ response, selector }: Stream, type: Change, object: FakeObject): void {
  if (selects(selector, object)) response.write(`${JSON.stringify({ type, object })}\n`);
}

function answer(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, { status, message = 'refused', headers = {} }: Refusal): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code: status }));
}

/** Lets what a controller does take a moment. */
export function later(ms: number, work: () => void): void {
  systemClock.timer(ms, work);
}
