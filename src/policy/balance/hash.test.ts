import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balancerOf, FakeNode, nodesOf, Traffic } from '../../../test/support/balancers.ts';
import type { Balancer, BalancerOptions } from './index.ts';

const fleet = (count: number, weight = 1024) =>
  Array.from({ length: count }, (_, i) => new FakeNode(`10.0.0.${i}:7000`, weight));
const make = (nodes: readonly FakeNode[], options?: Partial<BalancerOptions>, seed = 1) =>
  balancerOf('hash', nodes, seed, options);
const keys = Array.from({ length: 10_000 }, (_, i) => `customer-${i}`);

/** Where each key goes while nothing is in flight. */
const map = (balancer: Balancer<FakeNode>, excluded: readonly FakeNode[] = []) =>
  new Map(keys.map((key) => [key, balancer.pick(excluded, key)!.id]));
const moved = (before: Map<string, string>, after: Map<string, string>) =>
  keys.filter((key) => before.get(key) !== after.get(key));

test('a key goes to one node, at every client, whatever came and went there and in which order', () => {
  const nodes = fleet(20);
  const others = Array.from({ length: 30 }, (_, i) => new FakeNode(`gone-${i}`, 1024));
  const one = make(nodes);
  const another = make([...others, ...nodes.toReversed()], {}, 2);
  for (const node of others) another.remove(node);
  const first = map(one);
  assert.deepEqual(moved(first, map(another)), []);
  assert.deepEqual(moved(first, map(one)), []);
});

/** A node's part of the ring is 1/n, with a standard deviation of 10 % of that. Five of these. */
test('a node that comes or goes moves about 1/n of the keys, and only from or to itself', () => {
  for (const n of [5, 20, 100]) {
    const nodes = fleet(n);
    const balancer = make(nodes.slice(1));
    const without = map(balancer);
    balancer.add(nodes[0]!);
    const withIt = map(balancer);
    const keysMoved = moved(without, withIt);
    assert.ok(
      Math.abs(keysMoved.length - 10_000 / n) <= 5_000 / n + 5 * Math.sqrt(10_000 / n),
      `${keysMoved.length}, n ${n}`,
    );
    for (const key of keysMoved) assert.equal(withIt.get(key), nodes[0]!.id);
    balancer.remove(nodes[0]!);
    assert.deepEqual(moved(without, map(balancer)), []);
  }
});

test('a weight that is halved sends half of the keys on, and no other key moves; back at its weight it has them back', () => {
  const nodes = fleet(20);
  const balancer = make(nodes);
  const before = map(balancer);
  const sick = nodes[3]!;
  const its = keys.filter((key) => before.get(key) === sick.id);
  let last = its;
  for (const share of [1 / 2, 1 / 4, 1 / 8, 1 / 1024]) {
    sick.weight = 1024 * share;
    balancer.update(sick);
    const after = map(balancer);
    for (const key of moved(before, after)) assert.equal(before.get(key), sick.id);
    const left = keys.filter((key) => after.get(key) === sick.id);
    assert.ok(
      left.every((key) => last.includes(key)),
      'it keeps some of those that it had',
    );
    assert.ok(
      Math.abs(left.length - its.length * share) <= 5 * Math.sqrt(its.length * share) + 1,
      `${left.length} at ${share}`,
    );
    last = left;
  }
  sick.weight = 1024;
  balancer.update(sick);
  assert.deepEqual(moved(before, map(balancer)), []);
});

test('a fault of the heaviest node moves no key of the others', () => {
  const nodes = fleet(10, 512);
  nodes[0]!.weight = 2_048;
  const balancer = make(nodes);
  const before = map(balancer);
  nodes[0]!.weight = 1_024;
  balancer.update(nodes[0]!);
  for (const key of moved(before, map(balancer))) assert.equal(before.get(key), nodes[0]!.id);
});

test('when the heaviest leaves, the others are measured by the heaviest of them', () => {
  const nodes = fleet(10, 1);
  nodes[0]!.weight = 65_536;
  const balancer = make(nodes);
  balancer.remove(nodes[0]!);
  assert.deepEqual(moved(map(make(nodes.slice(1))), map(balancer)), []);
});

test('the keys of an excluded node go on along the ring, as if it were not there', () => {
  const nodes = fleet(10);
  const without = map(make(nodes.slice(2)));
  assert.deepEqual(moved(without, map(make(nodes), nodes.slice(0, 2))), []);
});

