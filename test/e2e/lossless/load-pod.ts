import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { K6Reader } from '../../../src/load/generator/k6-reader.ts';
import type { LoadPlan, ProofLoad, Stage } from '../../../src/load/plan.ts';
import { type Sample, SampleBook } from '../../../src/load/sample.ts';
import { until } from '../../support/until.ts';
import { apply, exec, kubectl } from '../support/kubectl.ts';
import { jsonLines } from './json-lines.ts';

export interface LoadOptions {
  namespace: string;
  /** Where the servers are known, as a pod reads it. */
  registry: string;
  /** Base URL of the gateway, as a pod reaches it. */
  gateway: string;
  /** Image with evenkeel. */
  image: string;
  /** The node that it runs on: the one that is not drained. */
  node: string;
  /** How many calls/s when; it begins with the first's. */
  stages: readonly Stage[];
  /** pi(n) to pi(n + 6) are asked for. Default 93, which costs next to nothing. */
  n?: number;
}

/** Servers as the registry had them from then on; ms since 1970 by the pod's clock. */
export interface RegistryView {
  at: number;
  state: 'known' | 'pending' | 'failed';
  endpoints?: { id: string; address: string }[];
}

const name = 'load';
const restricted = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
const cheap = 93;

/** A pod that calls at a steady rate with k6 and loadtest/pi.ts, and another container that watches the registry. */
export class LoadPod {
  readonly #options: LoadOptions;
  readonly #book = new SampleBook();
  readonly #reader: K6Reader;
  readonly #views: RegistryView[] = [];
  #offset = 0;
  #clockOffset = 0;
  #observer: ReturnType<typeof spawn> | undefined;

  private constructor(options: LoadOptions) {
    this.#options = options;
    const plan: LoadPlan = {
      load: loadOf(options),
      url: options.gateway,
      run: 'e2e',
      n: options.n ?? cheap,
      unsafe: 0,
      deadline: 5000,
    };
    this.#reader = new K6Reader(plan, (record) => this.#book.add(record));
  }

  /** Starts it, and resolves when calls are made. */
  static async start(options: LoadOptions): Promise<LoadPod> {
    const { namespace } = options;
    const observer = readFileSync(new URL('registry-observer.mjs', import.meta.url), 'utf8');
    // As a test it is let in to ZooKeeper, where policies are enforced.
    const labels = {
      'app.kubernetes.io/name': 'load',
      'app.kubernetes.io/part-of': 'evenkeel',
      'app.kubernetes.io/component': 'test',
    };
    const objects = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, labels },
        data: { ...k6Scripts(), 'observer.mjs': observer },
      },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec: podSpec(options) },
    ];
    await apply(namespace, objects);
    await kubectl(['wait', '--namespace', namespace, '--for=condition=Ready', `pod/${name}`, '--timeout=120s'], {
      deadline: 130_000,
    });
    const pod = new LoadPod(options);
    await pod.#compareClocks();
    pod.#observe();
    await until(
      async () => {
        await pod.read();
        return pod.#book.samples.some((sample) => sample.end !== undefined) && pod.view()?.state === 'known';
      },
      'the first call of k6 and the first view of the registry',
      // k6 works out the right answers first: of a large n that takes it long.
      180_000,
    ).catch(async (cause: Error) => {
      const said = await pod.#exec('k6', ['cat', '/results/k6.log']).catch((error: Error) => error.message);
      throw new Error(`${cause.message}; k6 has said: ${said}`, { cause });
    });
    return pod;
  }

  /** ms to add to this machine's wall time to have the pod's. */
  async #compareClocks(): Promise<void> {
    const before = systemClock.wallTime();
    const there = Number(await this.#exec('observer', ['node', '--print', 'Date.now()']));
    const after = systemClock.wallTime();
    this.#clockOffset =
      Math.abs(there - (before + after) / 2) < (after - before) / 2 ? 0 : there - (before + after) / 2;
  }

  #observe(): void {
    const { namespace } = this.#options;
    const follow = ['logs', '--namespace', namespace, name, '--container', 'observer', '--follow'];
    const child = spawn('kubectl', follow, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#observer = child;
    void (async () => {
      for await (const view of jsonLines<RegistryView>(child.stdout!)) {
        if (view.state !== undefined) this.#views.push({ ...view, at: view.at - this.#clockOffset });
      }
    })();
  }

  #exec(container: string, command: string[]): Promise<string> {
    return exec(this.#options.namespace, name, command, { container });
  }

  /** The node that it runs on. */
  get node(): string {
    return this.#options.node;
  }

  /** Fetches what k6 has written since the last time. */
  async read(): Promise<void> {
    const text = await this.#exec('k6', ['tail', '-c', `+${this.#offset + 1}`, '/results/samples.json']);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    this.#offset += Buffer.byteLength(whole);
    for (const line of whole.split('\n')) this.#reader.line(line);
  }

  /** Calls that were due in [from, to), by this machine's wall time. What is still open has no end. */
  samples(from: number, to: number): Sample[] {
    const offset = this.#clockOffset;
    return this.#book.samples.filter(({ intended }) => intended - offset >= from && intended - offset < to);
  }

  /** Calls that were due between these times and that k6 could not make. */
  dropped(from: number, to: number): number {
    const within = this.#book.dropped.filter(({ at }) => at - this.#clockOffset >= from && at - this.#clockOffset < to);
    return within.reduce((sum, { count }) => sum + count, 0);
  }

  /** When a call ended, by this machine's wall time. */
  endOf(sample: Sample): number {
    return sample.end!.at - this.#clockOffset;
  }

  /** What the registry held last. */
  view(): RegistryView | undefined {
    return this.#views.at(-1);
  }

  /** What it held, each from its time on. */
  views(): readonly RegistryView[] {
    return this.#views;
  }

  /** Address of a server by the id that answers carry. */
  addressOf(id: string): string | undefined {
    for (const view of this.#views) {
      const found = view.endpoints?.find((endpoint) => endpoint.id === id);
      if (found !== undefined) return found.address;
    }
    return undefined;
  }

  /** Stops following it. It ends with its namespace. */
  close(): void {
    this.#observer?.kill();
  }
}

