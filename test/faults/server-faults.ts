/**
 * What can happen to servers under load, some rounds of each; and what must not come of it: no call lost, none run twice
 * that must not, no word that is not true. Every round sees to it that its fault hit calls in flight, and that it happened.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { quantile, sorted } from '../../src/load/statistics.ts';
import { until } from '../support/until.ts';
import { Fleet, type Server } from './fleet.ts';
import { realZooKeeper } from './zookeepers.ts';

/** Median and worst of some times, for the report. */
function spread(times: readonly number[]): string {
  const all = sorted(times);
  const of = (q: number) => `${Math.round(quantile(all, q) ?? Number.NaN)} ms`;
  return `median ${of(0.5)}, worst ${of(1)} of ${all.length}`;
}

/** The next victim: each in its turn. */
const turn = (fleet: Fleet, round: number): Server => fleet.servers[round % fleet.servers.length]!;

/** Starts another server in the place of one that is gone, on its port: its old entry still stands for a while. */
async function replace(fleet: Fleet, server: Server): Promise<Server> {
  fleet.forget(server);
  const next = await fleet.add(server.port);
  await fleet.settled();
  return next;
}

/** Does things to servers. Gives back what it leaves of the doubt that some calls may have run: none, or what must be. */
type Play = (fleet: Fleet, rounds: number) => Promise<'some may be unknown' | 'none is unknown'>;

/** Each with so many rounds, on a fleet of its own. */
export function serverFaults(
  name: string,
  faults: readonly (readonly [what: string, play: Play, rounds: number])[],
): void {
  describe(name, () => {
    for (const [what, play, rounds] of faults) {
      it(`${rounds} x ${what}`, async (test) => {
        const zookeeper = await realZooKeeper(test);
        const fleet = await Fleet.start(test, zookeeper);
        fleet.say(`on ${zookeeper.name}`);
        const doubt = await play(fleet, rounds);
        await fleet.registeredOnce();
        const { unknown } = await fleet.judge();
        if (doubt === 'none is unknown') assert.equal(unknown, 0, 'a server that goes by itself leaves no doubt');
      });
    }
  });
}

/** kill -9 of a whole server, and another in its place. */
export const killServers: Play = async (fleet, rounds) => {
  const recoveries: number[] = [];
  let hit = 0;
  for (let round = 0; round < rounds; round++) {
    const server = turn(fleet, round);
    hit += (await fleet.aim(() => fleet.pids(server))).length;
    const at = systemClock.now();
    await server.group.kill();
    assert.deepEqual(fleet.pids(server), []);
    await until(
      () => fleet.client.nodes().nodes.every((node) => node.id !== server.id || node.state !== 'live'),
      'the resets',
    );
    await replace(fleet, server);
    await systemClock.sleep(Math.max(0, at + 3_500 - systemClock.now()));
    recoveries.push(fleet.load.recovery(at).after);
  }
  fleet.say(`${rounds} x kill -9 of a server hit ${hit} calls; p99 back after ${spread(recoveries)}`);
  return 'some may be unknown';
};

/** kill -9 of the primary process alone: its workers finish and go. */
export const killPrimaries: Play = async (fleet, rounds) => {
  let hit = 0;
  for (let round = 0; round < rounds; round++) {
    const server = turn(fleet, round);
    const workers = server.group.workers;
    hit += (await fleet.aim(() => workers)).length;
    process.kill(server.group.pid, 'SIGKILL');
    await until(() => server.group.end?.signal === 'SIGKILL', 'the primary to be gone');
    assert.deepEqual(fleet.pids(server).sort(), workers.toSorted(), 'and nobody else');
    await until(() => fleet.pids(server).length === 0, 'its workers to finish');
    await replace(fleet, server);
  }
  fleet.say(`${rounds} x kill -9 of a primary hit ${hit} calls`);
  return 'some may be unknown';
};

/** kill -9 of one worker: its server goes on, and has another soon. */
export const killWorkers: Play = async (fleet, rounds) => {
  const names = await fleet.names();
  let hit = 0;
  for (let round = 0; round < rounds; round++) {
    const server = turn(fleet, round);
    const victim = server.group.workers[round % 2]!;
    hit += (await fleet.aim(() => [victim])).length;
    process.kill(victim, 'SIGKILL');
    await until(() => !fleet.pids(server).includes(victim), 'the worker to be gone');
    await until(() => !server.group.workers.includes(victim), 'the next worker');
    const next = server.group.workers[round % 2]!;
    await fleet.aim(() => [next]);
    await fleet.settled();
  }
  fleet.say(`${rounds} x kill -9 of a worker hit ${hit} calls`);
  assert.deepEqual(await fleet.names(), names, 'the registrations were never touched');
  return 'some may be unknown';
};

