import type { Clock } from '../../core/clock.ts';
import type { GatewayState, NodeState } from '../cluster.ts';
import { freePort } from './free-port.ts';
import type { ProcessGuard } from './guard.ts';
import { gatewayNodes, isReady, Poller } from './observer.ts';
import { ProcessGroup } from './process-group.ts';

export interface LocalGatewayOptions {
  /** Program and arguments, to which `--listen` is added. */
  command: readonly string[];
  guard: ProcessGuard;
  clock: Clock;
  /** Name of the server at an address. */
  serverAt: (address: string) => string | undefined;
}

/** One gateway, and the servers as it sees them. */
export class LocalGateway {
  readonly url: string;
  readonly group: ProcessGroup;
  readonly #options: LocalGatewayOptions;
  readonly #poller: Poller;
  #ready = false;
  #nodes: readonly NodeState[] = [];

  private constructor(options: LocalGatewayOptions, url: string, group: ProcessGroup) {
    this.#options = options;
    this.url = url;
    this.group = group;
    this.#poller = new Poller(options.clock, async () => {
      if (!this.#ready) this.#ready = await isReady(`${url}/readyz`);
      this.#nodes = (await this.ask()) ?? [];
    });
  }

  static async start(options: LocalGatewayOptions): Promise<LocalGateway> {
    const listen = `127.0.0.1:${await freePort()}`;
    const { command, guard, clock } = options;
    const whole = [...command, '--listen', listen];
    const group = await ProcessGroup.start({ name: 'gateway', command: whole, guard, clock });
    return new LocalGateway(options, `http://${listen}`, group);
  }

  /** True once it has said that it is. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The servers as it saw them last; empty while it does not answer. */
  get nodes(): readonly NodeState[] {
    return this.#nodes;
  }

  state(): GatewayState {
    return { name: 'gateway', phase: this.#ready ? 'ready' : 'starting', nodes: this.#nodes };
  }

  /** The servers as it sees them now. */
  ask(): Promise<NodeState[] | undefined> {
    return gatewayNodes(this.url, this.#options.serverAt);
  }

  async close(): Promise<void> {
    this.#poller.close();
    await this.group.close(0);
  }
}
