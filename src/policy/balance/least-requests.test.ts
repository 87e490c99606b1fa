import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { balancerOf, FakeNode, nodesOf, Traffic } from '../../../test/support/balancers.ts';
import type { Balancer } from './index.ts';

const make = (nodes: readonly FakeNode[], seed = 1) => balancerOf('least-requests', nodes, seed);

function begin(balancer: Balancer<FakeNode>, excluded: readonly FakeNode[] = []): FakeNode {
  const node = balancer.pick(excluded)!;
  node.inFlight++;
  balancer.began(node, 0);
  return node;
}

function end(balancer: Balancer<FakeNode>, node: FakeNode): void {
  node.inFlight--;
  balancer.ended(node, 0, 1, false);
}

test('of nodes of one weight, always one that has the fewest in flight of all not excluded', () => {
  const step = fc.record({
    ends: fc.array(fc.nat(), { maxLength: 3 }),
    excluded: fc.array(fc.nat(7), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), fc.boolean(), fc.nat(), (steps, healthy, seed) => {
      const nodes = nodesOf([7, 7, 7, 7, 7, 7, 7, 7], healthy);
      const balancer = make(nodes, seed);
      const running: FakeNode[] = [];
      for (const { ends, excluded } of steps) {
        const out = excluded.map((i) => nodes[i]!);
        const fewest = Math.min(...nodes.filter((node) => !out.includes(node)).map((node) => node.inFlight));
        const node = begin(balancer, out);
        assert.equal(node.inFlight - 1, fewest);
        running.push(node);
        for (const i of ends) if (running.length > 0) end(balancer, running.splice(i % running.length, 1)[0]!);
      }
    }),
  );
});

/** The rule, said with a list: `first` stays unless the best of all, with the call, would carry no more per weight. */
test('of nodes of many weights, none is picked while another would carry less per weight with the call than it does now', () => {
  const weights = fc.array(fc.constantFrom(1, 64, 512, 1024), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(weights, fc.array(fc.nat(), { maxLength: 100, size: 'max' }), fc.nat(), (given, ends, seed) => {
      const nodes = nodesOf(given);
      const balancer = make(nodes, seed);
      const running: FakeNode[] = [];
      for (const each of ends) {
        const loads = new Map(nodes.map((node) => [node, node.inFlight / node.weight]));
        const least = Math.min(...nodes.map((node) => (node.inFlight + 1) / node.weight));
        const node = begin(balancer);
        assert.ok(loads.get(node)! < least || node.inFlight / node.weight === least, `${node.id} was picked`);
        running.push(node);
        if (each % 2 === 0) end(balancer, running.splice(each % running.length, 1)[0]!);
      }
    }),
  );
});

/** Were the first of them taken, all clients would send there what finds its node busy. */
test('among equally good nodes picks go round', () => {
  const nodes = nodesOf(new Array(20).fill(1024));
  const balancer = make(nodes);
  const traffic = new Traffic(balancer);
  // Half of the nodes are busy, so that half of the picks go to the best of all and not to the one drawn.
  traffic.run(20_000, 1_000, () => ({ latency: 10 }));
  for (const node of nodes) {
    const share = traffic.picked(node) / (traffic.total / 20);
    assert.ok(share > 0.85 && share < 1.15, `${node.id} got ${share} of its share`);
  }
});

/** Envoy's issue 39737: who fails at once has nothing in flight. At the floor it gets what its weight says: 5 sigma of 49. */
test('a node at the floor that fails at once attracts nothing', () => {
  const nodes = nodesOf([1024, 1024, 1]);
  const balancer = make(nodes);
  const traffic = new Traffic(balancer);
  traffic.run(100_000, 1_000, (node, random) =>
    node.id === 'C' ? { latency: 0.1, failed: true } : { latency: 40 * random() },
  );
  const fair = traffic.total / 2_049;
  assert.ok(traffic.picked(nodes[2]!) <= fair + 5 * Math.sqrt(fair), `${traffic.picked(nodes[2]!)}, fair are ${fair}`);
});

test('a node that stands still swallows hardly more than the others have in flight', () => {
  const nodes = nodesOf([1024, 1024, 1024]);
  const balancer = make(nodes);
  const traffic = new Traffic(balancer);
  traffic.run(3_000, 300, (node, random) => ({ latency: node.id === 'C' ? Infinity : 10 * random() }));
  const most = Math.max(traffic.peaks.get(nodes[0]!)!, traffic.peaks.get(nodes[1]!)!);
  assert.ok(
    traffic.picked(nodes[2]!) <= most + 1,
    `${traffic.picked(nodes[2]!)} swallowed, ${most} in flight elsewhere`,
  );
});

test('what changes without a word is found by looking on, a node with each attempt', () => {
  const nodes = nodesOf(new Array(50).fill(1024));
  const balancer = make(nodes);
  // Those that came and went do not count: their slots are used again.
  for (let i = 0; i < 1_000; i++) {
    const guest = new FakeNode(`guest ${i}`, 1024);
    balancer.add(guest);
    balancer.remove(guest);
  }
  for (let i = 0; i < 500; i++) begin(balancer);
  // Answers to calls that were given up: nobody tells.
  for (const node of nodes.slice(0, 25)) node.inFlight = 0;
  for (let i = 0; i <= 50; i++) balancer.began(nodes[49]!, 0);
  for (let i = 0; i < 25; i++) begin(balancer);
  for (const [i, node] of nodes.entries()) assert.equal(node.inFlight, i < 25 ? 1 : 10);
});

test('what rises without a word is seen at the pick', () => {
  const nodes = nodesOf([1024, 1024, 1024]);
  const balancer = make(nodes);
  nodes[0]!.inFlight = 5;
  nodes[1]!.inFlight = 7;
  for (let i = 0; i < 20; i++) assert.equal(balancer.pick([])!.id, 'C');
});

test('a weight that changes makes another one the best of all', () => {
  const nodes = nodesOf([1024, 1024]);
  const balancer = make(nodes);
  nodes[0]!.inFlight = 1;
  nodes[1]!.inFlight = 3;
  for (const node of nodes) balancer.began(node, 0);
  for (let i = 0; i < 20; i++) assert.equal(balancer.pick([])!.id, 'A');
  nodes[1]!.weight = 4_096;
  balancer.update(nodes[1]!);
  for (let i = 0; i < 20; i++) assert.equal(balancer.pick([])!.id, 'B');
});

test('in panic only what is in flight counts', () => {
  const nodes = nodesOf([512, 1, 1], false);
  const balancer = make(nodes);
  for (let i = 0; i < 30; i++) begin(balancer);
  assert.deepEqual(
    nodes.map((node) => node.inFlight),
    [10, 10, 10],
  );
  nodes[0]!.healthy = true;
  balancer.update(nodes[0]!);
  for (let i = 0; i < 500; i++) begin(balancer);
  assert.ok(nodes[0]!.inFlight > 450, 'and weights count again as soon as it is over');
});

test('a node that comes back has no more in flight than it has', () => {
  const nodes = nodesOf([1024, 1024]);
  const balancer = make(nodes);
  nodes[0]!.inFlight = 9;
  nodes[1]!.inFlight = 4;
  for (const node of nodes) balancer.began(node, 0);
  balancer.remove(nodes[0]!);
  nodes[0]!.inFlight = 0;
  balancer.add(nodes[0]!);
  for (let i = 0; i < 4; i++) assert.equal(begin(balancer).id, 'A');
});
