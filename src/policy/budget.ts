import { expectRange } from './range.ts';

export interface RetryBudgetOptions {
  /** How many retries are allowed per call. Default 0.2; 0..1: more than one retry for each call is no bound any more. */
  ratio: number;
  /** How many retries are allowed per second besides, so that a client with few calls can retry at all. Default 10; 0..10,000. */
  perSecond: number;
  /** How long calls and retries are remembered, ms. Default 10,000; 1,000..60,000. */
  window: number;
}

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function budgetOptions(given: Partial<RetryBudgetOptions> = {}): RetryBudgetOptions {
  const { ratio = 0.2, perSecond = 10, window = 10_000 } = given;
  expectRange('budget.ratio', ratio, 0, 1);
  expectRange('budget.perSecond', perSecond, 0, 10_000);
  expectRange('budget.window', window, 1_000, 60_000);
  return { ratio, perSecond, window };
}

/** Steps in which the window moves on. */
const slices = 10;
/** A retry is remembered one slice longer than a call, so that a slice's width never lets one retry too many through. */
const kept = slices + 1;

/**
 * Keeps retries from multiplying an outage: whenever a retry is granted, those granted within the window just ending are
 * at most `ratio` x its calls + `perSecond` x its seconds. After Finagle's RetryBudget, with the window in ten slices.
 * One per client, shared by all that sends a call again: retries and hedges.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #width: number;
  readonly #calls = new Float64Array(kept);
  readonly #retries = new Float64Array(kept);
  /** The slice that `now` was in when something was last written. */
  #slice = 0;
  /** Calls of the last `slices`, retries of the last `kept`, up to `#slice`. */
  #callSum = 0;
  #retrySum = 0;

  /** @throws RangeError for an option out of range */
  constructor(given: Partial<RetryBudgetOptions> = {}) {
    const { ratio, perSecond, window } = budgetOptions(given);
    this.#ratio = ratio;
    this.#reserve = (perSecond * window) / 1_000;
    this.#width = window / slices;
  }

  /** One call was made. */
  deposit(now: number): void {
    this.#moveTo(now);
    this.#calls[this.#slice % kept]!++;
    this.#callSum++;
  }

  /** Takes a retry out of the budget. False if it is empty: then the call must fail now. */
  withdraw(now: number): boolean {
    this.#moveTo(now);
    if (this.#allowed(this.#callSum, this.#retrySum) < 1) return false;
    this.#retries[this.#slice % kept]!++;
    this.#retrySum++;
    return true;
  }

  /** How many retries would be granted now. */
  balance(now: number): number {
    const slice = Math.floor(now / this.#width);
    let calls = 0;
    let retries = 0;
    for (let past = this.#slice; past > this.#slice - kept && past >= 0; past--) {
      if (past > slice - slices) calls += this.#calls[past % kept]!;
      if (past > slice - kept) retries += this.#retries[past % kept]!;
    }
    return Math.floor(this.#allowed(calls, retries));
  }

  #allowed(calls: number, retries: number): number {
    return this.#ratio * calls + this.#reserve - retries;
  }

  #moveTo(now: number): void {
    const slice = Math.floor(now / this.#width);
    if (slice > this.#slice) this.#forget(slice);
  }

  /** Moves the window's end to `slice`, forgetting what leaves it. */
  #forget(slice: number): void {
    // After a pause longer than the window all of it is forgotten, and going round more than once changes nothing.
    for (let next = Math.max(this.#slice + 1, slice - kept); next <= slice; next++) {
      this.#callSum -= this.#calls[(next + 1) % kept]!;
      this.#calls[(next + 1) % kept] = 0;
      this.#retrySum -= this.#retries[next % kept]!;
      this.#retries[next % kept] = 0;
    }
    this.#slice = slice;
  }
}
