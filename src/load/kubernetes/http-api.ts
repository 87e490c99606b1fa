import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, request } from 'undici';
import type { Clock } from '../../core/clock.ts';
import type { Api, ExecOptions, Listing, Running, WatchEvent, WatchOptions, Where } from './api.ts';
import { type Asked, refused, unanswered } from './api-error.ts';
import { runInContainer } from './exec.ts';
import type { Kind, KubeObject } from './objects.ts';

/** How long the API server may take to answer, ms. */
const patience = 10_000;
/** How long one stream of events lasts, ms. A new one costs little, and shows a connection that died without a word. */
const streamLength = 60_000;

export interface HttpApiOptions {
  client: typeof import('@kubernetes/client-node');
  config: KubeConfig;
  server: string;
  namespace: string;
  clock: Clock;
}

/** What a request is, beside what it asks for. */
interface Message {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  query?: Readonly<Record<string, string>>;
  body?: object;
}

/** The API by HTTP. Identity, certificates and proxies are the matter of @kubernetes/client-node. */
export class HttpApi implements Api {
  readonly server: string;
  readonly namespace: string;
  readonly #options: HttpApiOptions;

  constructor(options: HttpApiOptions) {
    this.server = options.server;
    this.namespace = options.namespace;
    this.#options = options;
  }

  get<T extends KubeObject>(kind: Kind<T>, name: string, where?: Where): Promise<T> {
    return this.#ask({ ...this.#asked('get', kind, where), name }, {});
  }

  async list<T extends KubeObject>(kind: Kind<T>, where: Where & { selector?: string } = {}): Promise<Listing<T>> {
    const query = selecting(where.selector);
    const list = await this.#ask<{ items?: T[]; metadata: { resourceVersion: string } }>(
      this.#asked('list', kind, where),
      { query },
    );
    return { items: list.items ?? [], version: list.metadata.resourceVersion };
  }

  patch<T extends KubeObject>(kind: Kind<T>, name: string, patch: object, where?: Where): Promise<T> {
    return this.#ask({ ...this.#asked('patch', kind, where), name }, { method: 'PATCH', body: patch });
  }

  create<T>(kind: Kind, body: object, where: Where & { of?: string; sub?: string } = {}): Promise<T> {
    const { of: name, sub } = where;
    return this.#ask({ ...this.#asked('create', kind, where), name, sub }, { method: 'POST', body });
  }

  async remove(kind: Kind, name: string, where: Where & { seconds?: number } = {}): Promise<void> {
    const query = where.seconds === undefined ? {} : { gracePeriodSeconds: String(where.seconds) };
    await this.#ask({ ...this.#asked('delete', kind, where), name }, { method: 'DELETE', query });
  }

  read<T>(path: string): Promise<T> {
    const kind = { group: '', version: 'v1', plural: path, clusterWide: true };
    return this.#send(path, { verb: 'get', kind, namespace: '' }, {}, json<T>);
  }

  async watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions<T>): Promise<void> {
    const { selector, since, signal, onOpen, onEvent } = options;
    const asked = this.#asked('watch', kind, options);
    const query = {
      ...selecting(selector),
      watch: 'true',
      resourceVersion: since,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(streamLength / 1000),
    };
    const follow = async (body: Dispatcher.ResponseData['body'], relax: () => void) => {
      relax();
      onOpen();
      for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (signal.aborted) return;
        const event = JSON.parse(line) as WatchEvent<T> | { type: 'ERROR'; object: { code?: number } };
        if (event.type === 'ERROR') throw refused(this.server, event.object.code ?? 500, event.object, asked);
        onEvent(event);
      }
    };
    try {
      await this.#send(pathOf(asked), asked, { query }, follow, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  exec(options: ExecOptions): Promise<Running> {
    const { client, config, clock } = this.#options;
    return runInContainer({ namespace: this.namespace, ...options, server: this.server, client, config, clock });
  }

  #asked(verb: Asked['verb'], kind: Kind, where: Where | undefined): Asked {
    return { verb, kind, namespace: where?.namespace ?? this.namespace };
  }

  #ask<T>(asked: Asked, message: Message): Promise<T> {
    return this.#send(pathOf(asked), asked, message, json<T>);
  }

  /** One request, and what is made of its answer. */
  async #send<T>(
    path: string,
    asked: Asked,
    { method = 'GET', query = {}, body }: Message,
    use: (body: Dispatcher.ResponseData['body'], relax: () => void) => Promise<T>,
    outer?: AbortSignal,
  ): Promise<T> {
    const { client, config, clock } = this.#options;
    const over = new AbortController();
    const late = (ms: number) => clock.timer(ms, () => over.abort(new Error(`no answer within ${ms / 1000} s`)));
    let timer = late(patience);
    const stop = () => over.abort(outer?.reason);
    outer?.addEventListener('abort', stop, { once: true });
    if (outer?.aborted) stop();
    let dispatcher: Dispatcher | undefined;
    try {
      const url = new URL(this.server.replace(/\/$/, '') + path);
      for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
      const context = new client.RequestContext(url.href, method);
      // It may run a program that asks somebody else for a token.
      await unlessAborted(over.signal, config.applySecurityAuthentication(context));
      // The client makes one for each request, and leaves it to be collected, with its connection.
      dispatcher = context.getDispatcher() ?? new Agent();
      const answer = await request(url, {
        method,
        headers: { ...context.getHeaders(), accept: 'application/json', ...contentType(method, body) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        dispatcher,
        signal: over.signal,
      });
      if (answer.statusCode >= 300) {
        const { statusCode, headers } = answer;
        const text = await answer.body.text();
        const seconds = Number(headers['retry-after']);
        throw refused(this.server, statusCode, parse(text), asked, seconds > 0 ? seconds * 1000 : undefined);
      }
      return await use(answer.body, () => {
        timer.cancel();
        timer = late(streamLength + patience);
      });
    } catch (cause) {
      throw unanswered(this.server, over.signal.aborted ? over.signal.reason : cause);
    } finally {
      timer.cancel();
      outer?.removeEventListener('abort', stop);
      dispatcher?.destroy().catch(() => {});
    }
  }
}

/** What `work` comes to, unless the signal is aborted first. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function json<T>(body: Dispatcher.ResponseData['body']): Promise<T> {
  return (await body.json()) as T;
}

function contentType(method: string, body: object | undefined): Record<string, string> {
  if (body === undefined) return {};
  return { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
}

function selecting(selector: string | undefined): Record<string, string> {
  return selector === undefined ? {} : { labelSelector: selector };
}

function pathOf({ kind, namespace, name, sub }: Asked): string {
  const { group, version, plural, clusterWide } = kind;
  const parts = [
    ...(group === '' ? ['api', version] : ['apis', group, version]),
    ...(clusterWide ? [] : ['namespaces', namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(sub === undefined ? [] : [sub]),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