/** SIGTERM, and another in its place. */
export const tellServersToGo: Play = async (fleet, rounds) => {
  const last: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const server = turn(fleet, round);
    await fleet.aim(() => server.group.workers);
    const at = systemClock.now();
    server.group.signal('SIGTERM');
    assert.equal(await server.group.over(), 0);
    last.push(lastCall(fleet, server, at));
    await replace(fleet, server);
  }
  fleet.say(`${rounds} x SIGTERM; the last call there came after ${spread(last)}`);
  return 'none is unknown';
};

/** How long after `at` the last call was due that one of these processes answered, ms; 0 if none was. */
function lastCall(fleet: Fleet, server: Server, at: number): number {
  const workers = new Set<unknown>(server.group.workers);
  const late = fleet.load.sent.findLast(({ outcome }) => workers.has(outcome));
  return late === undefined ? 0 : Math.max(0, late.intended - at);
}

/** A new one first, then the old one goes: a rolling update of all. */
export const roll: Play = async (fleet, rounds) => {
  const first: number[] = [];
  const last: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const old of [...fleet.servers]) {
      const next = await fleet.add();
      await next.group.line('registered in ZooKeeper');
      const announced = systemClock.now();
      await fleet.settled();
      first.push(await firstCall(fleet, next, announced));
      const at = systemClock.now();
      old.group.signal('SIGTERM');
      assert.equal(await old.group.over(), 0);
      last.push(lastCall(fleet, old, at));
      fleet.forget(old);
    }
  }
  fleet.say(
    `${rounds} rolling updates; first call ${spread(first)} after its announcement, last ${spread(last)} after SIGTERM`,
  );
  return 'none is unknown';
};

/** How long after its announcement a server's first call was due, ms. */
async function firstCall(fleet: Fleet, server: Server, announced: number): Promise<number> {
  const workers = new Set<unknown>(server.group.workers);
  const first = await until(() => fleet.load.sent.find(({ outcome }) => workers.has(outcome)), 'a call there');
  return Math.max(0, first.intended - announced);
}

/** What a call usually takes where the machine has the time, ms. */
const expectedPace = 60;

/** A whole server stands still for five seconds. */
export const freezeServers: Play = async (fleet, rounds) => {
  const wasted: number[] = [];
  const recoveries: number[] = [];
  const paces: number[] = [];
  let hit = 0;
  for (let round = 0; round < rounds; round++) {
    const server = turn(fleet, round);
    const workers = new Set(server.group.workers);
    // Beside newcomers with an eighth of its weight it would be owed most of the calls.
    await fleet.warm();
    await fleet.aim(() => [...workers]);
    const at = systemClock.now();
    server.group.signalGroup('SIGSTOP');
    const still = () => server.group.members.every(({ state }) => state === 'T');
    await until(still, 'a standstill');
    fleet.book.read();
    const begun = fleet.load.inFlight.filter((id) => fleet.book.executions.get(id)?.some((pid) => workers.has(pid)));
    assert.ok(begun.length > 0, 'calls were in flight there');
    await systemClock.sleep(5_000 - (systemClock.now() - at));
    fleet.book.read();
    assert.ok(still(), 'it stood still all the time');
    const thawed = systemClock.now();
    const before = fleet.book.lines.length;
    server.group.signalGroup('SIGCONT');
    await fleet.settled();
    await fleet.aim(() => [...workers]);
    // What it had been sent meanwhile it begins only now. (A call that was due just before may have been sent just after.)
    const due = new Map(fleet.load.sent.map(({ id, intended }) => [id, intended]));
    const late = fleet.book.lines
      .slice(before)
      .filter(({ id, pid }) => workers.has(pid) && due.get(id)! < thawed - 500);
    wasted.push(late.length);
    paces.push(quantile(fleet.load.latencies(at, thawed), 0.5) ?? 0);
    hit += begun.length;
    recoveries.push(fleet.load.recovery(at).after);
  }
  fleet.say(
    `${rounds} x frozen for 5 s with ${hit} calls in flight; sent there meanwhile: ${wasted.join(', ')}; p99 back after ${spread(recoveries)}`,
  );
  // On a machine that is too busy, calls pile up everywhere, and a frozen server is owed its share of the pile.
  const pace = (quantile(paces, 0.5) ?? 0) / expectedPace;
  const most = 20 * Math.max(1, pace);
  assert.ok(
    Math.max(...wasted) <= most,
    `at most ${most} attempts may be sent to a frozen server: ${wasted.join(', ')}`,
  );
  return 'some may be unknown';
};
