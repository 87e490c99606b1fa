import type { MakeContender } from './contender.ts';
import { Evenkeel } from './evenkeel.ts';
import { Envoy } from './rivals/envoy.ts';
import { Halving } from './rivals/halving.ts';
import { Sofa } from './rivals/sofa.ts';

/** What can be simulated side by side, by name. */
export interface SimulatedPolicy {
  readonly name: string;
  readonly title: string;
  readonly make: MakeContender;
}

const list: readonly SimulatedPolicy[] = [
  { name: 'evenkeel', title: 'evenkeel', make: (random) => new Evenkeel(random) },
  {
    name: 'evenkeel-latency',
    title: 'evenkeel, `latency`',
    make: (random) => new Evenkeel(random, { balancer: 'latency' }),
  },
  { name: 'halving', title: 'plain halving', make: (random) => new Halving(random) },
  { name: 'envoy', title: 'Envoy', make: (random) => new Envoy(random) },
  {
    name: 'envoy-one',
    title: 'Envoy, always one',
    make: (random) => new Envoy(random, { alwaysEjectOneHost: true }),
  },
  { name: 'sofa', title: 'SOFA', make: (random) => new Sofa(random) },
];

export const policies: ReadonlyMap<string, SimulatedPolicy> = new Map(list.map((policy) => [policy.name, policy]));
