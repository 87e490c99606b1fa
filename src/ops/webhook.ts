import { hostname } from 'node:os';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';
import { type Counter, type Metrics, silentMetrics } from '../core/metrics.ts';
import { jitter, type Random, systemRandom } from '../core/random.ts';
import { whole } from '../core/whole.ts';
import type { Posted } from './webhook-post.ts';

/** Whose notices are sent on: a client, or a pool. */
export interface NoticeSource {
  on(name: 'notice', listener: (notice: { readonly event: string }) => void): () => void;
}

/** What a webhook can be told. Times in ms. */
export interface WebhookOptions {
  /** Who says it. Default: the name of the host, on Kubernetes the pod's. */
  source?: string;
  /** How long one delivery may take. Default 5,000; 10..60,000. */
  timeout?: number;
  /** How often one notice is tried. Default 4; 1..20. */
  attempts?: number;
  /** The pause before a notice is tried again, doubled each time, +-20 %. Default 1,000; 1..60,000. */
  pause?: number;
  /** How many notices may wait; of more the oldest are dropped. Default 100; 1..10,000. */
  queue?: number;
  /** Told when the receiver cannot be reached, once, and when it can again. */
  log?: Log;
  metrics?: Metrics;
  /** For tests. */
  clock?: Clock;
  random?: Random;
}

/** Sends on what a client tells, until it is closed. */
export interface Webhook extends AsyncDisposable {
  /** What became of the notices so far. */
  counts(): WebhookCounts;
  /** Takes no more, gives what waits `grace` ms to be sent (default 1,000), and lets go of everything. Never rejects. */
  close(grace?: number): Promise<void>;
}

export interface WebhookCounts {
  /** The receiver took it. */
  readonly sent: number;
  /** The receiver refused it, or could not be reached in time. */
  readonly failed: number;
  /** Never tried, or not to the end: newer ones needed its place, or the webhook was closed. */
  readonly dropped: number;
}

type Outcome = keyof WebhookCounts;

/**
 * Posts each notice of a client (`client.on('notice')`) to a URL, as JSON: `{version: 1, source, event, at, skipped, ...facts}`.
 * One after the other, in order. Whatever the receiver does, the client never waits for it and never fails by it.
 *
 * The URL may hold a secret, in its path, its query or as `user:password@`: it is in no log and no error.
 *
 * @throws TypeError for a URL that is none, RangeError for an option out of range
 */
export function webhook(client: NoticeSource, url: string, options: WebhookOptions = {}): Webhook {
  const sender = new Sender(webhookUrl(url), options);
  const end = client.on('notice', (notice) => sender.push(notice));
  const close = (grace = 1_000) => {
    end();
    return sender.close(grace);
  };
  return { counts: () => ({ ...sender.counts }), close, [Symbol.asyncDispose]: () => close() };
}

/** @throws TypeError that does not repeat the URL */
export function webhookUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new TypeError("the webhook's URL is none of HTTP: expected http://... or https://...");
}

class Sender {
  readonly counts: Record<Outcome, number> = { sent: 0, failed: 0, dropped: 0 };
  readonly #url: URL;
  readonly #source: string;
  readonly #timeout: number;
  readonly #attempts: number;
  readonly #pause: number;
  readonly #most: number;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #series: Record<Outcome, Counter>;
  readonly #queue: string[] = [];
  /** Ends when the queue is empty. */
  #working: Promise<void> | undefined;
  #poster: { post(body: string): Promise<Posted>; close(): Promise<void> } | undefined;
  /** True while what was last tried had failed. */
  #away = false;
  #closed: Promise<void> | undefined;
  readonly #giveUp = new AbortController();

  constructor(url: URL, options: WebhookOptions) {
    this.#url = url;
    this.#source = options.source ?? hostname();
    this.#timeout = whole('timeout', options.timeout ?? 5_000, 10, 60_000);
    this.#attempts = whole('attempts', options.attempts ?? 4, 1, 20);
    this.#pause = whole('pause', options.pause ?? 1_000, 1, 60_000);
    this.#most = whole('queue', options.queue ?? 100, 1, 10_000);
    this.#log = options.log ?? silentLog;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    const family = (options.metrics ?? silentMetrics).counter({
      name: 'evenkeel_webhook_notices_total',
      help: 'Notices for the webhook: sent, failed (refused, or not reached in time), dropped (newer ones needed the place)',
      labels: ['outcome'],
    });
    this.#series = { sent: family.with('sent'), failed: family.with('failed'), dropped: family.with('dropped') };
  }

  push(notice: object): void {
    if (this.#queue.length >= this.#most) {
      this.#queue.shift();
      this.#count('dropped');
    }
    this.#queue.push(JSON.stringify({ version: 1, source: this.#source, ...notice }));
    // Nothing that goes wrong here is the client's affair.
    this.#working ??= this.#work()
      .catch((error: Error) => this.#failed(error.message))
      .finally(() => {
        this.#working = undefined;
      });
  }

  close(grace: number): Promise<void> {
    this.#closed ??= this.#close(grace);
    return this.#closed;
  }

  async #close(grace: number): Promise<void> {
    const timer = this.#clock.timer(grace, () => this.#end());
    await this.#working;
    timer.cancel();
    this.#end();
    await this.#poster?.close();
  }

  #end(): void {
    this.#giveUp.abort();
    void this.#poster?.close();
  }

  async #work(): Promise<void> {
    // Not loaded where nothing is ever told.
    const { Poster } = await import('./webhook-post.ts');
    this.#poster ??= new Poster({ url: this.#url, timeout: this.#timeout, clock: this.#clock });
    for (let body = this.#queue.shift(); body !== undefined; body = this.#queue.shift()) {
      this.#count(this.#giveUp.signal.aborted ? 'dropped' : await this.#deliver(this.#poster, body));
    }
  }

  async #deliver(poster: { post(body: string): Promise<Posted> }, body: string): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      const posted = await poster.post(body);
      if (posted.kind === 'taken') {
        this.#reached();
        return 'sent';
      }
      if (this.#giveUp.signal.aborted) return 'dropped';
      this.#failed(posted.cause);
      if (posted.kind === 'refused' || attempt >= this.#attempts) return 'failed';
      await this.#sleep(jitter(this.#pause * 2 ** (attempt - 1), 0.2, this.#random));
      if (this.#giveUp.signal.aborted) return 'dropped';
    }
  }

  /** Does not keep the process alive, and ends when all is given up. */
  #sleep(ms: number): Promise<void> {
    const { signal } = this.#giveUp;
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#clock.timer(ms, done);
      signal.addEventListener('abort', done);
    });
  }

  #count(outcome: Outcome): void {
    this.counts[outcome]++;
    this.#series[outcome].add();
  }

  #failed(cause: string): void {
    if (this.#away) return;
    this.#away = true;
    this.#log.warn({ host: this.#url.host, cause }, 'the webhook does not take a notice');
  }

  #reached(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#log.info({ host: this.#url.host, ...this.counts }, 'the webhook takes notices again');
  }
}
