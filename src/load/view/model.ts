import type { ClusterState } from '../cluster.ts';
import type { Moment } from '../conductor.ts';
import type { PlayedEvent } from '../recording.ts';
import type { SentRecord } from '../sample.ts';
import type { Scenario } from '../scenario.ts';
import { leastLength } from '../scenario-plan.ts';
import { usualLength, usualTime } from '../settle.ts';
import { quantile, sorted } from '../statistics.ts';

/** What the screen shows at one moment. Times in ms. */
export interface Snapshot {
  /** Since the load began; undefined before. */
  elapsed: number | undefined;
  /** About how long it will go on. */
  remaining: number;
  calls: number;
  /** Within the last two seconds, a second. */
  rate: number;
  p50: number | undefined;
  p99: number | undefined;
  /** Ended otherwise than with the right answer. Whether a call is lost is judged at the end, from the books. */
  failed: number;
  retried: number;
  unknown: number;
  state: ClusterState | undefined;
  playing: { name: string; at: number } | undefined;
  played: readonly PlayedEvent[];
}

const window = 2000;
/** As in the conductor: load goes on after the last event for a call's deadline, usually 5 s, and one more. */
const tail = 6000;

/** Puts together, from what is told while it happens, what the screen shows. */
export class ViewModel {
  readonly #scenario: Scenario;
  readonly #sent = new Map<string, SentRecord>();
  readonly #recent: { at: number; took: number }[] = [];
  readonly #played: PlayedEvent[] = [];
  #began: number | undefined;
  #calls = 0;
  #failed = 0;
  #retried = 0;
  #unknown = 0;
  #state: ClusterState | undefined;
  #playing: { index: number; name: string; at: number } | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  tell(moment: Moment): void {
    switch (moment.kind) {
      case 'load-begins':
        this.#began = moment.at;
        break;
      case 'record':
        this.#record(moment.record);
        break;
      case 'state':
        this.#state = moment.state;
        break;
      case 'event-begins':
        this.#playing = moment;
        break;
      case 'event-ends':
        this.#playing = undefined;
        this.#played.push(moment.event);
        break;
      case 'load-ends':
        break;
    }
  }

  /** What to show at that time, ms since 1970. */
  snapshot(now: number): Snapshot {
    while (this.#recent[0] !== undefined && this.#recent[0].at < now - window) this.#recent.shift();
    const latencies = sorted(this.#recent.map(({ took }) => took));
    const elapsed = this.#began === undefined ? undefined : now - this.#began;
    return {
      elapsed,
      remaining: this.#remaining(now),
      calls: this.#calls,
      rate: rateOf(this.#recent),
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      failed: this.#failed,
      retried: this.#retried,
      unknown: this.#unknown,
      state: this.#state,
      playing: this.#playing,
      played: this.#played,
    };
  }

  #record(record: Extract<Moment, { kind: 'record' }>['record']): void {
    if (record.kind === 'sent') {
      this.#calls++;
      this.#sent.set(record.id, record);
    } else if (record.kind === 'end') {
      const sent = this.#sent.get(record.id);
      this.#sent.delete(record.id);
      if (sent !== undefined) this.#recent.push({ at: record.at, took: record.at - sent.intended });
      if (record.attempts > 1) this.#retried++;
      if (record.outcome === 'ok') return;
      if (sent?.unsafe && record.mayHaveExecuted) this.#unknown++;
      else this.#failed++;
    } else if (record.kind === 'dropped') this.#failed += record.count;
  }

  /** From what events usually take. */
  #remaining(now: number): number {
    const { events, load } = this.#scenario;
    const begun = this.#played.length + (this.#playing === undefined ? 0 : 1);
    let left = usualLength(events.slice(begun)) + tail;
    if (this.#playing !== undefined) {
      const step = events[this.#playing.index - 1]!;
      left += Math.max(500, usualTime(step) - (now - this.#playing.at));
    } else {
      const since = this.#played.at(-1)?.settledAt ?? this.#began ?? now;
      left -= Math.min(now - since, begun < events.length ? events[begun]!.at : tail);
    }
    const least = this.#began === undefined ? 0 : this.#began + leastLength(load) - now;
    return Math.max(0, left, least);
  }
}

/** Answers a second. Until the last one: a generator may hand over what it did a moment late. */
function rateOf(recent: readonly { at: number }[]): number {
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return 0;
  return ((recent.length - 1) * 1000) / (last.at - first.at);
}