/** All calls have one key: without a bound one node would have them all, here it is the worst case. */
test('no node holds more than its bound, even if all calls have one key: c x what its weight says, rounded up', () => {
  const used: number[] = [];
  for (const hashBound of [3, 1.25, 1.01]) {
    const nodes = nodesOf([1024, 1024, 512, 2048, 256, 1024]);
    const total = nodes.reduce((sum, node) => sum + node.weight, 0);
    const balancer = make(nodes, { hashBound });
    const held = new Map<FakeNode, number>();
    for (let calls = 1; calls <= 600; calls++) {
      const node = balancer.pick([], 'the one key')!;
      node.inFlight++;
      balancer.began(node, 0);
      held.set(node, node.inFlight);
      const most = Math.ceil((hashBound * calls * node.weight) / total);
      assert.ok(node.inFlight <= most, `${node.id} holds ${node.inFlight} of ${calls}, allowed are ${most}`);
    }
    used.push(held.size);
  }
  assert.deepEqual(used, [...used].sort(), 'a higher bound keeps more calls where they belong');
});

test('while a node is full its calls go on along the ring, and come back when it has room', () => {
  const nodes = fleet(10);
  const balancer = make(nodes);
  const home = balancer.pick([], 'k')!;
  const next = balancer.pick([home], 'k')!;
  home.inFlight = 2;
  balancer.began(home, 0);
  assert.equal(balancer.pick([], 'k'), next);
  home.inFlight = 0;
  balancer.ended(home, 1, 1, false);
  assert.equal(balancer.pick([], 'k'), home);
  // A pick sees it even where nobody told.
  home.inFlight = 2;
  assert.equal(balancer.pick([], 'k'), next);
});

test('who comes brings what it has in flight, and who leaves takes it along', () => {
  const nodes = fleet(10);
  const balancer = make(nodes);
  const home = balancer.pick([], 'k')!;
  home.inFlight = 2;
  balancer.began(home, 0);
  assert.notEqual(balancer.pick([], 'k'), home, '2 of 2 are too many');
  const busy = new FakeNode('busy', 1024);
  busy.inFlight = 100;
  balancer.add(busy);
  assert.equal(balancer.pick([], 'k'), home, '2 of 102 are not');
  balancer.remove(busy);
  assert.notEqual(balancer.pick([], 'k'), home);
});

test('what is in flight changes without a word: the sum is right again after a look at each node', () => {
  const nodes = fleet(10);
  const balancer = make(nodes);
  for (const node of nodes) {
    node.inFlight = 100;
    balancer.began(node, 0);
  }
  const home = balancer.pick([], 'k')!;
  // With 1,000 in flight, 100 are no more than its share. With 100 they are far too many.
  for (const node of nodes) if (node !== home) node.inFlight = 0;
  for (let i = 0; i < 10; i++) balancer.began(home, 0);
  assert.notEqual(balancer.pick([], 'k'), home);
});

test('far from any node that takes the key, it still goes to one node while weights stay', () => {
  const nodes = fleet(200, 1);
  nodes[0]!.weight = 65_536;
  const balancer = make(nodes, {}, 1);
  const first = map(balancer);
  assert.deepEqual(moved(first, map(make(nodes, {}, 2))), []);
  const heavy = keys.filter((key) => first.get(key) === nodes[0]!.id).length;
  assert.ok(heavy > 9_900, `${heavy} of 10,000 at the node that has 99.7 % of the weight`);
  // The bound holds there too: a light node may hold one call and no more.
  for (const key of keys.filter((each) => first.get(each) !== nodes[0]!.id)) {
    const node = balancer.pick([], key)!;
    node.inFlight++;
    balancer.began(node, 0);
    assert.notEqual(balancer.pick([], key), node);
    node.inFlight--;
    balancer.ended(node, 1, 1, false);
  }
});

test('in panic keys stay with their nodes, whatever the weights', () => {
  const nodes = fleet(10);
  const before = map(make(nodes));
  for (const [i, node] of nodes.entries()) Object.assign(node, { weight: 1 << i, healthy: false });
  assert.deepEqual(moved(before, map(make(nodes))), []);
});

test('a call without a key is picked as by p2c', () => {
  const picks = (name: 'p2c' | 'hash') => {
    const nodes = nodesOf([1024, 512, 1024]);
    const traffic = new Traffic(balancerOf(name, nodes));
    traffic.run(2_000, 1_000, (_node, random) => ({ latency: 10 * random() }));
    return nodes.map((node) => traffic.picked(node));
  };
  assert.deepEqual(picks('hash'), picks('p2c'));
});

test('the empty key is a key', () => {
  const nodes = fleet(10);
  const balancer = make(nodes);
  const picked = new Set(Array.from({ length: 50 }, () => balancer.pick([], '')!.id));
  assert.equal(picked.size, 1);
});

test('more points, more even shares', () => {
  const spread = (hashPoints: number) => {
    const counts = Object.values(Object.groupBy(map(make(fleet(20), { hashPoints })).values(), (id) => id));
    return Math.max(...counts.map((some) => some!.length)) / 500;
  };
  assert.ok(spread(1) > 2, `${spread(1)}`);
  assert.ok(spread(400) < 1.2, `${spread(400)}`);
});
