import { type Clock, every, isoTime, type Timer } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { ClientEvents } from './events.ts';
import type { Notice, NoticeFacts } from './notice.ts';

/** How fast notices of one kind may come. */
interface Pace {
  /** So many at once ... */
  readonly burst: number;
  /** ... and one more after each of these, ms. */
  readonly interval: number;
}

/** What begins and ends: two whole episodes at once, so that the end is told as soon as the beginning. */
const changes: Pace = { burst: 4, interval: 15_000 };
/** What only happens, and goes on happening with each call. */
const occurrences: Pace = { burst: 1, interval: 60_000 };

interface Kind {
  left: number;
  /** The last that came too fast. It is told later: what a receiver hears last must be what is true. */
  held: { facts: NoticeFacts; at: number; skipped: number } | undefined;
  readonly timer: Timer;
}

/**
 * Makes of a client's events, which may come with each call, what an operator is told: an episode once, and what flaps not
 * more often than can be read. Of what came too fast the last is told later, with how many were left out.
 */
export class Notices {
  readonly #events: Events<ClientEvents>;
  readonly #clock: Clock;
  /** Those of which something was told lately. */
  readonly #kinds = new Map<string, Kind>();
  readonly #suspended = new Set<string>();
  readonly #open = new Set<string>();
  #closed = false;

  constructor(events: Events<ClientEvents>, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
    events.on('suspended', ({ id: node, cause, for: time, attempt = null }) => {
      // The same episode goes on.
      if (cause === 'probe') return;
      this.#suspended.add(node);
      this.#tell(`node ${node}`, changes, { event: 'suspended', node, cause, for: time, attempt });
    });
    const returned = (node: string, cause: Extract<NoticeFacts, { event: 'returned' }>['cause']) => {
      if (this.#suspended.delete(node)) this.#tell(`node ${node}`, changes, { event: 'returned', node, cause });
    };
    events.on('returned', ({ id, cause }) => returned(id, cause));
    events.on('left', ({ id }) => returned(id, 'left'));
    events.on('tier', (fact) => this.#tell('tier', changes, { event: 'tier', ...fact }));
    events.on('panic', (fact) => this.#tell('panic', changes, { event: 'panic', ...fact }));
    events.on('registry-stale', (fact) => this.#tell('registry', changes, { event: 'registry-stale', ...fact }));
    events.on('registry-known', (fact) => this.#tell('registry', changes, { event: 'registry-known', ...fact }));
    // All methods have one budget.
    events.on('budget-empty', (fact) => this.#tell('budget', occurrences, { event: 'budget-empty', ...fact }));
    events.on('breaker', (fact) => {
      const { method, state } = fact;
      if (state === 'open') {
        // A trial that failed is no new episode.
        if (this.#open.has(method)) return;
        this.#open.add(method);
        this.#tell(`breaker ${method}`, changes, { event: 'breaker', method, state, cause: fact.cause });
      } else if (state === 'closed') {
        this.#open.delete(method);
        this.#tell(`breaker ${method}`, changes, { event: 'breaker', method, state });
      }
    });
    events.on('fallback', ({ method, error: { code, reason = null, message } }) =>
      this.#tell(`fallback ${method}`, occurrences, { event: 'fallback', method, code, reason, message }),
    );
  }

  /** Tells nothing more. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#kinds.values()) timer.cancel();
    this.#kinds.clear();
  }

  #tell(name: string, pace: Pace, facts: NoticeFacts): void {
    if (this.#closed) return;
    const at = this.#clock.wallTime();
    const kind = this.#kinds.get(name) ?? this.#make(name, pace);
    if (kind.left > 0) {
      kind.left--;
      this.#emit(facts, at, 0);
    } else kind.held = { facts, at, skipped: kind.held === undefined ? 0 : kind.held.skipped + 1 };
  }

  #make(name: string, pace: Pace): Kind {
    const kind: Kind = {
      left: pace.burst,
      held: undefined,
      timer: every(this.#clock, pace.interval, () => this.#onInterval(name, kind, pace)),
    };
    this.#kinds.set(name, kind);
    return kind;
  }

  #onInterval(name: string, kind: Kind, { burst }: Pace): void {
    const { held } = kind;
    kind.held = undefined;
    if (held !== undefined) return this.#emit(held.facts, held.at, held.skipped);
    kind.left++;
    if (kind.left < burst) return;
    // It has been quiet for so long that nothing need be known of it.
    kind.timer.cancel();
    this.#kinds.delete(name);
  }

  #emit(facts: NoticeFacts, at: number, skipped: number): void {
    const notice: Notice = { ...facts, at: isoTime(at), skipped };
    this.#events.emit('notice', notice);
  }
}
