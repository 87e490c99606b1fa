/** The servers of a contender, each a process group of its own: started, struck, seen to be gone or still, and back. */
import { connect } from 'node:net';
import { systemClock as clock } from '../../src/core/clock.ts';
import type { Proof } from '../../src/load/cluster.ts';
import type { ProcessGuard } from '../../src/load/local/guard.ts';
import { ProcessGroup } from '../../src/load/local/process-group.ts';
import { within } from '../../src/load/within.ts';
import { type Contender, host, type World } from './contender.ts';

/** How long a server may take to come and to go, ms. */
const patience = 30_000;

export class Fleet {
  readonly #contender: Contender;
  readonly #world: World;
  readonly #guard: ProcessGuard;
  readonly #groups: ProcessGroup[] = [];
  readonly #closing = new AbortController();

  constructor(contender: Contender, world: World, guard: ProcessGuard) {
    this.#contender = contender;
    this.#world = world;
    this.#guard = guard;
  }

  at(place: number): ProcessGroup {
    return this.#groups[place]!;
  }

  /** The processes of all servers that live. */
  get members(): number[] {
    return this.#groups.flatMap((group) => group.members);
  }

  /** Starts all. Resolves when they serve. */
  async start(): Promise<void> {
    await Promise.all(this.#world.ports.map((_, place) => this.#launch(place)));
  }

  /** Starts the next server at a place whose last one is gone. Resolves when it serves, with the proof that it is another. */
  async restart(place: number, before: readonly number[]): Promise<Proof[]> {
    await this.#launch(place);
    const now = this.at(place).members;
    return [
      {
        what: `server ${place} serves again as processes ${now.join(', ')}`,
        holds: now.length > 0 && now.every((pid) => !before.includes(pid)),
      },
    ];
  }

  /** Waits until a server that was told to go has gone. */
  async gone(place: number, before: readonly number[]): Promise<Proof[]> {
    const group = this.at(place);
    const how = await within(clock, patience, group.exited);
    // Workers that outlived it would keep the port.
    const left = group.members;
    await group.close(0);
    const end = how ?? `did not end within ${patience} ms`;
    return [
      {
        what: `server ${place}: processes ${before.join(', ')} are gone, ${end}`,
        holds: how === 'exit code 0' && left.length === 0,
      },
    ];
  }

  /** Ends what is left of them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#groups.map((group) => group.close(0)));
  }

  async #launch(place: number): Promise<void> {
    const group = await ProcessGroup.start({
      name: `server ${place}`,
      command: this.#contender.server(this.#world, place),
      guard: this.#guard,
      clock,
    });
    this.#groups[place] = group;
    const latest = clock.now() + patience;
    while (!(await accepts(this.#world.ports[place]!))) {
      if (group.ended) throw new Error(`${group.name} ended before it served: ${group.lastWords}`);
      if (clock.now() >= latest) throw new Error(`${group.name} does not serve: ${group.lastWords}`);
      await clock.sleep(20, this.#closing.signal);
    }
  }
}

/** Whether somebody listens there. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.setTimeout(1_000, () => done(false));
  });
}
