import assert from 'node:assert/strict';
import { it } from 'node:test';
import { autoscaledRun } from '../../test/support/synthetic-cluster.ts';
import { sharing } from './shared-state.ts';

it('says the same, in objects of the state before where those say it too', () => {
  const { states } = autoscaledRun();
  let before = states[0]!;
  let kept = 0;
  for (const state of states.slice(1)) {
    const shared = sharing(structuredClone(state), before);
    assert.deepEqual(shared, state);
    kept += shared.servers.filter((server) => before.servers.includes(server)).length;
    before = shared;
  }
  assert.ok(kept > states.length, `${kept} servers were kept`);
});

it('a state in which nothing happened takes no new servers or gateways', () => {
  const state = autoscaledRun().states[600]!;
  const next = sharing({ ...structuredClone(state), at: state.at + 100 }, state);
  assert.equal(next.servers, state.servers);
  assert.equal(next.gateways, state.gateways);
  assert.equal(next.at, state.at + 100);
});

it('a property that is new or gone is a difference', () => {
  const state = autoscaledRun().states[600]!;
  const [first, ...others] = state.servers;
  const gone = { ...state, servers: [{ ...first!, goneAt: 7 }, ...others] };
  assert.deepEqual(sharing(structuredClone(gone), state), gone);
  assert.deepEqual(sharing(structuredClone(state), gone), state);
});
