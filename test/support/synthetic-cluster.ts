import type { ClusterState, NodeState, ServerState } from '../../src/load/cluster.ts';
import type { Execution } from '../../src/load/ledger.ts';
import { dueTimes, type LoadPlan, plannedCall } from '../../src/load/plan.ts';
import type { PlayedEvent, Recording } from '../../src/load/recording.ts';
import type { Sample } from '../../src/load/sample.ts';
import { eventName, parseScenario } from '../../src/load/scenario.ts';
import { planOf } from '../../src/load/scenario-plan.ts';
import { began } from './synthetic-run.ts';

/** A value that changes at times: [s after the load began, value]. */
type Course = readonly (readonly [from: number, value: number])[];

interface Sketch {
  yaml: string;
  /** Length of the load, s. */
  seconds: number;
  wanted: Course;
  ready: Course;
  readyGateways: Course;
  autoscaler?: { min: number; max: number };
  /** When the events begin and settle. */
  events: readonly (readonly [at: number, settled: number])[];
  /** Calls a second that so many servers answer, when users call without a pause. */
  rateOf?: (servers: number) => number;
}

/** The autoscaler follows a load that triples: late, and by one server too far. */
export function autoscaledRun(): Recording {
  return runOf({
    yaml: `
name: autoscaled
servers: 2
load: { kind: proof, stages: [{ rate: 50, over: 2s }, { rate: 50, over: 18s }, { rate: 150, over: 10s }] }
patience: 2m
events:
  - { at: 10s, do: baseline, for: 5s }
  - { at: 1s, do: hpa, to: 4 }
  - { at: 10s, do: gateway }
`,
    seconds: 95,
    wanted: [
      [0, 2],
      [35, 3],
      [50, 5],
      [70, 4],
    ],
    ready: [
      [0, 2],
      [38, 3],
      [53, 4],
      [54, 5],
      [70, 4],
    ],
    readyGateways: [
      [0, 2],
      [80, 3],
      [83, 2],
    ],
    autoscaler: { min: 2, max: 6 },
    events: [
      [10, 15],
      [16, 71],
      [80, 84],
    ],
  });
}

/** Users who call without a pause, on 1, 2, 4 and 1 servers. Four of them are more than the machine has room for. */
export function capacityRun(): Recording {
  return runOf({
    yaml: `
name: capacity
servers: 1
load: { kind: capacity, users: 20 }
events:
  - { at: 10s, do: scale, to: 2 }
  - { at: 10s, do: scale, to: 4 }
  - { at: 10s, do: scale, to: 1 }
`,
    seconds: 55,
    wanted: [
      [0, 1],
      [10, 2],
      [23, 4],
      [37, 1],
    ],
    ready: [
      [0, 1],
      [12, 2],
      [26, 4],
      [37, 1],
    ],
    readyGateways: [[0, 1]],
    events: [
      [10, 13],
      [23, 27],
      [37, 42],
    ],
    rateOf: (servers) => [0, 100, 196, 0, 300][servers]!,
  });
}

function runOf(sketch: Sketch): Recording {
  const scenario = parseScenario(sketch.yaml);
  const plan: LoadPlan = { ...planOf(scenario, 'http://gateway:8080', 5000), run: 'run' };
  const ended = began + sketch.seconds * 1000;
  const lives = livesOf(sketch.ready);
  const calls = [...callsOf(sketch, plan)];
  const samples: Sample[] = [];
  const executions: Execution[] = [];
  for (const [index, { due, took }] of calls.entries()) {
    const { id, method, unsafe } = plannedCall(plan, index);
    const up = lives.filter(({ from, until }) => from + 0.1 <= due / 1000 && due / 1000 < until);
    const server = up[index % up.length]!.name;
    const intended = began + due;
    const end = { at: intended + took, outcome: 'ok', attempts: 1, mayHaveExecuted: false, node: server };
    samples.push({ id, method, unsafe, intended, sent: intended, end });
    executions.push({ id, method, writer: { server, pid: 7 }, began: intended + 1, ended: intended + took - 1 });
  }
  return {
    scenario,
    plan,
    generator: 'built-in',
    began,
    ended,
    events: scenario.events.map((step, place): PlayedEvent => {
      const [at, settled] = sketch.events[place]!.map((seconds) => began + seconds * 1000) as [number, number];
      const common = { index: place + 1, name: eventName(place + 1, step), step, at, problem: undefined };
      return { ...common, settledAt: settled, deed: { at, servers: [], proof: [] } };
    }),
    states: Array.from({ length: sketch.seconds * 10 + 1 }, (_, tick) => stateAt(sketch, lives, tick / 10)),
    samples,
    dropped: [],
    contradictions: [],
    load: { state: 'finished', record: { kind: 'finished', at: ended, due: samples.length } },
    incidents: [],
    executions,
    gaps: [],
    usage: [],
    environment: { evenkeel: '0.0.0', Kubernetes: 'v1.34.1', nodes: '2 x 2 CPUs', 'server pods': '200m CPU' },
    interrupted: undefined,
  };
}

