import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { balancerNames, type Candidate, makeBalancer } from './balance/index.ts';
import { StickyBalancer } from './sticky.ts';

interface FakeNode extends Candidate {
  healthy: boolean;
  inFlight: number;
}

const nodesOf = (count: number): FakeNode[] =>
  Array.from({ length: count }, (_, i) => ({ id: `n${i}`, weight: 1024, healthy: true, inFlight: 0 }));

function sticky(nodes: readonly FakeNode[], seed = 1): StickyBalancer<FakeNode> {
  const balancer = new StickyBalancer(makeBalancer<FakeNode>('random', seeded(seed)));
  for (const node of nodes) balancer.add(node);
  return balancer;
}

function set(balancer: StickyBalancer<FakeNode>, node: FakeNode, healthy: boolean): void {
  node.healthy = healthy;
  balancer.update(node);
}

test('stays with one node, however busy; clients choose apart', () => {
  const nodes = nodesOf(5);
  const balancer = sticky(nodes);
  const first = balancer.pick([])!;
  first.inFlight = 100;
  for (let i = 0; i < 100; i++) assert.equal(balancer.pick([], `key ${i}`), first);
  assert.equal(balancer.kept, first);
  const chosen = new Set(Array.from({ length: 50 }, (_, seed) => sticky(nodes, seed).pick([])));
  assert.equal(chosen.size, 5);
});

test('leaves a node that is not healthy, and does not go back when it is', () => {
  const nodes = nodesOf(2);
  const balancer = sticky(nodes);
  const first = balancer.pick([])!;
  const other = nodes.find((node) => node !== first)!;
  set(balancer, first, false);
  // By weight the balancer may draw the first a few times more; it does not stay there.
  while (balancer.kept === first) balancer.pick([]);
  set(balancer, first, true);
  for (let i = 0; i < 50; i++) assert.equal(balancer.pick([]), other);
});

test('leaves a node that is gone, and does not go back when it is here again', () => {
  const nodes = nodesOf(2);
  const balancer = sticky(nodes);
  const first = balancer.pick([])!;
  balancer.remove(first);
  const other = balancer.pick([])!;
  assert.notEqual(other, first);
  balancer.add(first);
  for (let i = 0; i < 50; i++) assert.equal(balancer.pick([]), other);
});

test('a call that tried the node moves on, and the next calls with it', () => {
  const nodes = nodesOf(3);
  const balancer = sticky(nodes);
  const first = balancer.pick([])!;
  const second = balancer.pick([first])!;
  assert.notEqual(second, first);
  assert.equal(balancer.pick([]), second);
  // Another call that had tried the first finds the same one.
  assert.equal(balancer.pick([first]), second);
});

test('when all were tried it stays where it is', () => {
  const nodes = nodesOf(2);
  const balancer = sticky(nodes);
  const first = balancer.pick([])!;
  for (let i = 0; i < 20; i++) assert.ok(balancer.pick(nodes));
  assert.equal(balancer.pick([]), first);
});

test('in panic it stays with none, and settles on the first that is healthy again', () => {
  const nodes = nodesOf(3);
  const balancer = sticky(nodes);
  for (const node of nodes) set(balancer, node, false);
  assert.equal(balancer.panicking, true);
  assert.equal(new Set(Array.from({ length: 60 }, () => balancer.pick([]))).size, 3);
  set(balancer, nodes[1]!, true);
  while (balancer.kept === undefined) balancer.pick([]);
  for (let i = 0; i < 50; i++) assert.equal(balancer.pick([]), nodes[1]);
});

test('without nodes nothing is picked', () => {
  assert.equal(sticky([]).pick([]), undefined);
  assert.equal(sticky([]).size, 0);
});

test('what begins and ends is told to the balancer within', () => {
  const told: unknown[] = [];
  const inner = makeBalancer<FakeNode>('random', seeded(1));
  inner.began = (...args) => told.push(['began', ...args]);
  inner.ended = (...args) => told.push(['ended', ...args]);
  const balancer = new StickyBalancer(inner);
  const [node] = nodesOf(1);
  balancer.began(node!, 5);
  balancer.ended(node!, 9, 4, true);
  assert.deepEqual(told, [
    ['began', node, 5],
    ['ended', node, 9, 4, true],
  ]);
});

test('whatever happens, with any balancer: a change only for a reason, and never an excluded node while another is left', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'remove', 'health', 'pick', 'pick', 'pick'),
    node: fc.nat(4),
    healthy: fc.boolean(),
    excluded: fc.array(fc.nat(4), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...balancerNames), fc.array(step, { maxLength: 80 }), fc.nat(), (name, steps, seed) => {
      const nodes = nodesOf(5);
      const here = new Set<FakeNode>();
      const balancer = new StickyBalancer(makeBalancer<FakeNode>(name, seeded(seed)));
      let last: FakeNode | undefined;
      for (const { kind, node: index, healthy, excluded: indices } of steps) {
        const node = nodes[index]!;
        if (kind === 'add') {
          balancer.add(node);
          here.add(node);
        } else if (kind === 'remove') {
          balancer.remove(node);
          here.delete(node);
        } else if (kind === 'health') set(balancer, node, healthy);
        else {
          const excluded = indices.map((i) => nodes[i]!);
          const picked = balancer.pick(excluded);
          assert.equal(picked === undefined, here.size === 0);
          if (picked === undefined) continue;
          assert.ok(here.has(picked));
          const left = [...here].some((other) => !excluded.includes(other));
          assert.ok(!left || !excluded.includes(picked));
          if (last?.healthy && !excluded.includes(last)) assert.equal(picked, last);
          if (picked.healthy && !excluded.includes(picked)) last = picked;
        }
        if (last !== undefined && !here.has(last)) last = undefined;
        assert.equal(balancer.kept, last);
        assert.equal(balancer.size, here.size);
      }
    }),
  );
});
