/** What can happen to the registration of servers, and to the registry itself, under load: no caller may feel it. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../support/until.ts';
import { Fleet, session } from './fleet.ts';
import type { FaultZooKeeper } from './zookeepers.ts';

type Start = (test: Pick<TestContext, 'after'>) => Promise<FaultZooKeeper>;

/** @param away how long ZooKeeper is gone, ms */
export function registryFaults(name: string, start: Start, away: number): void {
  describe(name, () => {
    const scenes: [string, (fleet: Fleet, away: number) => Promise<void>][] = [
      [`ZooKeeper gone for ${away / 1_000} s, while one server is killed and another one starts`, zookeeperAway],
      ['a primary that stands still for longer than its session lasts', primaryFrozen],
      ['sessions that are ended by force', expireThrice],
    ];
    for (const [what, play] of scenes) {
      it(what, async (test) => {
        const zookeeper = await start(test);
        if (play === expireThrice && zookeeper.expireAll === undefined) {
          return test.skip(`${zookeeper.name} ends the sessions of other processes only by their passwords`);
        }
        const fleet = await Fleet.start(test, zookeeper);
        fleet.say(`on ${zookeeper.name}`);
        await play(fleet, away);
        await fleet.judge();
      });
    }
    it('ZooKeeper that is not there when servers and clients start', async (test) => {
      await absentAtStart(test, await start(test));
    });
  });
}

async function expireThrice(fleet: Fleet): Promise<void> {
  await sessionsExpired(fleet, 3);
  await fleet.registeredOnce();
}

export async function zookeeperAway(fleet: Fleet, away: number): Promise<void> {
  const { zookeeper, client } = fleet;
  await fleet.zookeeper.takeAway();
  const at = systemClock.now();
  await assert.rejects(fleet.entries(), 'nobody reaches it');
  await until(() => client.nodes().registry.state === 'stale', 'the client to notice');

  const victim = fleet.servers[0]!;
  const hit = await fleet.aim(() => fleet.pids(victim));
  await victim.group.kill();
  assert.deepEqual(fleet.pids(victim), []);
  fleet.forget(victim);
  const late = await fleet.add();
  await late.group.line('ZooKeeper is away');
  assert.ok(client.nodes().nodes.every(({ id }) => id !== late.id));

  await systemClock.sleep(Math.max(0, at + away - systemClock.now()));
  assert.equal(client.nodes().registry.state, 'stale', 'it was away all the time');
  assert.ok(fleet.servers.every(({ group }) => group.end === undefined));
  await zookeeper.bringBack();
  const back = systemClock.now();
  await until(async () => String(await fleet.entries()) === String(fleet.expected), 'all to be registered', 60_000);
  fleet.say(
    `the kill hit ${hit.length} calls; all registered ${Math.round(systemClock.now() - back)} ms after it came back`,
  );
  await fleet.registeredOnce();
  await fleet.aim(() => late.group.workers);
}

/** Its workers serve on; nobody who is connected notices that it is not listed any more. */
async function primaryFrozen(fleet: Fleet): Promise<void> {
  const server = fleet.servers[0]!;
  const isListed = async () => (await fleet.entries()).some((entry) => entry.startsWith(server.id));
  process.kill(server.group.pid, 'SIGSTOP');
  const state = () => server.group.members.find(({ pid }) => pid === server.group.pid)?.state;
  await until(() => state() === 'T', 'a standstill');
  await until(async () => !(await isListed()), 'its registration to go');
  await systemClock.sleep(session / 2);
  await fleet.aim(() => server.group.workers);
  assert.equal(state(), 'T');
  process.kill(server.group.pid, 'SIGCONT');
  const thawed = systemClock.now();
  await until(isListed, 'its registration');
  fleet.say(`registered ${Math.round(systemClock.now() - thawed)} ms after it went on`);
  await fleet.registeredOnce();
}

export async function sessionsExpired(fleet: Fleet, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    assert.equal(fleet.zookeeper.expireAll!(), fleet.servers.length);
    const at = systemClock.now();
    assert.deepEqual(await fleet.entries(), []);
    await until(async () => String(await fleet.entries()) === String(fleet.expected), 'all to be registered');
    fleet.say(`all registered again after ${Math.round(systemClock.now() - at)} ms`);
  }
}

async function absentAtStart(test: TestContext, zookeeper: FaultZooKeeper): Promise<void> {
  await zookeeper.takeAway();
  const fleet = new Fleet(test, zookeeper, { connectTimeout: 60_000 });
  await Promise.all([fleet.add(), fleet.add()]);
  for (const { group } of fleet.servers) {
    const { cause } = await group.line('ZooKeeper is away');
    assert.match(String(cause), /no ZooKeeper server can be reached: .*ECONNREFUSED/);
  }
  const waiting = fleet.client.read({ id: 'first' }, { timeout: 60_000 });
  await until(() => fleet.client.nodes().registry.state === 'failed', 'the client to notice');
  await zookeeper.bringBack();
  assert.equal((await waiting).id, 'first', 'a call that waited from the start is answered');
  await fleet.registeredOnce();
  fleet.say(`on ${zookeeper.name}`);
}
