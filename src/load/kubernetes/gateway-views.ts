import type { Clock } from '../../core/clock.ts';
import type { GatewayState, NodeState } from '../cluster.ts';
import { gatewayNodes, Poller } from '../local/observer.ts';
import type { PodLife } from './pod-life.ts';
import type { Population } from './population.ts';

/** What every gateway says of the servers, asked again and again. */
export class GatewayViews {
  readonly #population: Population;
  readonly #poller: Poller;
  readonly #nodes = new WeakMap<PodLife, readonly NodeState[]>();

  constructor(population: Population, clock: Clock) {
    this.#population = population;
    this.#poller = new Poller(clock, async () => {
      await this.ask();
    });
  }

  /** As they were told last. A gateway that is gone is not among them. */
  states(): GatewayState[] {
    return this.#population.present('gateway').map((life) => ({
      name: life.name,
      phase: life.phase as GatewayState['phase'],
      nodes: this.#nodes.get(life) ?? [],
    }));
  }

  /** As it is right now: each line of each gateway. */
  async ask(): Promise<readonly NodeState[]> {
    const gateways = this.#population.present('gateway');
    const answers = await Promise.all(
      gateways.map(async (life) => {
        const where = life.at('ops');
        const nodes = where === undefined ? undefined : await gatewayNodes(`http://${where}`, (at) => this.#nameAt(at));
        // At once: who is silent keeps nobody from seeing what others say, and what it said once is over.
        this.#nodes.set(life, nodes ?? []);
        return nodes ?? [];
      }),
    );
    return answers.flat();
  }

  close(): void {
    this.#poller.close();
  }

  #nameAt(address: string): string | undefined {
    return this.#population.serverAt(address)?.name;
  }
}
