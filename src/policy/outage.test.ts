import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '../core/random.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { type BalancerName, balancerNames, makeBalancer } from './balance/index.ts';
import type { WeightOptions } from './weight-options.ts';
import { Weights } from './weights.ts';

/** Nodes of weight 1024 that all failed until they were at the floor, at the time 0. Recovery by time is without jitter. */
function afterOutage(ids: string, options: Partial<WeightOptions> = {}): Weights {
  const weights = new Weights(options, () => 0.5);
  for (const id of ids) {
    weights.add(id, 1024, 0, { slowStart: false });
    for (let i = 0; i < 10; i++) weights.fault(id, 'lost', 0, 0);
  }
  return weights;
}

function succeed(weights: Weights, id: string, times: number, now = 0): number {
  for (let i = 0; i < times; i++) weights.success(id, now);
  return weights.weight(id);
}

test('a node that answers waits just below healthy while another has not spoken', () => {
  const weights = afterOutage('AB');
  assert.equal(succeed(weights, 'A', 8), 256);
  assert.equal(succeed(weights, 'A', 20), 256);
  assert.equal(succeed(weights, 'B', 7), 128, 'on its way');
  assert.equal(succeed(weights, 'A', 1), 256);
  assert.equal(succeed(weights, 'B', 1), 256, 'it has come up to the line');
  assert.equal(succeed(weights, 'A', 1), 512);
  assert.equal(succeed(weights, 'B', 2), 1024);
});

test('recovery at once waits like the others', () => {
  const weights = afterOutage('AB', { recovery: 'restore' });
  assert.equal(succeed(weights, 'A', 1), 256);
  assert.equal(succeed(weights, 'B', 1), 256);
  assert.equal(succeed(weights, 'A', 1), 1024);
});

test('no one waits for a node that fails: it is worse, and not just unlucky', () => {
  const weights = afterOutage('ABC');
  succeed(weights, 'A', 9);
  weights.fault('B', 'unhandled', 1, 1);
  assert.equal(succeed(weights, 'A', 1), 256, 'C has not spoken');
  weights.fault('C', 'unhandled', 1, 1);
  assert.equal(succeed(weights, 'A', 1), 512);
  assert.deepEqual([weights.weight('B'), weights.weight('C')], [1, 1]);
});

test('no one waits for a node that is removed', () => {
  const weights = afterOutage('AB');
  succeed(weights, 'A', 9);
  weights.remove('B');
  assert.equal(succeed(weights, 'A', 1), 512);
});

test('a single node waits for no one', () => {
  assert.equal(succeed(afterOutage('A'), 'A', 10), 1024);
});

test('while another node is healthy no one waits', () => {
  const weights = afterOutage('AB');
  weights.add('C', 1024, 0, { slowStart: true });
  assert.equal(succeed(weights, 'A', 10), 1024);
});

test('a healthy newcomer ends the wait', () => {
  const weights = afterOutage('AB');
  assert.equal(succeed(weights, 'A', 9), 256);
  weights.add('C', 1024, 0, { slowStart: true });
  assert.equal(succeed(weights, 'A', 1), 512);
});

test('after two intervals the wait is over: those that live are raised to the line as well', () => {
  const weights = afterOutage('ABCD');
  succeed(weights, 'A', 9);
  weights.fault('C', 'lost', 1, 1);
  weights.advance(999, (id) => id !== 'D');
  assert.deepEqual(
    [weights.weight('A'), weights.weight('B'), weights.weight('C'), weights.weight('D')],
    [256, 2, 2, 1],
  );
  const changes = weights.advance(1_000, (id) => id !== 'D');
  assert.deepEqual(
    changes.filter(({ id }) => id === 'B')[0],
    { id: 'B', at: 1_000, from: 2, to: 256, cause: 'time' },
    'silent, but its heartbeats answer',
  );
  assert.ok(weights.weight('C') < 256, 'it has failed since');
  assert.equal(weights.weight('D'), 1, 'its heartbeats do not answer');
  assert.ok(weights.healthy('A') && weights.healthy('B'), 'and no one waits any more');
});

test('a second outage right after the first begins the wait anew', () => {
  const weights = afterOutage('AB');
  succeed(weights, 'A', 9);
  weights.fault('A', 'lost', 10, 10);
  assert.equal(succeed(weights, 'A', 2, 900), 256, 'it fell below the line, so this is another wait');
  weights.fault('B', 'lost', 910, 910);
  weights.fault('A', 'lost', 920, 920);
  for (let i = 0; i < 10; i++) weights.fault('B', 'lost', 930, 930);
  assert.equal(succeed(weights, 'A', 2, 940), 256);
  weights.advance(1_939, () => true);
  assert.ok(!weights.healthy('A'));
});

