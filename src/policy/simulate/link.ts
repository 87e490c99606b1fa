import type { Random } from '../../core/random.ts';
import type { Agenda, Due } from './agenda.ts';
import { Carried, hop, type Sent } from './carried.ts';
import { Checks } from './checks.ts';
import type { Habits, Target } from './contender.ts';
import type { Peer, Server } from './server.ts';
import { Signs } from './signs.ts';

/** A connection that lived this long was a real one: the next failure begins the backoff anew, ms. */
const livedAfter = 2_000;
/** A server that drains is dialled again after this, ms. */
const drainPause = 2_000;

export interface LinkEvents {
  onConnected(link: Link, connected: boolean): void;
  onFault(link: Link, cause: 'refused' | 'lost' | 'heartbeat' | 'health', since: number): void;
  onHealthy(link: Link): void;
}

/** One client's connection to one server: dialled, kept alive, lost and dialled again. As `client/links.ts` does it. */
export class Link implements Target {
  readonly id: string;
  readonly server: Server;
  weight = 1;
  healthy = true;
  readonly tier = 0;
  /** True once the registry does not list the server any more. */
  unlisted = false;
  /** True once it was connected. */
  reached = false;
  /** Since when it has had no connection. */
  downSince: number | undefined;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #habits: Habits;
  readonly #events: LinkEvents;
  #state: 'closed' | 'dialling' | 'open' | 'draining' = 'closed';
  #saidDrain = false;
  #stopped = false;
  #failures = 0;
  #openedAt = 0;
  #signs: Signs;
  #redial: Due | undefined;
  /** Tells a connection from the one before it. */
  #peer: Peer | undefined;
  readonly #carried: Carried;
  readonly #checks: Checks;

