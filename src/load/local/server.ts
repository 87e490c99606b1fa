import type { Clock } from '../../core/clock.ts';
import type { Proof, ServerState } from '../cluster.ts';
import { Registration } from '../registration.ts';
import type { ProcessGuard } from './guard.ts';
import { isReady, Poller } from './observer.ts';
import { ProcessGroup } from './process-group.ts';

export interface LocalServerOptions {
  name: string;
  port: number;
  opsPort: number;
  /** Program and arguments, whole. */
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  guard: ProcessGuard;
  clock: Clock;
  /** ms since 1970 */
  now: () => number;
}

/** One server: a primary with its workers, and what is known of its life. */
export class LocalServer {
  readonly name: string;
  readonly address: string;
  readonly group: ProcessGroup;
  readonly startedAt: number;
  readonly registration = new Registration();
  readyAt: number | undefined;
  stoppedAt: number | undefined;
  goneAt: number | undefined;
  #killed = false;
  #ready: 'never' | 'yes' | 'no' = 'never';
  readonly #now: () => number;
  readonly #poller: Poller;

  private constructor(options: LocalServerOptions, group: ProcessGroup, startedAt: number) {
    this.name = options.name;
    this.address = `127.0.0.1:${options.port}`;
    this.group = group;
    this.startedAt = startedAt;
    this.#now = options.now;
    this.#poller = new Poller(options.clock, async () => {
      const ready = await isReady(`http://127.0.0.1:${options.opsPort}/readyz`);
      if (ready) {
        this.#ready = 'yes';
        this.readyAt ??= this.#now();
      }
      if (!ready && this.#ready === 'yes') this.#ready = 'no';
    });
    group.exited.then(() => this.#end());
  }

  static async start(options: LocalServerOptions): Promise<LocalServer> {
    const startedAt = options.now();
    return new LocalServer(options, await ProcessGroup.start(options), startedAt);
  }

  get phase(): ServerState['phase'] {
    if (this.goneAt !== undefined) return 'gone';
    if (this.stoppedAt !== undefined) return 'stopping';
    return this.#ready === 'never' ? 'starting' : this.#ready === 'yes' ? 'ready' : 'unready';
  }

  /** Tells it to end in good order. */
  stop(): void {
    this.stoppedAt ??= this.#now();
    this.group.tell('SIGTERM');
  }

  /** Kills it with all its processes, which are these. Gives back what proves it. */
  kill(members: number[]): Promise<Proof[]> {
    this.#killed = true;
    this.goneAt ??= this.#now();
    return this.group.kill(members);
  }

  /** True if it was told to end, and ended as it was told: `how` is what the group says. */
  endedAsOrdered(how: string): boolean {
    return this.#killed || (this.stoppedAt !== undefined && how === 'exit code 0');
  }

  state(): ServerState {
    const { name, address, phase, startedAt, readyAt, stoppedAt, goneAt } = this;
    const { since: registeredAt, until: unregisteredAt } = this.registration;
    return {
      name,
      address,
      phase,
      startedAt,
      ...(registeredAt !== undefined && { registeredAt }),
      ...(readyAt !== undefined && { readyAt }),
      ...(stoppedAt !== undefined && { stoppedAt }),
      ...(unregisteredAt !== undefined && { unregisteredAt }),
      ...(goneAt !== undefined && { goneAt }),
    };
  }

  /** Ends it with all its processes. */
  async close(grace: number): Promise<void> {
    this.#poller.close();
    await this.group.close(grace);
  }

  #end(): void {
    this.goneAt ??= this.#now();
    this.#poller.close();
  }
}
