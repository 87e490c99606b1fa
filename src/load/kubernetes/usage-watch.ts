import type { Clock } from '../../core/clock.ts';
import { getText, Poller } from '../local/observer.ts';
import type { UsageSample } from '../usage.ts';
import { components, type PodLife } from './pod-life.ts';
import type { Population } from './population.ts';

/** How often every pod is asked, ms. */
const period = 10_000;
/** How long one answer may take, ms. */
const patience = 3_000;

/** Which port tells the metrics of a component. */
const ports = { server: 'ops', gateway: 'ops', zookeeper: 'metrics' } as const;

/** What pods take, from their own metrics, asked again and again. A pod that says nothing is passed over. */
export class UsageWatch {
  readonly samples: UsageSample[] = [];
  readonly #population: Population;
  readonly #now: () => number;
  readonly #poller: Poller;

  constructor(population: Population, clock: Clock, now: () => number) {
    this.#population = population;
    this.#now = now;
    this.#poller = new Poller(clock, () => this.ask(), period);
  }

  /** Asks each pod that is ready. Never rejects. */
  async ask(): Promise<void> {
    const pods = components.flatMap((component) => this.#population.ready(component));
    await Promise.all(pods.map((life) => this.#askOne(life)));
  }

  close(): void {
    this.#poller.close();
  }

  async #askOne(life: PodLife): Promise<void> {
    const where = life.at(ports[life.component]);
    // It may be going just now, or nobody may ask it.
    const text = where && (await getText(`http://${where}/metrics`, patience));
    const figures = text && figuresOf(text);
    if (!figures) return;
    const { name: pod, component, uid, main } = life;
    this.samples.push({ at: this.#now(), pod, life: `${uid} ${main?.restartCount ?? 0}`, component, ...figures });
  }
}

/** The figures within a Prometheus exposition; undefined where they are not told. */
export function figuresOf(text: string): Pick<UsageSample, 'memory' | 'descriptors' | 'series'> | undefined {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const sum = (wanted: string) => {
    const values = lines.flatMap((line) => {
      const [, name, value] = /^([A-Za-z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line) ?? [];
      return name === wanted ? Number(value) : [];
    });
    return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  // What a JVM has from the machine says little: it keeps what it once had.
  const memory = sum('jvm_memory_bytes_used') ?? sum('process_resident_memory_bytes');
  const descriptors = sum('process_open_fds');
  if (memory === undefined || descriptors === undefined) return undefined;
  return { memory, descriptors, series: lines.length };
}
