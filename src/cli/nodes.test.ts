import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NodeView } from '../client/view.ts';
import { snapshot, table } from './nodes.ts';

const node: NodeView = {
  id: 'a4c2c6ed174eb1ca',
  addr: '10.0.0.1:7000',
  base: 1024,
  weight: 511.6,
  share: 0.333,
  state: 'live',
  inFlight: 12,
  lastCause: 'lost',
  settings: null,
  nextProbe: null,
};

it('the table of nodes has a column for each fact, as wide as its widest cell', () => {
  const other = {
    ...node,
    id: '10.0.0.12:7000',
    addr: '10.0.0.12:7000',
    weight: 1024,
    state: 'connecting',
    lastCause: null,
  };
  assert.deepEqual(table([node, other as NodeView]).split('\n'), [
    'NODE              ADDRESS         STATE       WEIGHT        SHARE  IN FLIGHT  LAST CAUSE',
    'a4c2c6ed174eb1ca  10.0.0.1:7000   live        512 of 1024   33 %   12         lost',
    '10.0.0.12:7000    10.0.0.12:7000  connecting  1024 of 1024  33 %   12',
  ]);
});

it('the table says what is set of a node, if something is set of any', () => {
  const rows = [node, { ...node, settings: { weight: 512, offline: true } }, { ...node, settings: { weight: 7 } }];
  const column = (table(rows as NodeView[]).split('\n') as string[]).map((line) => line.slice(line.indexOf('lost')));
  assert.deepEqual(column, ['T', 'lost', 'lost        offline, weight 512', 'lost        weight 7']);
  assert.match(table(rows as NodeView[]), /LAST CAUSE {2}SET\n/);
});

it('the table of no nodes says so', () => {
  assert.equal(table([]), 'The registry lists no server.');
});

it('a snapshot is another only where something is said that is not over in a moment', () => {
  const registry = { state: 'known', since: '' } as const;
  const view = (nodes: readonly NodeView[], state: 'known' | 'stale' = 'known') =>
    snapshot({ version: 1, service: null, registry: { ...registry, state }, budget: 0, nodes: [...nodes] });
  const first = view([node]);
  assert.equal(view([{ ...node, nextProbe: '2026-01-01T00:00:00.001Z', inFlight: 13 }]), first);
  for (const other of [view([]), view([node, node]), view([{ ...node, weight: 1024 }]), view([node], 'stale')]) {
    assert.notEqual(other, first);
  }
});
