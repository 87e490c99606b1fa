/** What every balancer does while nodes do not change: shares by weight, panic, exclusion. See also balancers-churn.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertShares, Caller, contenders, FakeNode, nodesOf, tally } from '../../../test/support/balancers.ts';
import { seeded } from '../../core/random.ts';
import { makeBalancer } from './index.ts';

for (const { title, make, key, tolerance } of contenders) {
  const callsOn = (nodes: readonly FakeNode[], seed?: number) => new Caller(make(nodes, seed), key);
  const assertFair = (counts: Map<string, number>, expected: Record<string, number>) =>
    assertShares(counts, expected, tolerance);

  describe(title, () => {
    test('without nodes nothing is picked, and there is no panic', () => {
      const balancer = make([]);
      assert.equal(balancer.pick([], key(1)), undefined);
      assert.equal(balancer.pick([new FakeNode('X', 1)], key(1)), undefined);
      assert.equal(balancer.size, 0);
      assert.equal(balancer.panicking, false);
    });

    test('a single node is always picked, even when it was tried, and whatever its weight', () => {
      const nodes = nodesOf([1024]);
      const balancer = make(nodes);
      for (const weight of [1024, 1, 0.001, 65_536]) {
        nodes[0]!.weight = weight;
        balancer.update(nodes[0]!);
        for (let i = 0; i < 20; i++) {
          assert.equal(balancer.pick([], key(i)), nodes[0]);
          assert.equal(balancer.pick(nodes, key(i)), nodes[0]);
        }
      }
    });

    test('equal weights, equal traffic', () => {
      assertFair(callsOn(nodesOf([1024, 1024, 1024])).tally(30_000), { A: 1, B: 1, C: 1 });
    });

    test('idle nodes share by weight', () => {
      const counts = callsOn(nodesOf([1024, 512, 256, 2048, 128])).tally(30_000);
      assertFair(counts, { A: 1024, B: 512, C: 256, D: 2048, E: 128 });
    });

    test('no one starves: a node at the floor gets its share too', () => {
      const counts = callsOn(nodesOf([1024, 1024, 1])).tally(200_000);
      assertFair(counts, { A: 1024, B: 1024, C: 1 });
      assert.ok(counts.get('C')! > 0);
    });

    /**
     * In step, clients would hit one server after the other; and where the first picks do not go by weight, a client that
     * makes few calls has no weights at all (Envoy's issue 31378).
     */
    test('clients are not in step: the first, second and third calls of 10,000 of them share by weight', () => {
      const nodes = nodesOf([1024, 4096, 256, 2048]);
      const clients = Array.from({ length: 10_000 }, (_, seed) => ({ balancer: make(nodes, seed), seed }));
      for (const call of [1, 2, 3]) {
        let client = 0;
        const counts = tally(clients.length, () => {
          const { balancer, seed } = clients[client++]!;
          return new Caller(balancer, () => key(seed * 3 + call)).call().id;
        });
        assertFair(counts, { A: 1024, B: 4096, C: 256, D: 2048 });
      }
    });

    test('update makes a new weight count', () => {
      const nodes = nodesOf([1024, 1024]);
      const balancer = make(nodes);
      nodes[0]!.weight = 256;
      balancer.update(nodes[0]!);
      const calls = new Caller(balancer, key);
      assertFair(calls.tally(20_000), { A: 1, B: 4 });
      nodes[0]!.weight = 4096;
      balancer.update(nodes[0]!);
      assertFair(calls.tally(20_000), { A: 4, B: 1 });
    });

    test('panic: with no healthy node left, picks are even', () => {
      const nodes = nodesOf([512, 4, 1], false);
      const balancer = make(nodes);
      const calls = new Caller(balancer, key);
      assert.equal(balancer.panicking, true);
      assertFair(calls.tally(30_000), { A: 1, B: 1, C: 1 });
      assertFair(calls.tally(20_000, [nodes[0]!]), { B: 1, C: 1 });
      nodes[1]!.healthy = true;
      balancer.update(nodes[1]!);
      assert.equal(balancer.panicking, false);
      assertFair(calls.tally(30_000), { A: 512, B: 4, C: 1 });
      nodes[1]!.healthy = false;
      balancer.update(nodes[1]!);
      assert.equal(balancer.panicking, true);
      assertFair(calls.tally(30_000), { A: 1, B: 1, C: 1 });
    });

    test('a healthy node that is added or removed ends or begins the panic', () => {
      const nodes = nodesOf([8, 8], false);
      const well = new FakeNode('W', 1024);
      const balancer = make([well, ...nodes]);
      assert.equal(balancer.panicking, false);
      balancer.remove(well);
      assert.equal(balancer.panicking, true);
      balancer.add(well);
      assert.equal(balancer.panicking, false);
    });

    test('in panic too, a node that was removed is not picked', () => {
      const nodes = nodesOf([4, 2, 1, 1], false);
      const balancer = make(nodes);
      balancer.remove(nodes[1]!);
      balancer.remove(nodes[3]!);
      assertFair(new Caller(balancer, key).tally(20_000), { A: 1, C: 1 });
    });

    test('the others share by weight what the excluded would get, and nothing is owed afterwards', () => {
      const nodes = nodesOf([1024, 512, 256, 256]);
      const calls = callsOn(nodes);
      assertFair(calls.tally(30_000, [nodes[0]!]), { B: 2, C: 1, D: 1 });
      assertFair(calls.tally(30_000, [nodes[1]!, nodes[0]!, nodes[1]!]), { C: 1, D: 1 });
      assertFair(calls.tally(30_000), { A: 4, B: 2, C: 1, D: 1 });
    });

    test('an excluded node that is not here changes nothing', () => {
      const nodes = nodesOf([1024, 1024]);
      assertFair(callsOn(nodes).tally(20_000, [new FakeNode('X', 1)]), { A: 1, B: 1 });
    });

    test('when all are excluded, any is picked by weight', () => {
      const nodes = nodesOf([1024, 256]);
      assertFair(callsOn(nodes).tally(20_000, nodes), { A: 4, B: 1 });
    });

    test('added twice counts once; removed twice or never added is none of its business', () => {
      const nodes = nodesOf([1024, 1024]);
      const balancer = make([...nodes, ...nodes]);
      assert.equal(balancer.size, 2);
      balancer.remove(nodes[0]!);
      balancer.remove(nodes[0]!);
      balancer.update(nodes[0]!);
      balancer.began(nodes[0]!, 1);
      balancer.ended(nodes[0]!, 2, 1, false);
      assert.equal(balancer.size, 1);
      assertFair(new Caller(balancer, key).tally(100), { B: 1 });
    });

    test('a weight that cannot be drawn by is refused with a sentence, and nothing changes', () => {
      const nodes = nodesOf([1024, 1024]);
      const balancer = make(nodes);
      for (const weight of [0, -1, Number.NaN, Infinity]) {
        const message = `a node's weight is ${weight}: expected a number above 0, and finite`;
        assert.throws(() => balancer.add(new FakeNode('X', weight)), { name: 'RangeError', message });
        nodes[0]!.weight = weight;
        assert.throws(() => balancer.update(nodes[0]!), { name: 'RangeError', message });
      }
      assert.equal(balancer.size, 2);
      assertFair(new Caller(balancer, key).tally(20_000), { A: 1, B: 1 });
    });

    /**
     * On average two are compared, `least-requests` puts eight wrong entries right at most, and `hash` walks on as far as weights
     * say: 2.7 points. It stops after 64.
     */
    test('a pick among 10,000 looks at a few nodes', () => {
      let looks = 0;
      const nodes = Array.from({ length: 10_000 }, (_, i) => new FakeNode(`n${i}`, 1 + (i % 7)));
      const balancer = make(nodes);
      for (const node of nodes) {
        Object.defineProperty(node, 'inFlight', {
          get() {
            looks++;
            return 1;
          },
        });
      }
      for (let i = 0; i < 1_000; i++) {
        const before = looks;
        balancer.pick([nodes[i]!, nodes[i + 1]!], key(i));
        assert.ok(looks - before <= 66, `${looks - before} looks in one pick`);
      }
      assert.ok(looks <= 12_000, `${looks} looks in 1,000 picks`);
    });
  });
}

test('an unknown balancer is refused with a sentence', () => {
  assert.throws(() => makeBalancer('fastest' as 'p2c', seeded(1)), {
    name: 'RangeError',
    message: '"fastest" is no balancer: expected one of random, p2c, round-robin, least-requests, latency, load, hash',
  });
  assert.throws(() => makeBalancer('constructor' as 'p2c', seeded(1)), RangeError);
});
