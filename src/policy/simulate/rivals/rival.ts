import type { AttemptEnd, Contender, Habits, Target, Trouble } from '../contender.ts';

/** What systems without hedging, probes and health checks have in common: they learn from attempts alone. */
export abstract class Rival<N> implements Contender {
  abstract readonly habits: Habits;
  panics = 0;
  /** What is remembered of each server, in the order in which they came. */
  protected readonly nodes = new Map<Target, N>();

  /** What is known of a server at first. */
  protected abstract fresh(now: number): N;
  protected abstract onEnd(node: N, end: AttemptEnd, now: number): void;

  abstract pick(tried: readonly Target[], now: number): Target | undefined;
  abstract again(trouble: Trouble, now: number): { after: number; charged: boolean } | undefined;
  abstract standing(target: Target): number;

  add(target: Target, now: number): void {
    this.nodes.set(target, this.fresh(now));
  }

  remove(target: Target): void {
    this.nodes.delete(target);
  }

  has(target: Target): boolean {
    return this.nodes.has(target);
  }

  ended(target: Target, end: AttemptEnd, _startedAt: number, _timeout: number, now: number): void {
    const node = this.nodes.get(target);
    if (node !== undefined) this.onEnd(node, end, now);
  }

  setConnected(_target: Target, _connected: boolean, _now: number): void {}
  fault(): void {}
  healthy(): void {}
  began(): void {}
  called(): void {}
  probed(): void {}
  advance(_now: number): void {}

  hedgeDelay(): undefined {
    return undefined;
  }

  hedge(): boolean {
    return false;
  }

  due(): readonly Target[] {
    return [];
  }
}

/** True for the ends that are held against a server. */
export function isFailure(end: AttemptEnd): boolean {
  return end !== 'ok' && end !== 'cancelled' && end !== 'draining';
}