test('an outage later on is one of its own, even if a node stays at the line', () => {
  const weights = afterOutage('AB');
  succeed(weights, 'A', 8);
  succeed(weights, 'B', 8);
  assert.equal(succeed(weights, 'A', 2), 1024, 'over');
  for (let i = 1; i <= 10; i++) weights.fault('B', 'lost', i, i);
  weights.fault('A', 'lost', 11, 11);
  weights.fault('A', 'lost', 12, 12);
  assert.equal(succeed(weights, 'A', 5, 13), 256);
});

test('a node between the line and healthy waits where it is', () => {
  const weights = afterOutage('AB', { decay: { overload: 0.4 } });
  weights.add('C', 1000, 0, { slowStart: false });
  weights.fault('C', 'overload', 0, 0);
  assert.equal(succeed(weights, 'C', 3), 400);
});

test('what was awaited when the wait ended is not awaited in the next one', () => {
  const weights = afterOutage('AB', { recovery: 'restore' });
  assert.equal(succeed(weights, 'A', 1), 256, 'waits for B');
  weights.add('C', 1024, 0, { slowStart: false });
  weights.remove('C');
  assert.equal(succeed(weights, 'B', 1), 1024, 'no one is below the line but B itself');
});

test('without traffic all come back together by time', () => {
  const weights = afterOutage('ABC');
  for (let now = 0; now <= 4_000; now += 100) weights.advance(now);
  assert.deepEqual([weights.weight('A'), weights.weight('B'), weights.weight('C')], [256, 256, 256]);
  for (let now = 4_100; now <= 5_000; now += 100) weights.advance(now);
  assert.deepEqual([weights.weight('A'), weights.weight('B'), weights.weight('C')], [1024, 1024, 1024]);
});

/** Poisson traffic on nodes that have all just come back from the floor. Answers take 5 ms on average. */
function firstSeconds(facts: {
  nodes: number;
  rate: number;
  balancer: BalancerName;
  recovery: WeightOptions['recovery'];
}) {
  const random = seeded(facts.nodes * facts.rate);
  const clock = new VirtualClock();
  const weights = new Weights({ recovery: facts.recovery }, random);
  const balancer = makeBalancer<(typeof nodes)[number]>(facts.balancer, random);
  const nodes = Array.from({ length: facts.nodes }, (_, i) => ({
    id: `n${i}`,
    inFlight: 0,
    picks: 0,
    get weight() {
      return weights.weight(this.id);
    },
    get healthy() {
      return weights.healthy(this.id);
    },
  }));
  for (const { id } of nodes) {
    weights.add(id, 1024, 0, { slowStart: false });
    for (let i = 0; i < 10; i++) weights.fault(id, 'lost', 0, 0);
  }
  for (const node of nodes) balancer.add(node);
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;
  const arrive = () => {
    const node = balancer.pick([])!;
    node.picks++;
    node.inFlight++;
    const begun = clock.now();
    balancer.began(node, begun);
    clock.timer(exponential(5), () => {
      node.inFlight--;
      balancer.ended(node, clock.now(), clock.now() - begun, false);
      if (weights.success(node.id, clock.now()) !== undefined) balancer.update(node);
    });
    clock.timer(exponential(1_000 / facts.rate), arrive);
  };
  const tick = () => {
    for (const { id } of weights.advance(clock.now())) balancer.update(nodes.find((node) => node.id === id)!);
    clock.timer(100, tick);
  };
  arrive();
  tick();
  clock.advance(1_000);
  const total = nodes.reduce((sum, node) => sum + node.picks, 0);
  const hottest = (Math.max(...nodes.map((node) => node.picks)) / total) * nodes.length;
  clock.advance(1_000);
  return { hottest, full: nodes.every((node) => weights.factor(node.id) === 1) };
}

describe('after a total outage no node gets more than twice its fair share of the first second, and all are full after two', () => {
  for (const balancer of balancerNames)
    for (const recovery of [2, 4, 8, 'restore'] as const)
      for (const [nodes, rate] of [
        [3, 300],
        [10, 300],
        [50, 1_000],
      ] as const)
        test(`${nodes} nodes, ${rate} calls/s, ${balancer}, recovery ${recovery}`, () => {
          const { hottest, full } = firstSeconds({ nodes, rate, balancer, recovery });
          assert.ok(hottest <= 2, `${hottest} times its fair share`);
          assert.ok(full);
        });
});
