/** A little of all that test/faults does at length, on one fleet: `npm run test:faults` has the rounds that the promise is made for. */
import { it } from 'node:test';
import { Fleet } from './faults/fleet.ts';
import { sessionsExpired, zookeeperAway } from './faults/registry-faults.ts';
import { freezeServers, killPrimaries, killServers, killWorkers, tellServersToGo } from './faults/server-faults.ts';
import { embeddedZooKeeper } from './faults/zookeepers.ts';

it('loses no call while servers are killed, frozen and replaced, and ZooKeeper goes and comes', async (test) => {
  const fleet = await Fleet.start(test, await embeddedZooKeeper(test));
  await killServers(fleet, 2);
  await killPrimaries(fleet, 2);
  await killWorkers(fleet, 2);
  await tellServersToGo(fleet, 2);
  await freezeServers(fleet, 1);
  await sessionsExpired(fleet, 1);
  await zookeeperAway(fleet, 3_000);
  await fleet.judge();
});
