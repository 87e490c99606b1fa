/** What a pick costs, by balancer and number of nodes. */
import { systemClock as clock } from '../src/core/clock.ts';
import { seeded } from '../src/core/random.ts';
import { type BalancerName, balancerNames, makeBalancer } from '../src/policy/balance/index.ts';
import type { Options } from './options.ts';
import { type Spread, spread } from './spread.ts';

export interface PickFigures {
  balancer: BalancerName;
  nodes: number;
  /** ns per pick */
  time: Spread;
}

export const sizes = [10, 1_000, 10_000] as const;
/** Calls at work while picking. */
const window = 1_024;
/** One pick in so many finds a node with another weight. */
const changeEvery = 100;
/** Calls a second, by the clock that the balancers see. */
const rate = 100_000;
const none: readonly never[] = [];
const keys = Array.from({ length: 8_192 }, (_, i) => `customer-${i}`);

interface Node {
  id: string;
  base: number;
  weight: number;
  healthy: boolean;
  inFlight: number;
  reported: number;
}

export function measurePicks(options: Options): PickFigures[] {
  const cases = balancerNames.flatMap((balancer) => sizes.map((nodes) => ({ balancer, nodes, times: [] as number[] })));
  for (const { balancer, nodes } of cases) time(balancer, nodes, options.warmUp / 10);
  for (let round = 0; round < options.rounds; round++) {
    for (const { balancer, nodes, times } of cases) times.push(time(balancer, nodes, options.measure / 10));
  }
  return cases.map(({ balancer, nodes, times }) => ({ balancer, nodes, time: spread(times) }));
}

/**
 * Nanoseconds per pick, with what goes with it: a call begins on the node picked and the oldest one ends, and at 1 % of the
 * calls the weight of the node picked is halved, or comes back.
 */
function time(name: BalancerName, size: number, ms: number): number {
  const balancer = makeBalancer<Node>(name, seeded(1));
  for (let i = 0; i < size; i++) {
    const base = 1 << (i % 11);
    balancer.add({ id: `node-${i}`, base, weight: base, healthy: true, inFlight: 0, reported: (i % 10) / 10 });
  }
  const working: (Node | undefined)[] = new Array(window).fill(undefined);
  const begin = clock.now();
  let picks = 0;
  while (clock.now() - begin < ms) {
    for (let i = 0; i < window; i++, picks++) {
      const now = (picks * 1_000) / rate;
      const node = balancer.pick(none, keys[picks % keys.length])!;
      node.inFlight++;
      balancer.began(node, now);
      const ended = working[i];
      if (ended !== undefined) {
        ended.inFlight--;
        balancer.ended(ended, now, 5 + (picks % 7), false);
      }
      working[i] = node;
      if (picks % changeEvery === 0) {
        node.weight = node.weight === node.base ? node.base / 2 : node.base;
        node.healthy = node.weight >= node.base / 2;
        balancer.update(node);
      }
    }
  }
  return ((clock.now() - begin) * 1e6) / picks;
}
