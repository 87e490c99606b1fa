import { seeded } from '../../src/core/random.ts';
import type { ClusterState, Deed, NodeState, ServerState } from '../../src/load/cluster.ts';
import type { Execution } from '../../src/load/ledger.ts';
import { dueTimes, type LoadPlan, plannedCall } from '../../src/load/plan.ts';
import type { PlayedEvent, Recording } from '../../src/load/recording.ts';
import type { Sample } from '../../src/load/sample.ts';
import { describeStep, parseScenario } from '../../src/load/scenario.ts';

/** When the synthetic load begins, ms since 1970. */
export const began = 1_800_000_000_000;

const yaml = `
name: synthetic
servers: 3
load: { kind: proof, rate: 300, unsafe: 0.05 }
events:
  - { at: 5s, do: scale, to: 5 }
  - { at: 3s, do: scale, to: 2 }
  - { at: 3s, do: kill }
  - { at: 3s, do: freeze, for: 5s }
  - { at: 3s, do: zookeeper-away, for: 5s }
`;

/** When the events begin and settle, s after the load began. */
const times = [
  [5, 7],
  [10, 15],
  [18, 20],
  [23, 34],
  [37, 43],
] as const;
const length = 46;

interface Life {
  name: string;
  from: number;
  registered: number;
  stopped?: number;
  gone?: number;
}

const lives: Life[] = [
  { name: 'server-1', from: -5, registered: -4, gone: 18 },
  { name: 'server-2', from: -5, registered: -4 },
  { name: 'server-3', from: -5, registered: -4, stopped: 10, gone: 14.6 },
  { name: 'server-4', from: 5, registered: 6.2, stopped: 10, gone: 14.7 },
  { name: 'server-5', from: 5, registered: 6.4, stopped: 10, gone: 14.8 },
  { name: 'server-6', from: 18, registered: 19.4 },
];

/** A run of all events in which everything went well. A test spoils the part that it is about. */
export function syntheticRun(): Recording {
  const random = seeded(7);
  const scenario = parseScenario(yaml);
  const plan: LoadPlan = {
    load: { kind: 'proof', startRate: 300, stages: [{ target: 300, duration: length * 1000 }] },
    url: 'http://127.0.0.1:8080',
    run: 'run',
    n: scenario.load.n,
    unsafe: scenario.load.unsafe,
    deadline: 5000,
  };
  const samples: Sample[] = [];
  const executions: Execution[] = [];
  let index = 0;
  for (const due of dueTimes({ kind: 'proof', startRate: 300, stages: [{ target: 300, duration: length * 1000 }] })) {
    const { id, method, unsafe } = plannedCall(plan, index++);
    const at = due / 1000;
    const frozen = at >= 23 && at < 23.4;
    const hedged = frozen && random() < 0.4;
    const took = hedged ? 140 + random() * 30 : 40 + random() * 6 + (random() < 0.01 ? 15 : 0);
    const standsStill = at >= 22.95 && at < 28;
    const up = lives.filter(({ name, registered, stopped, gone }) => {
      const there = registered + 0.1 <= at && at < (stopped ?? gone ?? 1e9);
      return there && !(name === 'server-2' && standsStill);
    });
    const server = up[Math.floor(random() * up.length)]!.name;
    const intended = began + due;
    const sent = intended + random();
    const writer = { server, pid: 100 + Number(server.slice(-1)) };
    executions.push({ id, method, writer, began: sent + took - 41, ended: sent + took - 1 });
    const end = { at: sent + took, outcome: 'ok', attempts: hedged ? 2 : 1, mayHaveExecuted: false, node: server };
    samples.push({ id, method, unsafe, intended, sent, end });
  }
  // What the killed and the frozen server were working on when it hit them; the calls were sent again, and answered by others.
  const repeatable = samples.filter(({ unsafe }) => !unsafe);
  const during = (at: number) =>
    repeatable.filter((s) => s.sent > began + at * 1000 - 30 && s.sent < began + at * 1000);
  const hit = (sample: Sample, writer: Execution['writer'], ended: number | undefined) => {
    const { id, method, sent, end } = sample;
    executions.push({ id, method, writer, began: sent + 1, ended });
    samples[samples.indexOf(sample)] = { ...sample, end: { ...end!, attempts: 2 } };
  };
  for (const sample of during(18).slice(0, 3)) hit(sample, { server: 'server-1', pid: 101 }, undefined);
  for (const sample of during(23).slice(0, 4)) hit(sample, { server: 'server-2', pid: 102 }, began + 28_010);
  return {
    scenario,
    plan,
    generator: 'built-in',
    began,
    ended: began + length * 1000,
    events: scenario.events.map((step, place): PlayedEvent => {
      const [at, settled] = times[place]!;
      const index = place + 1;
      return {
        index,
        name: `${index} ${describeStep(step)}`,
        step,
        at: began + at * 1000,
        settledAt: began + settled * 1000,
        deed: deeds[place]!,
        problem: undefined,
      };
    }),
    states: states(),
    samples,
    dropped: [],
    contradictions: [],
    load: { state: 'finished', record: { kind: 'finished', at: began + length * 1000, due: samples.length } },
    incidents: [],
    executions: executions.sort((a, b) => a.began - b.began),
    usage: [],
    environment: { evenkeel: '0.0.0', Node: 'v26.10.0', CPU: '2 x synthetic' },
    gaps: [],
    interrupted: undefined,
  };
}