  constructor(server: Server, agenda: Agenda, random: Random, habits: Habits, events: LinkEvents) {
    this.id = server.id;
    this.server = server;
    this.#agenda = agenda;
    this.#random = random;
    this.#habits = habits;
    this.#events = events;
    this.downSince = agenda.now;
    this.#signs = new Signs(habits.heartbeat, agenda.now);
    this.#carried = new Carried(agenda, server, {
      onHeard: () => this.#signs.heard(agenda.now),
      onIdle: () => this.#closeIfIdle(),
    });
    const checked = {
      isConnected: () => this.connected,
      ask: (then: () => void) => this.#ask(then),
      onHealthy: () => events.onHealthy(this),
      onUnhealthy: (since: number) => events.onFault(this, 'health', since),
    };
    this.#checks = new Checks(checked, agenda, random);
  }

  get inFlight(): number {
    return this.#carried.inFlight;
  }

  get connected(): boolean {
    return this.#state === 'open';
  }

  /** The server said that it goes, and nothing is left of it. */
  get departed(): boolean {
    return this.#saidDrain && this.#state === 'closed';
  }

  alive(): boolean {
    return this.connected && !this.#signs.overdue(this.#agenda.now);
  }

  start(delay: number): void {
    this.#later(delay);
    const { healthInterval } = this.#habits;
    if (healthInterval !== undefined) this.#checks.start(healthInterval);
  }

  /** Does not wait for its turn in the spread of first dials. */
  hurry(): void {
    if (this.connected) return;
    if (this.#redial !== undefined) this.#redial.off = true;
    this.dial();
  }

  /** No new connections; what is at work may end. */
  stop(): void {
    this.#stopped = true;
    this.#state = this.connected ? 'draining' : this.#state;
    this.#closeIfIdle();
  }

  send(attempt: Sent): void {
    if (this.connected) return this.#carried.send(attempt);
    this.#carried.add(attempt);
    this.dial();
  }

  /** Nobody waits for the attempt any more. */
  cancel(attempt: Sent): void {
    this.#carried.cancel(attempt);
  }

  dial(): void {
    if (this.#state !== 'closed' || this.#stopped) return;
    this.#redial = undefined;
    this.#state = 'dialling';
    const since = this.#agenda.now;
    const peer: Peer = {
      onDrain: () => void this.#agenda.after(hop, () => this.#onDrain(peer)),
      onLost: () => void this.#agenda.after(hop, () => this.#onClosed(peer)),
    };
    this.#peer = peer;
    const { helloTimeout } = this.#habits;
    this.#agenda.after(hop, () => {
      if (!this.server.reachable) return void this.#agenda.after(hop, () => this.#onFailed(peer, since));
      this.server.accept(peer);
      const hello = () => void this.#agenda.after(hop, () => this.#onOpen(peer));
      if (helloTimeout === undefined) hello();
      else this.server.whenAwake(hello);
    });
    if (helloTimeout !== undefined) this.#agenda.after(helloTimeout, () => this.#onFailed(peer, since));
  }

  /** Looks for signs of life. To be called every 100 ms. */
  beat(): void {
    if (this.#state === 'closed' || this.#state === 'dialling') return;
    const { now } = this.#agenda;
    const due = this.#signs.look(now);
    if (due === 'dead') return this.#onClosed(this.#peer!);
    if (due === 'ask') this.#ask(() => {});
    if (this.connected && this.#signs.fellSilent(now)) this.#events.onFault(this, 'heartbeat', now);
  }

  /** Whether it does its work: one call tells. */
  probe(then: (ok: boolean) => void): void {
    this.#checks.probe(then);
  }

  /** Asks something that the server answers at once. */
  #ask(then: () => void): void {
    const peer = this.#peer;
    const answer = () => {
      if (this.#peer !== peer) return;
      this.#signs.heard(this.#agenda.now);
      then();
    };
    this.#agenda.after(hop, () => this.server.whenAwake(() => void this.#agenda.after(hop, answer)));
  }

  #onOpen(peer: Peer): void {
    if (this.#peer !== peer || this.#state !== 'dialling') return this.server.forget(peer);
    const { now } = this.#agenda;
    if (this.#habits.keepsUnlisted && this.server.draining) {
      this.#saidDrain = true;
      this.#close(peer);
      this.#later(drainPause);
      return;
    }
    this.#state = 'open';
    this.reached = true;
    this.#openedAt = now;
    this.#signs = new Signs(this.#habits.heartbeat, now);
    this.downSince = undefined;
    this.#events.onConnected(this, true);
    this.#carried.sendAll();
  }

  #onFailed(peer: Peer, since: number): void {
    if (this.#peer !== peer || this.#state !== 'dialling') return;
    this.#close(peer);
    if (!this.#stopped) {
      this.#failures++;
      this.#events.onFault(this, 'refused', since);
      this.#later(this.#habits.redial(this.#failures, this.#random));
    }
    this.#carried.failAll('refused');
  }

  #onDrain(peer: Peer): void {
    if (this.#peer !== peer || !this.connected || !this.#habits.keepsUnlisted) return;
    this.#saidDrain = true;
    this.#state = 'draining';
    this.downSince = this.#agenda.now;
    this.#later(drainPause);
    this.#events.onConnected(this, false);
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#state !== 'draining' || this.inFlight > 0) return;
    this.#close(this.#peer!);
    if (!this.#stopped) this.#events.onConnected(this, false);
  }

  #onClosed(peer: Peer): void {
    if (this.#peer !== peer || this.#state === 'closed') return;
    const was = this.#state;
    this.#close(peer);
    const { now } = this.#agenda;
    if (!this.#stopped) {
      if (now - this.#openedAt >= livedAfter) this.#failures = 0;
      this.#failures++;
      if (was === 'open') {
        this.downSince = now;
        // First out of the pick: whoever hears of the fault may make a call.
        this.#events.onConnected(this, false);
        this.#events.onFault(this, 'lost', now);
      }
      this.#later(this.#habits.redial(this.#failures, this.#random));
    }
    this.#carried.failAll('lost');
  }

  #close(peer: Peer): void {
    this.server.forget(peer);
    this.#state = 'closed';
    this.#peer = undefined;
    this.#checks.lost();
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    if (this.#redial !== undefined) this.#redial.off = true;
    this.#redial = this.#agenda.after(ms, () => this.dial());
  }
}
