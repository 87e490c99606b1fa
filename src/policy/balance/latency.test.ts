import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balancerOf, FakeNode, nodesOf, Traffic } from '../../../test/support/balancers.ts';
import type { Random } from '../../core/random.ts';
import { LatencyBalancer } from './latency.ts';
import { balancerOptions } from './options.ts';

const usual = (_node: FakeNode, random: Random) => ({ latency: 4 + 2 * random() });
const calls = { weight: 1024, inFlight: 0, latency: 5 as number | undefined, failed: false, healthy: true };
type Facts = Partial<typeof calls>;

/** A pick between two nodes, of which A is drawn first. */
function between(a: Facts, b: Facts): string {
  const balancer = new LatencyBalancer<FakeNode>(() => 0, balancerOptions());
  for (const [id, given] of [
    ['A', a],
    ['B', b],
  ] as const) {
    const facts = { ...calls, ...given };
    const node = new FakeNode(id, facts.weight, facts.healthy);
    balancer.add(node);
    if (facts.latency !== undefined) balancer.ended(node, 0, facts.latency, facts.failed);
    node.inFlight = facts.inFlight;
    balancer.began(node, 0);
  }
  return balancer.pick([])!.id;
}

const unknown = { latency: undefined };
const fault = { latency: 0.1, failed: true };
const specification: [what: string, a: Facts, b: Facts, picked: string][] = [
  ['equally fast: the one drawn', {}, {}, 'A'],
  ['hardly faster: the one drawn', { latency: 5 }, { latency: 4.6 }, 'A'],
  ['faster', { latency: 5 }, { latency: 4.4 }, 'B'],
  ['slower', { latency: 5 }, { latency: 50 }, 'A'],
  ['slower, but idle: four times the latency for four calls instead of one', { inFlight: 4 }, { latency: 20 }, 'B'],
  ['slower, but idle, for fewer calls', { inFlight: 2 }, { latency: 20 }, 'A'],
  ['as fast and less busy', { inFlight: 1 }, {}, 'B'],
  ['a light one that was drawn stays', { weight: 1 }, {}, 'A'],
  ['a light one that was drawn and is busy', { weight: 1, inFlight: 1 }, { inFlight: 100 }, 'B'],
  ['a light one is not better because it is idle', { inFlight: 500 }, { weight: 1 }, 'A'],
  ['half the weight, half as slow: as good', { latency: 10 }, { latency: 5, weight: 512 }, 'A'],
  ['half the weight, a quarter as slow', { latency: 20 }, { latency: 5, weight: 512 }, 'B'],
  ['a fault that came at once is not fast', {}, fault, 'A'],
  ['a fault that came at once is not fast', fault, { latency: 4_000 }, 'B'],
  ['a timeout that took longer than a fault counts as long as it took', { latency: 8_000, failed: true }, fault, 'B'],
  ['a newcomer beside an idle one: the one drawn', {}, unknown, 'A'],
  ['a newcomer that was drawn stays', unknown, { latency: 0.1 }, 'A'],
  ['a newcomer beside a busy one takes what it would take by p2c', { inFlight: 1 }, unknown, 'B'],
  ['a newcomer that is busy does not', { inFlight: 1 }, { ...unknown, inFlight: 1 }, 'A'],
  ['in panic latencies do not count', { healthy: false, latency: 500 }, { healthy: false }, 'A'],
  ['in panic calls in flight do', { healthy: false, inFlight: 1 }, { ...fault, healthy: false }, 'B'],
];

for (const [what, a, b, picked] of specification)
  test(`${what}: A ${JSON.stringify(a)}, B ${JSON.stringify(b)} -> ${picked}`, () => {
    assert.equal(between(a, b), picked);
  });

test('a node that is 500 ms slower gets next to nothing', () => {
  const nodes = nodesOf([1024, 1024, 1024, 1024, 1024]);
  const traffic = new Traffic(balancerOf('latency', nodes));
  traffic.run(20_000, 300, (node, random) => ({ latency: node.id === 'E' ? 505 : usual(node, random).latency }));
  // What is sent until the first answer: four more are possible by p2c while the others have at most that many in flight.
  assert.ok(traffic.picked(nodes[4]!) <= 6, `${traffic.picked(nodes[4]!)} of ${traffic.total}`);
});

/** It falls to a hundredth in 10 s x ln 100 = 46 s, and then costs what an idle one of the others does. */
test('it is tried again when its latency has worn off, and has its share again when it is well', () => {
  const nodes = nodesOf([1024, 1024, 1024, 1024, 1024]);
  const traffic = new Traffic(balancerOf('latency', nodes));
  const slow = nodes[4]!;
  traffic.run(10_000, 300, (node, random) => ({ latency: node === slow ? 505 : usual(node, random).latency }));
  const before = traffic.picked(slow);
  traffic.run(20_000, 300, usual);
  assert.equal(traffic.picked(slow), before, 'left alone for 20 s');
  traffic.run(30_000, 300, usual);
  const then = traffic.picked(slow);
  assert.ok(then > before, 'tried again after 50 s');
  traffic.run(20_000, 300, usual);
  const share = (traffic.picked(slow) - then) / ((20 * 300) / 5);
  assert.ok(share > 0.5 && share < 2, `${share} of its fair share`);
});

