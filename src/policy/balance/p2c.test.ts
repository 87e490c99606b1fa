import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../core/random.ts';
import type { Candidate } from './balancer.ts';
import { P2cBalancer } from './p2c.ts';

interface FakeNode extends Candidate {
  name: string;
  inFlight: number;
}

/** A pick between two nodes, where the first drawn is A (or B, as told). */
function between(drawnFirst: 'A' | 'B', a: Partial<FakeNode>, b: Partial<FakeNode>): string {
  const usual = { weight: 1024, healthy: true, inFlight: 0 };
  const nodes: FakeNode[] = [
    { ...usual, ...a, name: 'A', id: 'A' },
    { ...usual, ...b, name: 'B', id: 'B' },
  ];
  const balancer = new P2cBalancer<FakeNode>(() => (drawnFirst === 'A' ? 0 : 1 - 1e-9));
  for (const node of nodes) balancer.add(node);
  return balancer.pick([])!.name;
}

const half = { weight: 512 };
const floor = { weight: 1, healthy: false };
const specification: [what: string, first: 'A' | 'B', a: Partial<FakeNode>, b: Partial<FakeNode>, picked: string][] = [
  ['both idle: the one drawn', 'A', {}, {}, 'A'],
  ['both idle: the one drawn', 'B', {}, {}, 'B'],
  ['equally busy: the one drawn', 'B', { inFlight: 5 }, { inFlight: 5 }, 'B'],
  ['one less in flight', 'A', { inFlight: 1 }, { inFlight: 0 }, 'B'],
  ['one less in flight', 'B', { inFlight: 7 }, { inFlight: 8 }, 'A'],
  ['the less busy was drawn', 'A', { inFlight: 7 }, { inFlight: 8 }, 'A'],
  ['half the weight, idle as well: by the draw', 'B', {}, half, 'B'],
  ['half the weight may carry half as much', 'A', { inFlight: 1 }, { ...half, inFlight: 0 }, 'A'],
  ['half the weight may carry half as much', 'A', { inFlight: 2 }, { ...half, inFlight: 0 }, 'B'],
  ['half the weight, as busy', 'B', { inFlight: 1 }, { ...half, inFlight: 1 }, 'A'],
  ['at the floor and idle, it does not attract what a busy node was drawn for', 'A', { inFlight: 500 }, floor, 'A'],
  ['at the floor and drawn, it is tried', 'B', { inFlight: 500 }, floor, 'B'],
  ['at the floor and standing still, it is not tried again', 'B', { inFlight: 500 }, { ...floor, inFlight: 1 }, 'A'],
  ['in panic only what is in flight counts', 'A', { ...floor, weight: 256, inFlight: 1 }, floor, 'B'],
  [
    'in panic only what is in flight counts',
    'B',
    { ...floor, weight: 256, inFlight: 2 },
    { ...floor, inFlight: 2 },
    'B',
  ],
];

for (const [what, first, a, b, picked] of specification) {
  test(`${what}: ${first} drawn, A ${JSON.stringify(a)}, B ${JSON.stringify(b)} -> ${picked}`, () => {
    assert.equal(between(first, a, b), picked);
  });
}

test('of many busy nodes of equal weight, none is ever two calls ahead for long: calls spread better than at random', () => {
  const random = seeded(3);
  const nodes = Array.from({ length: 20 }, (_, i) => ({
    name: `n${i}`,
    id: `n${i}`,
    weight: 1024,
    healthy: true,
    inFlight: 0,
  }));
  const balancer = new P2cBalancer<FakeNode>(random);
  for (const node of nodes) balancer.add(node);
  for (let i = 0; i < 2_000; i++) balancer.pick([])!.inFlight++;
  const loads = nodes.map((node) => node.inFlight);
  // At random the fullest of 20 would hold about 118 of 100 on average (two standard deviations of 10 above the mean);
  // two choices keep it within log log n of the mean, about 3.
  assert.ok(Math.max(...loads) <= 104 && Math.min(...loads) >= 90, loads.join(' '));
});

test('a node that stands still swallows no more than a few calls more than the others have in flight', () => {
  const random = seeded(5);
  const nodes = ['A', 'B', 'C'].map((name) => ({ name, id: name, weight: 1024, healthy: true, inFlight: 0 }));
  const balancer = new P2cBalancer<FakeNode>(random);
  for (const node of nodes) balancer.add(node);
  let swallowed = 0;
  // Each call at A or B is over before the next but one begins; at C none ever is.
  const running: FakeNode[] = [];
  for (let i = 0; i < 3_000; i++) {
    const node = balancer.pick([])!;
    node.inFlight++;
    if (node.name === 'C') swallowed++;
    else running.push(node);
    if (running.length > 2) running.shift()!.inFlight--;
  }
  assert.ok(swallowed <= 4, `${swallowed} of 3,000`);
});
