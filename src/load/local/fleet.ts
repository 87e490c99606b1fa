import type { Clock } from '../../core/clock.ts';
import type { Incident } from '../cluster.ts';
import { freePort } from './free-port.ts';
import type { ProcessGuard } from './guard.ts';
import { LocalServer } from './server.ts';

export interface FleetOptions {
  /** Program and arguments of `evenkeel serve MODULE`, without where it listens. */
  command: () => readonly string[];
  /** Worker processes of each server. */
  processes: number;
  /** Folder of the handlers' books. */
  ledger: string;
  guard: ProcessGuard;
  clock: Clock;
  /** ms since 1970 */
  now: () => number;
  /** Called when something happens that nobody ordered. */
  onIncident: (incident: Incident) => void;
  /** Aborted when nothing may be started any more. */
  signal: AbortSignal;
}

/** The servers: as many as are wanted, each replaced when it ends unasked, as a Deployment does. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #servers: LocalServer[] = [];
  #started = 0;
  /** On the way, and not in the list yet. */
  #starting = 0;
  /** How many there shall be. */
  desired = 0;
  /** Replace those that end. Not at first: a server that does not even start is a reason to give up. */
  supervised = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** All that there ever were, the oldest first. */
  get all(): readonly LocalServer[] {
    return this.#servers;
  }

  /** Those that shall be there: neither told to stop nor gone. */
  get wanted(): LocalServer[] {
    return this.#servers.filter(({ stoppedAt, goneAt }) => stoppedAt === undefined && goneAt === undefined);
  }

  get ready(): number {
    return this.#servers.filter(({ phase }) => phase === 'ready').length;
  }

  at(address: string): LocalServer | undefined {
    return this.#servers.find((server) => server.address === address);
  }

  /** The oldest ready servers. Throws when there are not so many. */
  oldest(count: number): LocalServer[] {
    const chosen = this.wanted.filter(({ phase }) => phase === 'ready').slice(0, count);
    if (chosen.length < count) throw new Error(`${chosen.length} servers are ready, ${count} were to be hit`);
    return chosen;
  }

  /** Starts as many as are missing. */
  fill(): Promise<LocalServer[]> {
    const missing = Math.max(0, this.desired - this.wanted.length - this.#starting);
    return Promise.all(Array.from({ length: missing }, () => this.startOne()));
  }

  /** Starts one, wanted or not. */
  async startOne(): Promise<LocalServer> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    const name = `server-${++this.#started}`;
    this.#starting++;
    const server = await this.#launch(name).finally(() => this.#starting--);
    this.#servers.push(server);
    // Closed while it was being started: close() did not see it.
    if (signal.aborted) await server.close(0);
    server.group.exited.then((how) => this.#ended(server, how));
    return server;
  }

  /** Ends all of them. The run is over and judged by its books: nobody needs them to end in good order any more. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close(0)));
  }

  async #launch(name: string): Promise<LocalServer> {
    const { command, processes, ledger, guard, clock, now } = this.#options;
    const [port, opsPort] = [await freePort(), await freePort()];
    const where = ['--listen', `127.0.0.1:${port}`, '--ops', `127.0.0.1:${opsPort}`, '--processes', String(processes)];
    const env = { EVENKEEL_LEDGER: ledger, EVENKEEL_LEDGER_NAME: name };
    return LocalServer.start({ name, port, opsPort, command: [...command(), ...where], env, guard, clock, now });
  }

  /** A server's primary has ended. What nobody ordered is written down, and the server replaced. */
  async #ended(server: LocalServer, how: string): Promise<void> {
    const { signal, onIncident, now } = this.#options;
    if (signal.aborted) return;
    if (!server.endedAsOrdered(how)) {
      const when = server.stoppedAt === undefined ? '' : ' when it was told to stop';
      onIncident({ at: now(), what: `${server.name} ended by itself${when}: ${how}` });
    }
    // Workers that outlive their primary would be killed with it by a container.
    await server.close(0);
    if (!this.supervised) return;
    await this.fill().catch((cause: Error) => {
      if (!signal.aborted) onIncident({ at: now(), what: `no server could be started in its place: ${cause.message}` });
    });
  }
}