test('a shorter decay forgets sooner', () => {
  const nodes = nodesOf([1024, 1024]);
  const traffic = new Traffic(balancerOf('latency', nodes, 1, { latencyDecay: 1_000 }));
  traffic.run(1_000, 300, (node, random) => ({ latency: node.id === 'B' ? 505 : usual(node, random).latency }));
  const before = traffic.picked(nodes[1]!);
  traffic.run(6_000, 300, usual);
  assert.ok(traffic.picked(nodes[1]!) - before > 100);
});

/** Netflix's astyanax issue 17, Envoy's issue 39737: by latency alone it would be the fastest of all. */
test('a node that fails at once attracts nothing: a try for each half of the time constant', () => {
  const nodes = nodesOf([1024, 1024, 1024]);
  const traffic = new Traffic(balancerOf('latency', nodes));
  traffic.run(60_000, 300, (node, random) =>
    node.id === 'C' ? { latency: 0.1, failed: true } : { latency: 40 * random() },
  );
  // And a few more before the others have answered for the first time.
  assert.ok(traffic.picked(nodes[2]!) <= 60_000 / 5_000 + 5, `${traffic.picked(nodes[2]!)} of ${traffic.total}`);
});

test('one fault of ten: the node is left alone after each, and has some of its share all the same', () => {
  const nodes = nodesOf([1024, 1024, 1024]);
  const traffic = new Traffic(balancerOf('latency', nodes));
  traffic.run(60_000, 300, (node, random) => ({
    latency: usual(node, random).latency,
    failed: node.id === 'C' && random() < 0.1,
  }));
  const share = traffic.picked(nodes[2]!) / (traffic.total / 3);
  assert.ok(share > 0.01 && share < 0.5, `${share} of its share`);
});

/** Twice is the bound of two choices; half is what chance and calls in flight may take. */
test('a newcomer among fast nodes and one among slow ones both get their share from the first call on', () => {
  for (const latency of [0.1, 5, 500]) {
    const nodes = nodesOf(new Array(9).fill(1024));
    const balancer = balancerOf('latency', nodes);
    const traffic = new Traffic(balancer);
    traffic.run(5_000, 300, () => ({ latency }));
    const newcomer = new FakeNode('N', 1024);
    balancer.add(newcomer);
    // It takes a second to answer at all.
    traffic.run(1_000, 300, (node) => ({ latency: node === newcomer ? 1_000 : latency }));
    const share = traffic.picked(newcomer) / (300 / 10);
    assert.ok(share < 2, `${share} of its share before its first answer`);
    assert.ok(traffic.picked(newcomer) > 0);
  }
});

/** Hedged calls: whoever has not answered after 100 ms is given up, and its answer never shows what it took. */
test('a newcomer whose calls are all given up is found to be slow, one that refuses at once is not found to be fast', () => {
  for (const [waited, most] of [
    [100, 6],
    [0.1, 45],
  ] as const) {
    const nodes = nodesOf(new Array(10).fill(1024));
    const traffic = new Traffic(balancerOf('latency', nodes));
    const given = (node: FakeNode, random: Random) =>
      node.id === 'A' ? { latency: waited, failed: undefined } : usual(node, random);
    traffic.run(10_000, 30, given);
    // Its fair share is 30. The others are hardly ever busy, so that p2c gives it not much more.
    assert.ok(traffic.picked(nodes[0]!) <= most, `${traffic.picked(nodes[0]!)} of 300, given up after ${waited} ms`);
  }
});

test('a node that stands still swallows a few calls', () => {
  const nodes = nodesOf([1024, 1024, 1024]);
  const traffic = new Traffic(balancerOf('latency', nodes));
  traffic.run(2_000, 300, usual);
  const before = traffic.picked(nodes[2]!);
  traffic.run(3_000, 300, (node, random) => ({ latency: node.id === 'C' ? Infinity : usual(node, random).latency }));
  const swallowed = traffic.picked(nodes[2]!) - before;
  assert.ok(swallowed <= 10, `${swallowed} of 900`);
});

test('a node that was removed and comes back is a newcomer', () => {
  const nodes = nodesOf([1024, 1024]);
  const balancer = balancerOf('latency', nodes);
  balancer.ended(nodes[0]!, 0, 5, false);
  balancer.ended(nodes[1]!, 0, 500, false);
  for (let i = 0; i < 20; i++) assert.equal(balancer.pick([])!.id, 'A');
  balancer.remove(nodes[1]!);
  balancer.ended(nodes[1]!, 0, 500, false);
  balancer.add(nodes[1]!);
  const picked = Array.from({ length: 20 }, () => balancer.pick([])!.id);
  assert.ok(picked.includes('B'));
});
