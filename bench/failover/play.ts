/** Plays the scenario once with one contender. */
import { loadavg } from 'node:os';
import { systemClock as clock } from '../../src/core/clock.ts';
import type { Proof } from '../../src/load/cluster.ts';
import { freePort } from '../../src/load/local/free-port.ts';
import type { ProcessGuard } from '../../src/load/local/guard.ts';
import { embeddedZooKeeper } from '../../src/load/local/zookeeper.ts';
import { Child } from '../process/child.ts';
import { round } from '../spread.ts';
import { type Contender, type ContenderName, contenders, evenkeelCommand, type World } from './contender.ts';
import type { Begun, Recorded, Struck, ToDriver } from './driver.ts';
import type { FailoverRun } from './figures.ts';
import { Fleet } from './fleet.ts';
import { type CallRecord, judge, judgeParts } from './judge.ts';
import { type Scenario, servers } from './scenario.ts';

/** @param deadline of each call, ms */
export async function play(
  name: ContenderName,
  deadline: number,
  scenario: Scenario,
  guard: ProcessGuard,
): Promise<FailoverRun> {
  const contender: Contender = contenders[name];
  const before = round(loadavg()[0]!);
  const zookeeper = contender.registry ? embeddedZooKeeper({ command: evenkeelCommand, guard, clock }) : undefined;
  let fleet: Fleet | undefined;
  let driver: Child | undefined;
  try {
    await zookeeper?.start();
    const ports: number[] = [];
    for (let place = 0; place < servers; place++) ports.push(await freePort());
    const registry = zookeeper === undefined ? undefined : `zookeeper://${zookeeper.address}/failover`;
    const world: World = { ports, registry };
    fleet = new Fleet(contender, world, guard);
    await fleet.start();
    driver = new Child('../failover/driver.ts', [name, String(deadline), JSON.stringify(world)]);
    await driver.next();
    const { starts, proofs } = await new Performance(fleet, driver, scenario).run();
    const { calls, lag } = await driver.ask<Recorded>({ do: 'end' } satisfies ToDriver);
    proofs.push(...proofOfCalls(calls, scenario, fleet.members));
    return {
      contender: name,
      deadline,
      ...judge(calls, deadline),
      lag: round(lag),
      load: { before, after: round(loadavg()[0]!) },
      parts: judgeParts(calls, deadline, starts),
      proofs,
    };
  } finally {
    await driver?.close();
    await fleet?.close();
    await zookeeper?.close();
  }
}

/** The faults, in order, at their times. */
class Performance {
  readonly #fleet: Fleet;
  readonly #driver: Child;
  readonly #scenario: Scenario;
  readonly #starts: { name: string; from: number }[] = [{ name: 'quiet', from: 0 }];
  readonly #proofs: Proof[] = [];
  #zero = 0;

  constructor(fleet: Fleet, driver: Child, scenario: Scenario) {
    this.#fleet = fleet;
    this.#driver = driver;
    this.#scenario = scenario;
  }

  async run() {
    const { rate, warmUp, kill, freeze, terminate, rolling, end, tail } = this.#scenario;
    await this.#driver.ask<Begun>({ do: 'begin', rate, warmUp } satisfies ToDriver);
    this.#zero = clock.now();
    await this.#until(kill.at);
    await this.#kill(0, kill.pause);
    await this.#until(freeze.at);
    await this.#freeze(1, freeze.for);
    await this.#until(terminate.at);
    await this.#replace('SIGTERM', 2);
    for (let place = 0; place < servers; place++) {
      await this.#until(rolling.at + place * rolling.every);
      await this.#replace(`rolling restart, ${place + 1} of ${servers}`, place);
    }
    await this.#until(Math.max(end, clock.now() - this.#zero + tail));
    return { starts: this.#starts, proofs: this.#proofs };
  }

  async #kill(place: number, pause: number): Promise<void> {
    const group = this.#fleet.at(place);
    const before = group.members;
    await this.#strike('kill -9', -group.pid, 'SIGKILL');
    this.#proofs.push(...(await group.kill(before)));
    await clock.sleep(pause);
    this.#proofs.push(...(await this.#fleet.restart(place, before)));
  }

  async #freeze(place: number, ms: number): Promise<void> {
    const group = this.#fleet.at(place);
    const { at } = await this.#strike('frozen', -group.pid, 'SIGSTOP');
    this.#proofs.push(...(await group.freeze()));
    await this.#until(at + ms);
    this.#proofs.push(...group.thaw(ms));
    this.#starts.push({ name: 'thawed', from: clock.now() - this.#zero });
  }

  async #replace(name: string, place: number): Promise<void> {
    const group = this.#fleet.at(place);
    const before = group.members;
    await this.#strike(name, group.pid, 'SIGTERM');
    this.#proofs.push(...(await this.#fleet.gone(place, before)));
    this.#proofs.push(...(await this.#fleet.restart(place, before)));
  }

  /** The driver itself sends the signal, so that it can tell what was in flight. */
  async #strike(name: string, pid: number, signal: NodeJS.Signals): Promise<Struck> {
    const struck = await this.#driver.ask<Struck>({ do: 'strike', pid, signal } satisfies ToDriver);
    this.#starts.push({ name, from: struck.at });
    this.#proofs.push({ what: `${name}: ${struck.inFlight} calls were in flight`, holds: struck.inFlight > 0 });
    return struck;
  }

  async #until(at: number): Promise<void> {
    await clock.sleep(Math.max(0, this.#zero + at - clock.now()));
  }
}

/** All were made, and in the end those processes answered that were started last: each server has been replaced by then. */
function proofOfCalls(calls: readonly CallRecord[], { rate, end }: Scenario, newest: readonly number[]): Proof[] {
  const last = calls.slice(-rate).flatMap(({ pid }) => pid ?? []);
  const pids = [...new Set(last)];
  return [
    { what: `${calls.length} calls were made`, holds: calls.length >= (rate * end) / 1_000 },
    {
      what: `in the last second processes ${pids.join(', ')} answered`,
      holds: pids.length > 0 && pids.every((pid) => newest.includes(pid)),
    },
  ];
}
