import { jitter, type Random } from '../core/random.ts';
import { FaultWindow } from './fault-window.ts';
import type { SuspensionOptions } from './suspension-options.ts';

const spread = 0.2;
/** Whoever makes the probe call and never says how it ended has failed with it after this, ms. */
const probePatience = 10_000;
/** 1 s x 2^k: more doublings than this no limit is above. */
const mostStrikes = 30;

interface Entry<M> {
  readonly member: M;
  readonly window: FaultWindow;
  /** True if it could take calls: it has a connection. */
  connected: boolean;
  state: 'well' | 'suspended' | 'probing';
  since: number;
  /** When it is probed: at the latest, and if its heartbeats answer. */
  until: number;
  untilAlive: number;
  /** How long the last suspension was, ms. */
  length: number;
  /** Suspensions without a good time in between. */
  strikes: number;
  /** A good time: so long after it came back, strikes are forgotten. */
  forgivenAt: number;
}

/**
 * The failed list: nodes that fail for real, and not by a jitter of the network, get no calls for a while. When the time is
 * over, ONE probe call tells whether it is well; each failed probe doubles the time.
 *
 * At most half of the connected nodes (rounded down) are on the list: of one node none, of two or three one. More would be
 * an outage of our own making. When connected nodes get fewer, those that are longest on the list come back unprobed.
 */
export class Suspensions<M> {
  readonly #options: SuspensionOptions;
  readonly #random: Random;
  readonly #entries = new Map<M, Entry<M>>();
  /** Those not well, the longest first. */
  readonly #list = new Set<Entry<M>>();
  #connected = 0;

  constructor(options: SuspensionOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Adds a member. Returns its window, in which its successes are to be counted. */
  add(member: M): FaultWindow {
    const window = new FaultWindow(this.#options.window);
    const times = { since: 0, until: 0, untilAlive: 0, length: 0, strikes: 0, forgivenAt: 0 };
    this.#entries.set(member, { member, window, connected: false, state: 'well', ...times });
    return window;
  }

  remove(member: M): M[] {
    const entry = this.#entries.get(member);
    if (entry === undefined) return [];
    this.#entries.delete(member);
    this.#list.delete(entry);
    if (entry.connected) this.#connected--;
    return this.#releaseSurplus();
  }

  /** The member can take calls, or no longer. Returns those that come back because of it. */
  setConnected(member: M, connected: boolean): M[] {
    const entry = this.#entries.get(member);
    if (entry === undefined || entry.connected === connected) return [];
    entry.connected = connected;
    this.#connected += connected ? 1 : -1;
    return this.#releaseSurplus();
  }

  /** A fault of the member. True if it is suspended for it now, which `allowed` may forbid. */
  fault(member: M, now: number, allowed: boolean): boolean {
    this.#entries.get(member)?.window.fault(now);
    return allowed && this.review(member, now);
  }

  /** Suspends the member if its window says so, and its place is free. One that is not connected waits for that. */
  review(member: M, now: number): boolean {
    const entry = this.#entries.get(member);
    const { faults, share, off } = this.#options;
    if (off || entry === undefined || entry.state !== 'well' || !entry.connected) return false;
    if (!entry.window.reaches(faults, share, now) || this.#suspended + 1 > this.#most) return false;
    if (now >= entry.forgivenAt) entry.strikes = 0;
    this.#suspend(entry, now);
    return true;
  }

  /** True while it is on the list. */
  has(member: M): boolean {
    const entry = this.#entries.get(member);
    return entry !== undefined && entry.state !== 'well';
  }

  /** When it is probed (on the clock of `now`, ms), as far as is known; undefined if it is not on the list. */
  until(member: M, alive: boolean): number | undefined {
    const entry = this.#entries.get(member);
    if (entry === undefined || entry.state === 'well') return undefined;
    return alive ? entry.untilAlive : entry.until;
  }

  /** The members whose time is over: each gets one probe call, whose end is told by `probed`. To be asked every 100 ms or so. */
  due(now: number, alive: (member: M) => boolean): M[] {
    const due: M[] = [];
    for (const entry of this.#list) {
      const { member } = entry;
      if (entry.state === 'probing') {
        if (now - entry.since >= probePatience) this.probed(member, false, now);
      } else if (entry.connected && now >= (alive(member) ? entry.untilAlive : entry.until)) {
        entry.state = 'probing';
        entry.since = now;
        due.push(member);
      }
    }
    return due;
  }

  /** How the probe call ended. True if the member comes back. One that came back meanwhile is not concerned. */
  probed(member: M, ok: boolean, now: number): boolean {
    const entry = this.#entries.get(member);
    if (entry?.state !== 'probing') return false;
    if (ok) {
      this.#release(entry);
      entry.forgivenAt = now + Math.max(this.#options.window, entry.length);
    } else this.#suspend(entry, now);
    return ok;
  }

  /** All come back: there is no one better. Returns them. */
  releaseAll(): M[] {
    return Array.from(this.#list, (entry) => {
      this.#release(entry);
      return entry.member;
    });
  }

  get #most(): number {
    return Math.floor(this.#connected / 2);
  }

  /** Suspended members that could else take calls. */
  get #suspended(): number {
    let count = 0;
    for (const { connected } of this.#list) if (connected) count++;
    return count;
  }

  #suspend(entry: Entry<M>, now: number): void {
    const { base, max, maxAlive } = this.#options;
    const length = Math.min(max, base * 2 ** entry.strikes);
    entry.strikes = Math.min(mostStrikes, entry.strikes + 1);
    entry.state = 'suspended';
    entry.since = now;
    entry.length = length;
    entry.until = now + Math.min(max, jitter(length, spread, this.#random));
    entry.untilAlive = Math.min(
      entry.until,
      now + Math.min(maxAlive, jitter(Math.min(length, maxAlive), spread, this.#random)),
    );
    this.#list.add(entry);
  }

  #release(entry: Entry<M>): void {
    entry.state = 'well';
    entry.window.clear();
    this.#list.delete(entry);
  }

  #releaseSurplus(): M[] {
    const released: M[] = [];
    for (const entry of this.#list) {
      if (this.#suspended <= this.#most) break;
      if (!entry.connected) continue;
      this.#release(entry);
      released.push(entry.member);
    }
    return released;
  }
}
