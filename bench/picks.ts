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

const sizes = [10, 1_000, 10_000];
/** Calls at work while picking. */
const window = 1_024;
const none: readonly never[] = [];

interface Node {
  id: string;
  weight: number;
  healthy: boolean;
  inFlight: number;
}

export function measurePicks(options: Options): PickFigures[] {
  const cases = balancerNames.flatMap((balancer) => sizes.map((nodes) => ({ balancer, nodes, times: [] as number[] })));
  for (const { balancer, nodes } of cases) time(balancer, nodes, options.warmUp / 10);
  for (let round = 0; round < options.rounds; round++) {
    for (const { balancer, nodes, times } of cases) times.push(time(balancer, nodes, options.measure / 10));
  }
  return cases.map(({ balancer, nodes, times }) => ({ balancer, nodes, time: spread(times) }));
}

/** Nanoseconds per pick, with what goes with it: a call begins on the node picked and the oldest one ends. */
function time(name: BalancerName, size: number, ms: number): number {
  const balancer = makeBalancer<Node>(name, seeded(1));
  for (let i = 0; i < size; i++) balancer.add({ id: `n${i}`, weight: 1 << (i % 11), healthy: true, inFlight: 0 });
  const working: (Node | undefined)[] = new Array(window).fill(undefined);
  const begin = clock.now();
  let picks = 0;
  while (clock.now() - begin < ms) {
    for (let i = 0; i < window; i++, picks++) {
      const node = balancer.pick(none)!;
      node.inFlight++;
      const ended = working[i];
      if (ended !== undefined) ended.inFlight--;
      working[i] = node;
    }
  }
  return ((clock.now() - begin) * 1e6) / picks;
}
