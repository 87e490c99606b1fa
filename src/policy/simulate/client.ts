import type { Random } from '../../core/random.ts';
import { dialDelays } from '../dial-plan.ts';
import { Subset } from '../subset.ts';
import type { Agenda } from './agenda.ts';
import { Call, type CallHost } from './call.ts';
import type { Contender } from './contender.ts';
import { Link, type LinkEvents } from './link.ts';
import type { Recorder } from './recorder.ts';
import type { Server } from './server.ts';

/** How often weights rise and connections are looked after, ms. */
const sweepInterval = 100;
/** How often it is looked whether servers that are down need others to stand in for them, ms. */
const chooseInterval = 1_000;
/** How long many waiting calls are held when the first server is back, ms. */
const gathering = 20;
/** A server that was without a connection for this long is down, ms. */
const downAfter = 3_000;
/** How many calls may wait for a server. */
const mostWaiting = 1_000;
/** Who waits in vain is told so a little before its deadline, ms. */
const beforeDeadline = 20;

export interface ClientParts {
  id: string;
  agenda: Agenda;
  random: Random;
  recorder: Recorder;
  contender: Contender;
}

/** A simulated client: what the registry lists, what the connections prove, and the calls that wait. As `client/nodes.ts` does it. */
export class Client implements CallHost {
  readonly agenda: Agenda;
  readonly contender: Contender;
  readonly recorder: Recorder;
  readonly #random: Random;
  readonly #links = new Map<string, Link>();
  readonly #subset: Subset;
  #listed: ReadonlyMap<string, Server> = new Map();
  #waiting = new Map<Call, (ok: boolean) => void>();
  #holding = false;
  #chosenAt = 0;
  readonly #events: LinkEvents;

  constructor({ id, agenda, random, recorder, contender }: ClientParts) {
    this.agenda = agenda;
    this.#random = random;
    this.recorder = recorder;
    this.contender = contender;
    this.#subset = new Subset(id, contender.habits.subset);
    this.#events = {
      onConnected: (link, connected) => this.#onConnected(link, connected),
      onFault: (link, cause, since) => {
        contender.fault(link, cause, since, agenda.now);
        // A refused dial is evidence: what the registry lists no longer and nobody answers for is gone.
        if (cause === 'refused' && link.unlisted && !link.connected) this.#drop(link);
      },
      onHealthy: (link) => contender.healthy(link, agenda.now),
    };
    // Clients that were made together do not sweep in step.
    const phase = sweepInterval * random();
    agenda.after(phase, () => agenda.every(always, () => this.#sweep()));
  }

  get links(): Iterable<Link> {
    return this.#links.values();
  }

  call(timeout: number, hasty: boolean): void {
    new Call(this, timeout, hasty).start();
  }

  /** The registry lists these servers. */
  onListed(servers: readonly Server[]): void {
    this.#listed = new Map(servers.map((server) => [server.id, server]));
    for (const link of [...this.#links.values()]) {
      link.unlisted = !this.#listed.has(link.id);
      const silent = !this.contender.habits.keepsUnlisted;
      if (link.unlisted && servers.length > 0 && (silent || !link.connected)) this.#drop(link);
    }
    this.#connectMembers(this.#members());
  }

  wait(call: Call, then: (ok: boolean) => void): void {
    const rest = Math.min(call.deadline - beforeDeadline - this.agenda.now, this.contender.habits.maxWait);
    if (this.#waiting.size >= mostWaiting || rest <= 0) return then(false);
    this.#waiting.set(call, then);
    this.agenda.after(rest, () => {
      if (this.#waiting.get(call) !== then) return;
      this.#waiting.delete(call);
      then(false);
    });
  }

  hasOther(tried: readonly Link[]): boolean {
    for (const link of this.#links.values()) if (this.contender.has(link) && !tried.includes(link)) return true;
    return false;
  }

  #members(): Set<string> {
    const { now } = this.agenda;
    const isDown = (id: string) => {
      const since = this.#links.get(id)?.downSince;
      return since !== undefined && now - since >= downAfter;
    };
    return this.#subset.choose(Array.from(this.#listed.keys(), (id) => ({ id, tier: 0, down: isDown(id) })));
  }

  #connectMembers(members: ReadonlySet<string>): void {
    const fresh = [...members].filter((id) => !this.#links.has(id));
    const served = this.#size > 0;
    const delays = dialDelays(fresh.length, served, this.#random);
    for (const [i, id] of fresh.entries()) {
      const link = new Link(this.#listed.get(id)!, this.agenda, this.#random, this.contender.habits, this.#events);
      this.#links.set(id, link);
      this.contender.add(link, this.agenda.now, served);
      link.downSince = this.agenda.now + delays[i]!;
      link.start(delays[i]!);
    }
  }

  /** Servers that are connected and can be picked. */
  get #size(): number {
    let size = 0;
    for (const link of this.#links.values()) if (link.connected && this.contender.has(link)) size++;
    return size;
  }

  #onConnected(link: Link, connected: boolean): void {
    if (this.#links.get(link.id) !== link) return;
    this.contender.setConnected(link, connected, this.agenda.now);
    if (connected) this.#gather();
    // Calls wait: the spread of dials is a luxury now.
    else if (this.#size === 0) [...this.#links.values()].find(({ reached }) => !reached)?.hurry();
    if (!connected && link.unlisted && link.departed) this.#drop(link);
  }

  /** Many waiting calls are held for a moment when the first server is back, while the others are dialled at once. */
  #gather(): void {
    const missing = [...this.#links.values()].filter((link) => !link.connected);
    if (missing.length === 0 || this.#waiting.size <= this.#links.size) {
      this.#holding = false;
      return this.#wake();
    }
    if (this.#holding) return;
    this.#holding = true;
    this.agenda.after(gathering, () => {
      if (!this.#holding) return;
      this.#holding = false;
      if (this.#size > 0) this.#wake();
    });
    for (const link of missing) link.hurry();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const then of waiting.values()) then(true);
  }

  #drop(link: Link): void {
    this.#links.delete(link.id);
    this.contender.remove(link);
    link.stop();
  }

  #sweep(): void {
    const { now } = this.agenda;
    this.contender.advance(now);
    for (const target of this.contender.due(now)) {
      (target as Link).probe((ok) => this.contender.probed(target, ok, this.agenda.now));
    }
    for (const link of this.#links.values()) link.beat();
    if (this.#listed.size > this.contender.habits.subset && now - this.#chosenAt >= chooseInterval) this.#chooseAgain();
  }

  /** Of many servers only some are members: others stand in for those that are down, and go when they are up again. */
  #chooseAgain(): void {
    this.#chosenAt = this.agenda.now;
    const members = this.#members();
    this.#connectMembers(members);
    for (const link of [...this.#links.values()]) {
      if (this.#size <= this.contender.habits.subset) return;
      if (this.#listed.has(link.id) && !members.has(link.id)) this.#drop(link);
    }
  }
}

const always = () => sweepInterval;
