import { SlowShare } from './slow-share.ts';

/** The delay is this many times the recent p99: a call that is three times as late as nearly all others is not just slow. */
const times = 3;
/** Bounds of the delay, ms. */
export const shortestDelay = 100;
const longest = 400;
/** The width of a bucket, ms: the delay is exact to three times this. */
const width = 4;
/** Latencies are only told apart where the answer depends on it: up to longest / times. The last bucket holds the rest. */
const buckets = Math.ceil(longest / times / width) + 1;
/** Latencies of the running window and of the one before count, ms. */
const window = 10_000;
/** With fewer latencies than this, p99 is a matter of luck. */
const enough = 32;

/**
 * When a silent attempt is also sent to a second node: after max(100 ms, 3 x the method's recent p99), at most 400 ms; as
 * long as fewer than 32 calls were answered recently, after 400 ms. Of a method that is slow as a rule, later: when 19 of 20
 * would have been answered (SlowShare). One for each method. It remembers counts, no times.
 */
export class HedgeDelay {
  readonly #slow = new SlowShare(longest);
  #current = new Uint32Array(buckets);
  #previous = new Uint32Array(buckets);
  #count = 0;
  #previousCount = 0;
  /** When the current window ends. */
  #end = 0;

  /** An attempt was answered. @param ms from its sending to its answer */
  record(ms: number, now: number): void {
    if (now >= this.#end) this.#turn(now);
    this.#slow.record(ms);
    this.#current[Math.min(buckets - 1, Math.max(0, Math.floor(ms / width)))]!++;
    this.#count++;
  }

  /** How long to wait for an answer before the call is sent to a second node too, ms. */
  delay(now: number): number {
    // No one turned the windows since the last record: they may be old.
    const current = now < this.#end + window;
    const previous = now < this.#end;
    const total = (current ? this.#count : 0) + (previous ? this.#previousCount : 0);
    if (total < enough) return Math.max(longest, this.#slow.edge());
    // From the slow end, down to the bucket with p99 in it; what is below `shortestDelay` need not be told apart.
    let bucket = buckets - 1;
    let above = 0;
    for (; upperEdge(bucket) * times > shortestDelay; bucket--) {
      above += this.#current[bucket]! + (previous ? this.#previous[bucket]! : 0);
      if (above > Math.floor(total / 100)) break;
    }
    const delay = Math.min(longest, Math.max(shortestDelay, upperEdge(bucket) * times));
    return delay < longest ? delay : Math.max(longest, this.#slow.edge());
  }

  #turn(now: number): void {
    this.#slow.turn();
    const adjoining = now < this.#end + window;
    const old = this.#previous;
    this.#previous = this.#current;
    this.#previousCount = adjoining ? this.#count : 0;
    if (!adjoining) this.#previous.fill(0);
    this.#current = old.fill(0);
    this.#count = 0;
    this.#end = now + window;
  }
}

function upperEdge(bucket: number): number {
  return (bucket + 1) * width;
}
