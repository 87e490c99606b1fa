import type { Random } from '../../../core/random.ts';
import { backoff } from '../../backoff.ts';
import type { AttemptEnd, Habits, Target, Trouble } from '../contender.ts';
import { isFailure, Rival } from './rival.ts';

const base = 1_024;
const maxAttempts = 3;

/**
 * Weights that halve and double, and nothing else: drawn by weight, an error halves down to 1, a success doubles up to the
 * base. What anybody writes first. It has evenkeel's connections and heartbeats, and 3 attempts on different servers; no
 * failed list, no recovery by time, no hedging, no budget, and it does not look whether a server is connected.
 */
export class Halving extends Rival<{ weight: number }> {
  readonly habits: Habits = {
    heartbeat: { pingAfter: 1_000, deadAfter: 3_000 },
    helloTimeout: 1_000,
    redial: (failures, random) => backoff(failures, undefined, random),
    maxWait: 5_000,
    keepsUnlisted: false,
    subset: Number.POSITIVE_INFINITY,
  };
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  protected override fresh(): { weight: number } {
    return { weight: base };
  }

  protected override onEnd(node: { weight: number }, end: AttemptEnd): void {
    if (end === 'ok') node.weight = Math.min(base, node.weight * 2);
    else if (isFailure(end)) node.weight = Math.max(1, node.weight / 2);
  }

  override pick(tried: readonly Target[]): Target | undefined {
    const others = tried.length > 0 && [...this.nodes.keys()].some((target) => !tried.includes(target));
    const allowed = others ? [...this.nodes].filter(([target]) => !tried.includes(target)) : [...this.nodes];
    let point = this.#random() * allowed.reduce((sum, [, { weight }]) => sum + weight, 0);
    for (const [target, { weight }] of allowed) {
      point -= weight;
      if (point < 0) return target;
    }
    return allowed.at(-1)?.[0];
  }

  override again({ end, made }: Trouble): { after: number; charged: boolean } | undefined {
    return made < maxAttempts && end !== 'timeout' ? { after: 0, charged: true } : undefined;
  }

  override standing(target: Target): number {
    return this.nodes.get(target)!.weight / base;
  }
}
