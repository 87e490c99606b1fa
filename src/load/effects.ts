import { type Autoscaling, autoscaling } from './autoscaling.ts';
import type { Proof, ServerState } from './cluster.ts';
import type { PlayedEvent, Recording } from './recording.ts';
import { latency } from './sample.ts';
import { quantile, sorted } from './statistics.ts';

/** What an event did to the servers and to the calls around it. Undefined where it does not apply. Times in ms. */
export interface Effects {
  /** From the start of a new server's process to the first call there; of several servers, the slowest. */
  startToFirstCall: number | undefined;
  /** From the moment the registry was seen to hold it. */
  registeredToFirstCall: number | undefined;
  /** From the moment it was seen to be ready. */
  readyToFirstCall: number | undefined;
  /** From SIGTERM to the last call that began there; of several servers, the slowest. */
  stopToLastCall: number | undefined;
  /** From SIGTERM to the moment the registry was seen not to hold it any more; of several servers, the slowest. */
  stopToUnregistered: number | undefined;
  /** From SIGTERM to the moment EndpointSlices were seen not to name it as ready any more. */
  stopToUnpublished: number | undefined;
  /** How long the p99 stayed above max(1.5 x before, before + 50 ms). 0 if it never was. */
  disturbed: number | undefined;
  /** Calls that were being worked on in the servers that were hit, at that moment. */
  inFlight: number | undefined;
  /** What the autoscaler did, where the event was about it. */
  autoscaling: Autoscaling | undefined;
  proof: readonly Proof[];
  problems: readonly string[];
}

const bucket = 500;
const quiet = 2000;
/** Within so many ms a new server has its first call: less is no time to blame it for none. */
const firstCallPatience = 2000;
/** Nor are fewer than so many calls that it should have got by then: with few it may have none by chance. */
const enoughCalls = 20;

/** Looks for the event's traces in the handlers' books, the servers' lives and the calls. */
export function effects(recording: Recording, event: PlayedEvent, until: number): Effects {
  const { executions } = recording;
  const within = (at: number | undefined) => at !== undefined && at >= event.at && at < until;
  const servers = recording.states.at(-1)?.servers ?? [];
  const born = servers.filter(({ startedAt }) => within(startedAt));
  const told = servers.filter(({ stoppedAt }) => within(stoppedAt));
  const byServer = executions === undefined ? undefined : Map.groupBy(executions, ({ writer }) => writer.server);
  const first = (server: ServerState) => byServer?.get(server.name)?.[0]?.began;
  const idle = born.filter(
    (server) => !(first(server)! < until) && couldBeCalled(recording, server, Math.min(until, recording.ended)),
  );
  return {
    startToFirstCall: slowest(born, (server) => minus(first(server), server.startedAt)),
    registeredToFirstCall: slowest(born, (server) => minus(first(server), server.registeredAt)),
    readyToFirstCall: slowest(born, (server) => minus(first(server), server.readyAt)),
    stopToLastCall: slowest(told, (server) => minus(byServer?.get(server.name)?.at(-1)?.began, server.stoppedAt)),
    stopToUnregistered: slowest(told, (server) => minus(server.unregisteredAt, server.stoppedAt)),
    stopToUnpublished: slowest(told, (server) => minus(server.unpublishedAt, server.stoppedAt)),
    // What nothing was done to cannot be disturbed: it would tell how steady the machine is.
    disturbed: event.step.do === 'baseline' ? undefined : disturbance(recording, event, until),
    inFlight: event.deed?.working,
    autoscaling: autoscaling(recording, event),
    proof: proofOfCalls(recording, event),
    problems:
      byServer === undefined || event.settledAt === undefined
        ? []
        : idle.map(({ name }) => `${name} was started and got no call before the next event`),
  };
}

/**
 * Not one that was told to go before it was there, nor one that an autoscaler starts right before all is over, nor one to which
 * gateways meant to give next to nothing.
 */
function couldBeCalled(recording: Recording, server: ServerState, until: number): boolean {
  const { registeredAt, readyAt, stoppedAt } = server;
  const there = registeredAt ?? readyAt;
  const end = Math.min(until, stoppedAt ?? until);
  if (there === undefined || there + firstCallPatience > end) return false;
  return callsMeantFor(server.name, recording, there, end) >= enoughCalls;
}

/** Of the calls of that time, its share as gateways tell it, on average: an event has settled only if all of them call it. */
function callsMeantFor(name: string, { states, samples }: Recording, from: number, until: number): number {
  const within = (at: number) => at >= from && at < until;
  const shares = states
    .filter(({ at }) => within(at))
    .flatMap(({ gateways }) => gateways.filter(({ phase }) => phase === 'ready'))
    .map(({ nodes }) => nodes.find(({ server }) => server === name)?.share ?? 0);
  if (shares.length === 0) return 0;
  const share = shares.reduce((sum, each) => sum + each, 0) / shares.length;
  return share * samples.filter(({ sent }) => within(sent)).length;
}

function slowest(
  servers: readonly ServerState[],
  time: (server: ServerState) => number | undefined,
): number | undefined {
  const times = servers.map(time).filter((value) => value !== undefined);
  // What we see of the registry comes a moment late: a call may be there before the news of its server.
  return times.length === 0 ? undefined : Math.max(0, ...times);
}

function minus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

function proofOfCalls(recording: Recording, event: PlayedEvent): Proof[] {
  const { deed, step } = event;
  if (deed === undefined) return [];
  if (step.do === 'kill' || step.do === 'freeze') {
    // Counted while they stood still: later, times of two clocks would have to be compared, and a killed server's name lives on.
    const { working } = deed;
    if (working === undefined) return [];
    return [
      { what: `${working} ${working === 1 ? 'call was' : 'calls were'} being worked on there`, holds: working > 0 },
    ];
  }
  // Of a scaling the calls are seen by the servers that come and go; the autoscaler's event is nothing but waiting.
  if (step.do === 'scale' || step.do === 'rolling' || step.do === 'hpa') return [];
  const until = deed.until ?? event.settledAt ?? deed.at;
  const meanwhile = recording.samples.filter(({ sent }) => sent >= deed.at && sent < until).length;
  return [{ what: `${meanwhile} ${meanwhile === 1 ? 'call was' : 'calls were'} made meanwhile`, holds: meanwhile > 0 }];
}

/** How long after the event half seconds came whose p99 stood out. */
function disturbance({ samples }: Recording, { at }: PlayedEvent, until: number): number | undefined {
  const before: number[] = [];
  const after = new Map<number, number[]>();
  for (const sample of samples) {
    const took = latency(sample);
    if (took === undefined) continue;
    if (sample.end!.at >= at - 3000 && sample.end!.at < at) before.push(took);
    // By the moment it was due: what a call waited is the fault of the time in which it waited.
    else if (sample.end!.at >= at && sample.intended < until) {
      const key = Math.max(0, Math.floor((sample.intended - at) / bucket));
      const group = after.get(key);
      if (group === undefined) after.set(key, [took]);
      else group.push(took);
    }
  }
  const usual = quantile(sorted(before), 0.99);
  if (usual === undefined) return undefined;
  const limit = Math.max(1.5 * usual, usual + 50);
  let end = 0;
  for (const key of [...after.keys()].sort((a, b) => a - b)) {
    // Quiet for that long means that it is over: what stands out later has another cause.
    if ((key - end) * bucket >= quiet) break;
    if (quantile(sorted(after.get(key)!), 0.99)! > limit) end = key + 1;
  }
  return end * bucket;
}
