import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeatDefaults } from '../transport/heartbeat.ts';
import { loadMaxAge, nodeLoad } from './node-load.ts';

const said = (at: number, inFlight: number, cpu = 0.5) => ({ load: { at, inFlight, queued: 0, cpu } });
const nothing = { load: undefined };

test('a node without a word has no load', () => {
  assert.equal(nodeLoad([], 0, 3_000), undefined);
  assert.equal(nodeLoad([nothing, nothing], 0, 3_000), undefined);
});

test('the load of a node is that of its workers together, as of the newest word', () => {
  const load = nodeLoad([said(500, 3), nothing, said(900, 4)], 1_000, 3_000);
  assert.deepEqual([load?.at, load?.inFlight, load?.cpu, load?.cores], [900, 7, 1, 2]);
  assert.deepEqual(nodeLoad([said(500, 3)], 1_000, 3_000), said(500, 3).load);
});

test('what is too old does not count', () => {
  assert.equal(nodeLoad([said(0, 3), said(1, 4)], 3_001, 3_000)?.inFlight, 4);
  assert.equal(nodeLoad([said(0, 3)], 3_001, 3_000), undefined);
});

test('a load counts until two answers in a row have not come', () => {
  assert.equal(loadMaxAge(heartbeatDefaults), 3_000);
  assert.equal(loadMaxAge({ ...heartbeatDefaults, loadEvery: 0 }), 3_000);
  assert.equal(loadMaxAge({ ...heartbeatDefaults, loadEvery: 10_000 }), 30_000);
});
