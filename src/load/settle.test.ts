import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ClusterState, Deed, NodeState, ServerState } from './cluster.ts';
import type { Step } from './scenario.ts';
import { unsettled } from './settle.ts';

const deed: Deed = { at: 0, servers: ['server-1'], proof: [], machine: 'machine-1' };
const node = (server: string, change: Partial<NodeState> = {}): NodeState => ({
  ...{
    id: server,
    address: server,
    server,
    base: 1024,
    weight: 1024,
    share: 0.5,
    state: 'live',
    inFlight: 0,
    cause: null,
  },
  ...change,
});
const server = (name: string, phase: ServerState['phase'] = 'ready'): ServerState => ({
  name,
  address: name,
  phase,
  startedAt: 0,
});
/** What each gateway sees, of as many as are wanted. */
function seen(...views: NodeState[][]): Pick<ClusterState, 'gateways' | 'desiredGateways'> {
  const gateways = views.map((nodes, place) => ({ name: `gateway-${place + 1}`, phase: 'ready' as const, nodes }));
  return { desiredGateways: views.length, gateways };
}
const well: ClusterState = {
  ...{ at: 0, desired: 2, ready: 2, registered: 2 },
  servers: [server('server-1'), server('server-2')],
  ...seen([node('server-1'), node('server-2')]),
};
const scale: Step = { at: 0, do: 'scale', to: 2, pace: { how: 'abrupt' } };
const kill: Step = { at: 0, do: 'kill', target: 'server', count: 1 };
const freeze: Step = { at: 0, do: 'freeze', target: 'server', count: 1, for: 5000 };
const away: Step = { at: 0, do: 'zookeeper-away', for: 5000 };
const steps: Record<string, Step> = {
  drain: { at: 0, do: 'drain' },
  hpa: { at: 0, do: 'hpa', to: 2 },
  gateway: { at: 0, do: 'gateway' },
  leader: { at: 0, do: 'zookeeper-leader' },
};
const two = [node('server-1'), node('server-2')];
const rolling: Step = { at: 0, do: 'rolling', target: 'server' };

const cases: [what: string, step: Step, state: Partial<ClusterState>, missing: RegExp | undefined][] = [
  ['all well, after a scaling', scale, {}, undefined],
  ['all well, after a rolling restart', rolling, {}, undefined],
  ['all well, after a kill', kill, {}, undefined],
  ['all well, after a freeze', freeze, {}, undefined],
  ['all well, after ZooKeeper came back', away, {}, undefined],
  ['a server is not ready', scale, { ready: 1 }, /^1 of 2 servers are ready$/],
  ['one too many is ready', scale, { ready: 3 }, /^3 of 2 servers are ready$/],
  [
    'the gateway does not call one',
    kill,
    seen([node('server-1'), node('server-2', { state: 'connecting', cause: 'refused' })]),
    /calls 1 servers, 2 are wanted \(refused\)/,
  ],
  ['the gateway says nothing', kill, seen([]), /^gateway-1 does not say/],
  [
    'the gateway still calls one that goes',
    scale,
    seen([node('server-1'), node('server-2'), node('server-3')]),
    /calls 3 servers, 2 are wanted/,
  ],
  [
    'one that was told to go is still there',
    scale,
    { servers: [...well.servers, server('server-3', 'stopping')] },
    /^server-3 has not ended yet$/,
  ],
  [
    'a thawed server has not its whole weight',
    freeze,
    seen([node('server-1', { weight: 64 }), node('server-2')]),
    /^server-1 has weight 64 of 1024$/,
  ],
  [
    'another server has not its whole weight',
    freeze,
    seen([node('server-1'), node('server-2', { weight: 64 })]),
    undefined,
  ],
  [
    'a newcomer has not its whole weight',
    scale,
    seen([node('server-1', { weight: 128 }), node('server-2')]),
    undefined,
  ],
  ['the registry lists the dead', kill, { registered: 3 }, undefined],
  [
    'the registry lists fewer, after it came back',
    away,
    { registered: 1 },
    /^the registry holds 1 servers, 2 are wanted$/,
  ],
  [
    'the registry lists one twice, after it came back',
    away,
    { registered: 3 },
    /^the registry holds 3 servers, 2 are wanted$/,
  ],
  ['all well, after a drain', steps.drain!, {}, undefined],
  ['all well, after the gateways were replaced', steps.gateway!, {}, undefined],
  [
    'one of two gateways does not call a server',
    kill,
    seen(two, [node('server-1')]),
    /^gateway-2 calls 1 servers, 2 are wanted$/,
  ],
  ['one of two gateways says nothing', kill, seen(two, []), /^gateway-2 does not say which servers it sees$/],
  ['a gateway is missing', steps.gateway!, { desiredGateways: 2 }, /^1 of 2 gateways are ready$/],
  [
    'a gateway that was told to go is still there',
    steps.gateway!,
    { gateways: [...seen(two).gateways, { name: 'gateway-0', phase: 'stopping', nodes: [] }] },
    /^gateway-0 has not ended yet$/,
  ],
  [
    'a thawed server has not its whole weight at the second gateway',
    freeze,
    seen(two, [node('server-1', { weight: 64 }), node('server-2')]),
    /^server-1 has weight 64 of 1024$/,
  ],
  [
    'the autoscaler wants something else',
    steps.hpa!,
    { desired: 1, ready: 1, ...seen([node('server-1')]) },
    /^1 servers are wanted, the autoscaler is to want 2$/,
  ],
  ['the autoscaler wants what it shall, and all are ready', steps.hpa!, {}, undefined],
  [
    'a server is still on the drained machine',
    steps.drain!,
    { servers: [server('server-1'), { ...server('server-2'), machine: 'machine-1' }] },
    /^server-2 is still on machine-1$/,
  ],
  [
    'servers on other machines, or gone from the drained one',
    steps.drain!,
    {
      servers: [
        { ...server('server-1'), machine: 'machine-2' },
        { ...server('server-2', 'gone'), machine: 'machine-1' },
      ],
    },
    undefined,
  ],
  [
    'a member of ZooKeeper is away',
    steps.leader!,
    { zookeeper: { desired: 3, ready: 2 } },
    /^2 of 3 members of ZooKeeper are ready$/,
  ],
  [
    'the registry lists fewer, after the leader died',
    steps.leader!,
    { registered: 1 },
    /^the registry holds 1 servers/,
  ],
  ['the registry cannot be read', away, { registered: undefined }, /^the registry cannot be read$/],
];

for (const [what, step, change, missing] of cases) {
  it(`${missing === undefined ? 'settled' : 'not settled'}: ${what}`, () => {
    const said = unsettled(step, deed, { ...well, ...change });
    if (missing === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', missing);
  });
}
