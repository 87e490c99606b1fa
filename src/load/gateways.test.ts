import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GatewayState, NodeState } from './cluster.ts';
import { commonView } from './gateways.ts';

const node = (id: string, weight: number, more: Partial<NodeState> = {}): NodeState => ({
  ...{ id, address: id, server: id, base: 1024, weight, share: 1, state: 'live', inFlight: 1, cause: null },
  ...more,
});
const gateway = (nodes: NodeState[], phase: GatewayState['phase'] = 'ready'): GatewayState => ({
  ...{ name: 'gateway', phase, nodes },
});

describe('what several gateways see', () => {
  it('is of each server the view of the one that thinks worst of it, with the calls of all', () => {
    const gateways = [gateway([node('a', 1024), node('b', 64)]), gateway([node('a', 512), node('b', 1024)])];
    assert.deepEqual(
      commonView({ gateways }).map(({ id, weight, inFlight }) => [id, weight, inFlight]),
      [
        ['a', 512, 2],
        ['b', 64, 2],
      ],
    );
  });

  it('counts a gateway as the worst that does not call the server at all', () => {
    const gateways = [gateway([node('a', 1)]), gateway([node('a', 1024, { state: 'connecting', cause: 'refused' })])];
    assert.deepEqual(
      commonView({ gateways }).map(({ state, cause }) => [state, cause]),
      [['connecting', 'refused']],
    );
  });

  it('has the servers that only some of them know', () => {
    const gateways = [gateway([node('a', 1)]), gateway([node('b', 2)])];
    assert.deepEqual(
      commonView({ gateways }).map(({ id }) => id),
      ['a', 'b'],
    );
  });

  it('passes over a gateway that goes', () => {
    const gateways = [gateway([node('a', 1024)]), gateway([node('a', 1)], 'stopping')];
    assert.deepEqual(commonView({ gateways }), [node('a', 1024)]);
    assert.deepEqual(commonView({ gateways: [] }), []);
  });
});
