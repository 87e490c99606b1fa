/** The fault tests themselves, put to the test: what is broken on purpose they must see. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Fleet } from './fleet.ts';
import { killServers } from './server-faults.ts';
import { realZooKeeper } from './zookeepers.ts';

it('a client that makes no call twice loses some when a server is killed', async (test) => {
  const fleet = await Fleet.start(test, await realZooKeeper(test), { attempts: 1, hedging: false });
  await killServers(fleet, 2);
  const { lost } = await fleet.load.finish(fleet.book);
  assert.ok(lost.length > 0);
  for (const call of lost) assert.match(call, /UNAVAILABLE\/(CONNECTION_LOST|NO_NODES)/);
  await assert.rejects(fleet.judge(), /calls were lost/);
});
