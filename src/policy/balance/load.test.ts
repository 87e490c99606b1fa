import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertShares, balancerOf, Caller, type FakeNode, nodesOf, Traffic } from '../../../test/support/balancers.ts';
import { seeded } from '../../core/random.ts';

function reporting(weights: readonly number[], reports: readonly (number | undefined)[]): FakeNode[] {
  const nodes = nodesOf(weights);
  for (const [i, reported] of reports.entries()) nodes[i]!.reported = reported;
  return nodes;
}

test('where nobody reports, or one of the two, it is p2c', () => {
  for (const reports of [[], [undefined, 0.9, undefined], [0.1, undefined, undefined]]) {
    const picks = (name: 'p2c' | 'load') => {
      const nodes = reporting([1024, 512, 1024], reports);
      const traffic = new Traffic(balancerOf(name, nodes));
      traffic.run(2_000, 1_000, (_node, random) => ({ latency: 10 * random() }));
      return nodes.map((node) => traffic.picked(node));
    };
    assert.deepEqual(picks('load'), picks('p2c'));
  }
});

test('equally loaded nodes share by weight, whatever the load', () => {
  for (const load of [0, 0.5, 1, 3]) {
    const nodes = reporting([1024, 512, 2048], [load, load, load]);
    assertShares(new Caller(balancerOf('load', nodes)).tally(20_000), { A: 2, B: 1, C: 4 });
  }
});

/** Of two, the busier is drawn first in half of the calls, and passes on (1 - (0.1 + less) / (0.1 + more)) / 2 of these. */
test('the less loaded of two gets as much more as the difference says, by half', () => {
  for (const [busier, less] of [
    [0.9, 0.1],
    [0.9, 0.4],
    [1.4, 0.9],
    [0.05, 0.01],
    [0.8, 0],
  ] as const) {
    const nodes = reporting([1024, 1024], [busier, less]);
    const passed = (1 - (0.1 + less) / (0.1 + busier)) / 2;
    assertShares(new Caller(balancerOf('load', nodes)).tally(20_000), { A: (1 - passed) / 2, B: (1 + passed) / 2 });
  }
});

test('what the client has in flight itself counts at once and in full', () => {
  const nodes = reporting([1024, 1024], [0.5, 0.5]);
  const balancer = balancerOf('load', nodes);
  nodes[0]!.inFlight = 1;
  for (let i = 0; i < 50; i++) assert.equal(balancer.pick([])!.id, 'B');
  // But not so much that a server gets it that is all but full.
  nodes[1]!.reported = 1.5;
  const picks = Array.from({ length: 200 }, () => balancer.pick([])!.id);
  assert.ok(picks.filter((id) => id === 'A').length > 80);
});

test('a light node is not flooded because it is idle', () => {
  const nodes = reporting([1024, 1024, 1], [0.9, 0.9, 0]);
  const counts = new Caller(balancerOf('load', nodes)).tally(100_000);
  assert.ok((counts.get('C') ?? 0) <= (2 * 100_000) / 2_049 + 35, `${counts.get('C')} of 100,000`);
});

test('a node that stands still swallows a few calls, though its last report was that it is idle', () => {
  const nodes = reporting([1024, 1024, 1024], [0.5, 0.5, 0]);
  const traffic = new Traffic(balancerOf('load', nodes));
  traffic.run(3_000, 300, (node, random) => ({ latency: node.id === 'C' ? Infinity : 10 * random() }));
  assert.ok(traffic.picked(nodes[2]!) <= 20, `${traffic.picked(nodes[2]!)} of 900`);
});

test('in panic reports do not count', () => {
  const nodes = reporting([1024, 1], [0.9, 0]);
  const balancer = balancerOf('load', nodes);
  for (const node of nodes) {
    node.healthy = false;
    balancer.update(node);
  }
  assertShares(new Caller(balancer).tally(20_000), { A: 1, B: 1 });
});

/**
 * Fifty clients hear once a second how busy two servers were in the second before. If each followed the report in full, all calls
 * would go to one server and then all to the other.
 */
test('clients that hear the same do not move together', () => {
  const servers = [0.9, 0.4];
  const clients = Array.from({ length: 50 }, (_, seed) => {
    const nodes = nodesOf([1024, 1024]);
    return { nodes, calls: new Caller(balancerOf('load', nodes, seed)) };
  });
  const calls = 20;
  const shares: number[] = [];
  for (let second = 0; second < 30; second++) {
    for (const { nodes } of clients) for (const [i, node] of nodes.entries()) node.reported = servers[i]!;
    let onA = 0;
    for (const client of clients) onA += client.calls.tally(calls).get('A') ?? 0;
    const share = onA / (50 * calls);
    shares.push(share);
    // Both together are 70 % busy.
    servers[0] = 1.4 * share;
    servers[1] = 1.4 * (1 - share);
  }
  // Chance alone moves a share of 1,000 calls by 5 x 1.6 %.
  for (const share of shares.slice(5))
    assert.ok(Math.abs(share - 0.5) < 0.12, shares.map((each) => each.toFixed(2)).join(' '));
});

test('a server that is half as fast is relieved, and none is left idle', () => {
  const random = seeded(4);
  const nodes = reporting([1024, 1024], [0, 0]);
  const balancer = balancerOf('load', nodes);
  const calls = new Caller(balancer);
  let onA = 0;
  for (let second = 0; second < 60; second++) {
    const counts = calls.tally(200);
    const share = (counts.get('A') ?? 0) / 200;
    if (second >= 10) onA += share / 50;
    nodes[0]!.reported = 1.2 * share * (0.95 + 0.1 * random());
    nodes[1]!.reported = 0.6 * (1 - share) * (0.95 + 0.1 * random());
  }
  assert.ok(onA > 0.35 && onA < 0.46, `${onA} of the calls on the slower one`);
});