function* callsOf({ seconds, rateOf, ready }: Sketch, { load }: LoadPlan): Generator<{ due: number; took: number }> {
  if (load.kind === 'proof') {
    for (const due of dueTimes(load)) {
      if (due >= seconds * 1000 - 100) return;
      yield { due, took: 45 };
    }
  } else {
    let due = 0;
    for (;;) {
      const rate = rateOf!(at(ready, due / 1000));
      if (due + (load.users * 1000) / rate > seconds * 1000) return;
      yield { due, took: (load.users * 1000) / rate };
      due += 1000 / rate;
    }
  }
}

function at(course: Course, t: number): number {
  return course.findLast(([from]) => from <= t)![1];
}

/** s */
const publishedAfter = 0.4;

interface Life {
  name: string;
  from: number;
  until: number;
}

/** The newest goes first, as with a Deployment. */
function livesOf(ready: Course): Life[] {
  const lives: Life[] = [];
  for (const [from, count] of ready) {
    const there = lives.filter(({ until }) => until === Number.POSITIVE_INFINITY);
    for (const life of there.slice(count)) life.until = from;
    for (let more = there.length; more < count; more++) {
      lives.push({ name: `server-${lives.length + 1}`, from: from === 0 ? -5 : from, until: Number.POSITIVE_INFINITY });
    }
  }
  return lives;
}

function stateAt(sketch: Sketch, lives: readonly Life[], t: number): ClusterState {
  const up = lives.filter(({ from, until }) => from <= t && t < until);
  const nodes = up.map(({ name, from }): NodeState => {
    const weight = Math.round(1024 * Math.min(1, 1 / 8 + ((t - from) * 7) / 24));
    return {
      id: name,
      address: name,
      server: name,
      base: 1024,
      weight,
      share: 1,
      state: 'live',
      inFlight: 2,
      cause: null,
    };
  });
  const gateways = at(sketch.readyGateways, t);
  // Kubernetes publishes a moment late.
  const published = lives.filter(({ from, until }) => from + publishedAfter <= t && t < until + publishedAfter).length;
  const desired = at(sketch.wanted, t);
  return {
    at: began + t * 1000,
    desired,
    ready: up.length,
    registered: up.length,
    published,
    servers: lives.filter(({ from }) => from - 2 <= t).map((life) => serverAt(life, t)),
    desiredGateways: Math.min(gateways, 2),
    publishedGateways: at(sketch.readyGateways, Math.max(0, t - publishedAfter)),
    gateways: Array.from({ length: gateways }, (_, place) => ({ name: `gateway-${place + 1}`, phase: 'ready', nodes })),
    ...(sketch.autoscaler && { autoscaler: { ...sketch.autoscaler, desired } }),
  };
}

function serverAt({ name, from, until }: Life, t: number): ServerState {
  const ms = (seconds: number) => began + seconds * 1000;
  return {
    ...{ name, address: name, machine: `machine-${(Number(name.slice(7)) % 2) + 1}`, startedAt: ms(from - 2) },
    phase: t >= until ? 'gone' : t >= from ? 'ready' : 'starting',
    ...(t >= from && { registeredAt: ms(from), readyAt: ms(from) + 40 }),
    ...(t >= until && { stoppedAt: ms(until), goneAt: ms(until), unregisteredAt: ms(until) + 40 }),
    ...(t >= until + publishedAfter && { unpublishedAt: ms(until + publishedAfter) }),
  };
}
