import { spawn } from 'node:child_process';
import { systemClock } from '../../../src/core/clock.ts';
import { until } from '../../support/until.ts';
import { jsonLines } from './json-lines.ts';

/** What was seen of a pod. Times in ms since 1970, when the API server's news came here. */
export interface PodLife {
  readonly name: string;
  readonly uid: string;
  /** server, gateway, zookeeper */
  readonly component: string;
  node?: string;
  ip?: string;
  image?: string;
  /** True as long as it is ready; it is no more from when it is told to go. */
  ready: boolean;
  firstReadyAt?: number;
  /** When it became unready without having been told to go. */
  unreadyAt: number[];
  /** Its container was started again so often. */
  restarts: number;
  /** How its container ended last, if it did: `137`. */
  lastExitCode?: number;
  /** It was told to go. */
  deletedAt?: number;
  goneAt?: number;
}

interface PodEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: {
    metadata: { name: string; uid: string; labels?: Record<string, string>; deletionTimestamp?: string };
    spec: { nodeName?: string; containers: { image: string }[] };
    status: {
      podIP?: string;
      conditions?: { type: string; status: string }[];
      containerStatuses?: { restartCount: number; lastState?: { terminated?: { exitCode: number } } }[];
    };
  };
}

/** Follows the pods of a release, and remembers those that are gone. */
export class PodWatch {
  readonly #lives = new Map<string, PodLife>();
  /** How many pods of a component were ready from a time on. */
  readonly #counts: { at: number; component: string; ready: number }[] = [];
  readonly #child;
  readonly #ended: Promise<void>;
  #closing = false;

  constructor(namespace: string, release: string) {
    const selector = `app.kubernetes.io/instance=${release}`;
    const watch = ['get', 'pods', '--namespace', namespace, '--selector', selector, '--watch'];
    this.#child = spawn('kubectl', [...watch, '--output-watch-events', '--output', 'json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#ended = this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const event of jsonLines<PodEvent>(this.#child.stdout)) this.#take(event);
    if (!this.#closing) throw new Error('kubectl stopped watching the pods');
  }

  #take({ type, object }: PodEvent): void {
    const { metadata, spec, status } = object;
    const component = metadata.labels?.['app.kubernetes.io/component'] ?? metadata.labels?.['app.kubernetes.io/name'];
    if (component === undefined || status === undefined) return;
    const now = systemClock.wallTime();
    const { name, uid } = metadata;
    const life = this.#lives.get(uid) ?? { name, uid, component, ready: false, unreadyAt: [], restarts: 0 };
    this.#lives.set(uid, life);
    if (spec.nodeName !== undefined) life.node = spec.nodeName;
    if (status.podIP !== undefined) life.ip = status.podIP;
    life.image = spec.containers[0]?.image ?? '';
    const container = status.containerStatuses?.[0];
    life.restarts = container?.restartCount ?? life.restarts;
    const exitCode = container?.lastState?.terminated?.exitCode;
    if (exitCode !== undefined) life.lastExitCode = exitCode;
    if (metadata.deletionTimestamp !== undefined) life.deletedAt ??= now;
    const ready = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    const serves = ready === true && life.deletedAt === undefined;
    if (serves) life.firstReadyAt ??= now;
    else if (life.ready && life.deletedAt === undefined) life.unreadyAt.push(now);
    life.ready = serves;
    if (type === 'DELETED') {
      life.goneAt = now;
      life.ready = false;
    }
    this.#counts.push({ at: now, component, ready: this.ready(component).length });
  }

  /** Every pod that was seen, those that are gone too. */
  all(component: string): readonly PodLife[] {
    return [...this.#lives.values()].filter((life) => life.component === component);
  }

  /** Those that are there and were not told to go. */
  present(component: string): readonly PodLife[] {
    return this.all(component).filter((life) => life.deletedAt === undefined && life.goneAt === undefined);
  }

  ready(component: string): readonly PodLife[] {
    return this.present(component).filter((life) => life.ready);
  }

  /** The least number that was ready at a time. */
  fewestReady(component: string, since = 0): number {
    const counts = this.#counts.filter((count) => count.component === component);
    const before = counts.findLast(({ at }) => at < since);
    const after = counts.filter(({ at }) => at >= since);
    return Math.min(...[...(before ? [before] : []), ...after].map(({ ready }) => ready));
  }

  /** Waits until so many are ready, and no other is there, told to go or not. */
  async settled(component: string, count: number, deadline = 180_000): Promise<void> {
    await until(
      () =>
        this.ready(component).length === count &&
        this.all(component).filter((life) => life.goneAt === undefined).length === count,
      () => `${count} ready pods of ${component} and no others; there are ${JSON.stringify(this.#facts(component))}`,
      deadline,
    );
  }

  #facts(component: string) {
    return this.all(component).flatMap(({ name, ready, deletedAt, goneAt }) =>
      goneAt === undefined ? [{ name, ready, toldToGo: deletedAt !== undefined }] : [],
    );
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#child.kill();
    await this.#ended;
  }
}
