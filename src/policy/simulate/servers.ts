import type { Random } from '../../core/random.ts';
import type { Agenda } from './agenda.ts';
import type { Client } from './client.ts';
import type { Recorder } from './recorder.ts';
import type { Happening, Scenario } from './scenario.ts';
import { Server } from './server.ts';

/** How long a server that died stays listed: the session with the registry, ms. */
const session = 10_000;
/** How long a server that is to go serves on: until all clients know, ms. */
const drainDelay = 4_000;
/** How long news of the registry is on its way to a client, ms: from, to. */
const news = [10, 100] as const;

/** The servers of a scenario, what happens to them, and the registry that lists them. */
export class Servers {
  readonly #scenario: Scenario;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #recorder: Recorder;
  readonly #all = new Map<string, Server>();
  readonly #listed = new Set<Server>();
  #clients: readonly Client[] = [];
  #newsRandom: Random = () => 0;

  constructor(scenario: Scenario, agenda: Agenda, random: Random, recorder: Recorder) {
    this.#scenario = scenario;
    this.#agenda = agenda;
    this.#random = random;
    this.#recorder = recorder;
    for (let i = 1; i <= scenario.servers; i++) this.#join(`s${i}`);
    // At one moment, those that stand first in the scenario happen first.
    for (const happening of scenario.happenings) agenda.after(happening.at, () => this.#happen(happening));
  }

  /** These clients read the registry from now on. */
  tell(clients: readonly Client[], random: Random): void {
    this.#clients = clients;
    this.#newsRandom = random;
    for (const client of clients) client.onListed([...this.#listed]);
  }

  #happen(happening: Happening): void {
    const ids = happening.servers === 'all' ? [...this.#all.keys()] : happening.servers;
    const before = this.#listed.size;
    for (const id of ids) this.#apply(happening, id);
    if (happening.what === 'join' || this.#listed.size !== before) this.#spread();
  }

  #apply(happening: Happening, id: string): void {
    if (happening.what === 'join') return this.#join(id);
    const server = this.#all.get(id);
    if (server === undefined) throw new RangeError(`${this.#scenario.name}: there is no server "${id}"`);
    switch (happening.what) {
      case 'kill':
        server.down();
        this.#agenda.after(session, () => this.#unlist(server));
        break;
      case 'cut':
        server.down();
        break;
      case 'heal':
        server.restart();
        break;
      case 'freeze':
        server.freeze();
        break;
      case 'thaw':
        server.thaw();
        break;
      case 'leave':
        this.#unlist(server);
        server.drain();
        this.#agenda.after(drainDelay, () => server.down());
        break;
      case 'slow':
        server.extra = happening.ms;
        break;
      case 'errors':
        server.errors = happening.share;
        break;
    }
    this.#note(server);
  }

  #join(id: string): void {
    if (this.#all.has(id)) throw new RangeError(`${this.#scenario.name}: a server "${id}" is there already`);
    const server = new Server(id, this.#agenda, this.#random, this.#scenario);
    this.#all.set(id, server);
    this.#listed.add(server);
    this.#note(server);
  }

  #note(server: Server): void {
    const { now } = this.#agenda;
    const known = this.#recorder.servers.get(server.id);
    const was = known?.serving.at(-1)?.to === Number.POSITIVE_INFINITY;
    if (was !== server.serving) this.#recorder.onServing(server.id, server.serving, now);
  }

  #unlist(server: Server): void {
    if (this.#listed.delete(server)) this.#spread();
  }

  /** Each client hears of it in its own time, and reads what is listed then. */
  #spread(): void {
    const [least, most] = news;
    for (const client of this.#clients) {
      const delay = least + (most - least) * this.#newsRandom();
      this.#agenda.after(delay, () => client.onListed([...this.#listed]));
    }
  }
}
