import type { Agenda, Due } from './agenda.ts';
import type { Sent } from './carried.ts';
import type { AttemptEnd, Contender } from './contender.ts';
import type { Link } from './link.ts';
import type { Recorder } from './recorder.ts';

/** What a call needs of its client. */
export interface CallHost {
  readonly agenda: Agenda;
  readonly contender: Contender;
  readonly recorder: Recorder;
  /** Calls back when there is a server to pick, or after some time with `false`. */
  wait(call: Call, then: (ok: boolean) => void): void;
  /** True if a server could be picked that is none of these. */
  hasOther(tried: readonly Link[]): boolean;
}

interface Attempt extends Sent {
  /** Undefined while it waits for a server. */
  link: Link | undefined;
  sentAt: number;
}

/** From when on a silent attempt may be sent to a second server, ms. */
const shortestDelay = 100;
/** When a silent call that cannot be sent to a second server now is looked at again, ms. */
const lookAgainAfter = 100;
const maxAttempts = 3;
const maxLosses = 2;

/** One call with its attempts, one after the other and, when hedged, two at a time. As `client/retry.ts` does it. */
export class Call {
  readonly deadline: number;
  readonly #host: CallHost;
  readonly #since: number;
  readonly #hasty: boolean;
  readonly #running: Attempt[] = [];
  readonly #failed: Link[] = [];
  #made = 0;
  #unsent = 0;
  #losses = 0;
  #refusals = 0;
  #done = false;
  #timer: Due | undefined;
  #deadlineTimer: Due | undefined;

  constructor(host: CallHost, timeout: number, hasty: boolean) {
    this.#host = host;
    this.#since = host.agenda.now;
    this.deadline = this.#since + timeout;
    this.#hasty = hasty;
  }

  get done(): boolean {
    return this.#done;
  }

  start(): void {
    const { agenda, contender, recorder } = this.#host;
    recorder.onCall(this.#hasty);
    contender.called(agenda.now);
    this.#deadlineTimer = agenda.after(this.deadline - agenda.now, () => this.#onDeadline());
    this.#try();
  }

  #try(): void {
    this.#made++;
    const attempt: Attempt = {
      ...{ link: undefined, sentAt: 0, over: false },
      onEnd: (end) => this.#onEnd(attempt, end),
    };
    this.#running.push(attempt);
    this.#pick(attempt);
  }

  #pick(attempt: Attempt): void {
    const { agenda, contender, recorder } = this.#host;
    const { now } = agenda;
    const link = contender.pick(this.#tried(), now) as Link | undefined;
    if (link === undefined) {
      this.#host.wait(this, (ok) => {
        if (this.#done) return;
        if (ok) this.#pick(attempt);
        else this.#finish(undefined);
      });
      return;
    }
    attempt.link = link;
    attempt.sentAt = now;
    recorder.onAttempt(link.id, now);
    link.send(attempt);
    contender.began(link, now);
    if (this.#mayHedge) this.#at(shortestDelay, this.#look);
  }

  #onEnd(attempt: Attempt, end: AttemptEnd): void {
    const { agenda, contender, recorder } = this.#host;
    const { now } = agenda;
    const link = attempt.link!;
    attempt.over = true;
    contender.ended(link, end, attempt.sentAt, this.deadline - attempt.sentAt, now);
    if (this.#done) return;
    if (end === 'ok') {
      recorder.onAnswered(now - this.#since, this.#hasty);
      return this.#finish(attempt);
    }
    this.#running.splice(this.#running.indexOf(attempt), 1);
    this.#failed.push(link);
    if (end === 'refused') this.#unsent++;
    if (end === 'lost') this.#losses++;
    // The other of two attempts may still bring the answer.
    if (this.#running.length > 0) return this.#look();
    const again = contender.again(
      {
        ...{ end, made: this.#made, unsent: this.#unsent, losses: this.#losses, refusals: this.#refusals },
        ...{ deadline: this.deadline, untried: this.#host.hasOther(this.#tried()) },
      },
      now,
    );
    if (again === undefined) return this.#finish(undefined);
    if ((end === 'overloaded' || end === 'draining') && !again.charged) this.#refusals++;
    this.#at(again.after, () => this.#again('retry'));
  }

  #again(kind: 'retry' | 'hedge'): void {
    if (this.#done) return;
    this.#host.recorder.onAgain(kind);
    this.#try();
  }

  get #mayHedge(): boolean {
    return this.#running.length === 1 && this.#made - this.#unsent < maxAttempts && this.#losses + 1 < maxLosses;
  }

  /** Sends a call that has been silent for long to a second server too, if there is one and it is allowed. */
  readonly #look = (): void => {
    const { agenda, contender } = this.#host;
    const [only] = this.#running;
    if (this.#done || only?.link === undefined || !this.#mayHedge) return;
    const { now } = agenda;
    const delay = contender.hedgeDelay(now);
    if (delay === undefined) return;
    const rest = only.sentAt + delay - now;
    if (rest > 0) this.#at(Math.min(rest, lookAgainAfter), this.#look);
    else if (this.#host.hasOther(this.#tried()) && contender.hedge(now)) this.#again('hedge');
    else this.#at(lookAgainAfter, this.#look);
  };

  #at(ms: number, callback: () => void): void {
    if (this.#timer !== undefined) this.#timer.off = true;
    this.#timer = this.#host.agenda.after(ms, callback);
  }

  #tried(): Link[] {
    const tried = [...this.#failed];
    for (const { link } of this.#running) if (link !== undefined) tried.push(link);
    return tried;
  }

  #onDeadline(): void {
    if (!this.#done) this.#finish(undefined, 'timeout');
  }

  #finish(winner: Attempt | undefined, end: AttemptEnd = 'cancelled'): void {
    const { agenda, contender, recorder } = this.#host;
    this.#done = true;
    if (this.#timer !== undefined) this.#timer.off = true;
    this.#deadlineTimer!.off = true;
    if (winner === undefined) recorder.onLost(this.#hasty);
    for (const attempt of this.#running) {
      if (attempt === winner || attempt.link === undefined) continue;
      attempt.link.cancel(attempt);
      contender.ended(attempt.link, end, attempt.sentAt, this.deadline - attempt.sentAt, agenda.now);
    }
  }
}