/** The script imports others that lie beside it. */
function k6Scripts(): Record<string, string> {
  const folder = new URL('../../../loadtest/', import.meta.url);
  const names = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  return Object.fromEntries(names.map((file) => [file, readFileSync(new URL(file, folder), 'utf8')]));
}

function loadOf({ stages }: LoadOptions): ProofLoad {
  return { kind: 'proof', startRate: stages[0]!.target, stages };
}

function podSpec(options: LoadOptions): object {
  const { registry, gateway, image, node } = options;
  const { startRate, stages } = loadOf(options);
  const settings = {
    URL: gateway,
    RATE: startRate,
    STAGES: JSON.stringify(stages),
    RUN: 'e2e',
    N: options.n ?? cheap,
    DEADLINE: 5000,
  };
  // Of k6's figures, only the lines that are read: all of them are seven times as much.
  const k6 = `k6 run --quiet --no-color --no-usage-report --summary-mode=disabled --out json=- /scripts/pi.ts 2>/results/k6.log |
    awk '/^{"metric":"(evenkeel_|dropped_iterations")/ { print; fflush() }' >/results/samples.json
    cat /results/k6.log >&2`;
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeName: node,
    terminationGracePeriodSeconds: 5,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 12345,
      fsGroup: 12345,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'k6',
        image: 'grafana/k6:1.8.1',
        command: ['sh', '-c', k6],
        env: Object.entries(settings).map(([key, value]) => ({ name: key, value: String(value) })),
        resources: { requests: { cpu: '100m', memory: '256Mi' } },
        securityContext: restricted,
        volumeMounts: [
          { name: 'scripts', mountPath: '/scripts' },
          { name: 'results', mountPath: '/results' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
      {
        name: 'observer',
        image,
        command: ['node', '/scripts/observer.mjs'],
        env: [{ name: 'EVENKEEL_REGISTRY', value: registry }],
        resources: { requests: { cpu: '20m', memory: '64Mi' } },
        securityContext: restricted,
        volumeMounts: [{ name: 'scripts', mountPath: '/scripts' }],
      },
    ],
    volumes: [
      { name: 'scripts', configMap: { name } },
      { name: 'results', emptyDir: { sizeLimit: '2Gi' } },
      { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
    ],
  };
}