const deeds: Deed[] = [
  { at: began + 5000, servers: ['server-4', 'server-5'], proof: [] },
  { at: began + 10_000, servers: ['server-3', 'server-4', 'server-5'], proof: [] },
  {
    at: began + 18_000,
    servers: ['server-1'],
    proof: [{ what: 'server-1: processes 101, 111 are gone', holds: true }],
    working: 3,
  },
  {
    at: began + 23_000,
    until: began + 28_000,
    servers: ['server-2'],
    proof: [{ what: 'server-2: processes 102, 112 stood still', holds: true }],
    working: 4,
  },
  {
    at: began + 37_000,
    until: began + 42_000,
    servers: [],
    proof: [{ what: '127.0.0.1:2181 refuses connections', holds: true }],
  },
];

function states(): ClusterState[] {
  return Array.from({ length: length * 10 + 1 }, (_, tick) => {
    const t = tick / 10;
    const at = began + t * 1000;
    const desired = t < 5 ? 3 : t < 10 ? 5 : 2;
    const servers = lives.filter(({ from }) => from <= t).map((life) => serverAt(life, t));
    // The entry of a killed server stays until its session ends.
    const listed = lives.filter(
      ({ registered, stopped, gone }) => registered <= t && t < (stopped ?? (gone ?? 1e9) + 9),
    );
    const away = t >= 37 && t < 42;
    const back = listed.filter((_, place) => t < 37 || t >= 42.3 + place * 0.3);
    const ready = servers.filter(({ phase }) => phase === 'ready').length;
    return { at, desired, ready, registered: away ? undefined : back.length, servers, ...gatewaysAt(t) };
  });
}

function serverAt({ name, from, registered, stopped, gone }: Life, t: number): ServerState {
  const since = (at: number | undefined) => (at === undefined || at > t ? undefined : began + at * 1000);
  const frozen = name === 'server-2' && t >= 23.5 && t < 28;
  const phase =
    t >= (gone ?? 1e9)
      ? 'gone'
      : t >= (stopped ?? 1e9)
        ? 'stopping'
        : t < registered
          ? 'starting'
          : frozen
            ? 'unready'
            : 'ready';
  const [registeredAt, stoppedAt, goneAt] = [since(registered), since(stopped), since(gone)];
  const unregisteredAt = since(stopped === undefined ? undefined : stopped + 0.05);
  return {
    name,
    address: `127.0.0.1:${7000 + Number(name.slice(-1))}`,
    phase,
    startedAt: began + from * 1000,
    ...(registeredAt !== undefined && { registeredAt }),
    ...(stoppedAt !== undefined && { stoppedAt }),
    ...(goneAt !== undefined && { goneAt }),
    ...(unregisteredAt !== undefined && { unregisteredAt }),
  };
}

function gatewaysAt(t: number): Pick<ClusterState, 'gateways' | 'desiredGateways'> {
  return { desiredGateways: 1, gateways: [{ name: 'gateway', phase: 'ready', nodes: nodesAt(t) }] };
}

function nodesAt(t: number): NodeState[] {
  const up = lives.filter(
    ({ registered, stopped, gone }) => registered + 0.1 <= t && t < (stopped ?? gone ?? 1e9) + 0.5,
  );
  const weightOf = ({ name, registered }: Life) => {
    if (name === 'server-2' && t >= 23.2 && t < 34) {
      const faults = Math.min(10, Math.floor((t - 23.2) / 0.3) + 1);
      const healed = t < 28.5 ? 0 : Math.floor((t - 28.5) / 0.5);
      return 1024 / 2 ** Math.max(0, faults - healed);
    }
    return Math.round(1024 * Math.min(1, 1 / 8 + (7 / 8) * Math.max(0, (t - registered) / 5)));
  };
  const sum = up.reduce((total, life) => total + weightOf(life), 0);
  return up.map((life) => ({
    id: life.name,
    address: `127.0.0.1:${7000 + Number(life.name.slice(-1))}`,
    server: life.name,
    base: 1024,
    weight: weightOf(life),
    share: weightOf(life) / sum,
    state: t >= (life.stopped ?? 1e9) ? 'draining' : 'live',
    inFlight: 4,
    cause: null,
  }));
}
