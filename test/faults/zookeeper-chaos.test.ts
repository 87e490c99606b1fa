/** A minute of random trouble between many registries and ZooKeeper; then, in peace, all must be as if nothing had been. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { seeded } from '../../src/core/random.ts';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import { openRegistry } from '../../src/registry/open.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { Seen, server } from '../support/registry-suite.ts';
import { until } from '../support/until.ts';

/** How long the trouble lasts, ms. */
const length = 60_000;

const seed = Number(process.env.EVENKEEL_TEST_SEED ?? Math.floor(systemClock.wallTime()));

it(`ends well after a minute of trouble (EVENKEEL_TEST_SEED=${seed})`, async (test) => {
  const random = seeded(seed);
  const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)]!;
  const host = await startZooKeeper({ tickTime: 200 });
  test.after(() => host.close());
  const servers = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const proxies = [await startFaultProxy(host.connect), await startFaultProxy(host.connect)];
      const registry = openRegistry(`zookeeper://${proxies.map((it) => it.address).join()}/chaos?session=1s`);
      const facts = server(`h${i}`);
      return { proxies, registry, facts, lease: registry.announce(facts), seen: new Seen(registry), weight: 1024 };
    }),
  );
  test.after(async () => {
    for (const { registry, proxies } of servers) {
      await registry.close();
      for (const proxy of proxies) await proxy.close();
    }
  });

  let events = 0;
  const deadline = systemClock.now() + length;
  while (systemClock.now() < deadline) {
    const one = pick(servers);
    const proxy = pick(one.proxies);
    const trouble = [
      () => proxy.cut(),
      () => proxy.limitThenCut(Math.ceil(random() * 60)),
      () => proxy.pause(),
      () => proxy.pauseDownstream(),
      () => proxy.pauseUpstream(),
      () => proxy.resume(),
      () => proxy.slice(Math.ceil(random() * 7)),
      () => proxy.delay(random() * 100, 0.5),
      () => proxy.refuse(),
      () => proxy.accept(),
      () => void host.expireSession(pick(host.sessions())?.id ?? 0n),
      () => one.lease.update({ ...one.facts, weight: ++one.weight }),
    ];
    await pick(trouble)();
    events++;
    await systemClock.sleep(random() * 100);
  }

  // One more server goes away in the middle of it all.
  const gone = servers[0]!;
  await gone.lease.release();
  const left = servers.slice(1);
  for (const { proxies } of servers) {
    for (const proxy of proxies) {
      proxy.resume();
      proxy.delay(0);
      proxy.slice(Number.POSITIVE_INFINITY);
      proxy.limitThenCut(Number.POSITIVE_INFINITY);
      await proxy.accept();
    }
  }
  const expected = left.map(({ facts, weight }) => `${facts.host} ${weight}`).join();
  const told = (seen: Seen) =>
    seen.last?.state === 'known' &&
    seen.last.endpoints
      .map(({ host, weight }) => `${host} ${weight}`)
      .sort()
      .join();
  await until(() => servers.every(({ seen }) => told(seen) === expected), `all to see ${expected}`, 60_000);
  const entries = () =>
    host.sessions().flatMap(({ ephemerals }) => ephemerals.map((path) => path.replace(/.*rpc-(.*)-\d+$/, '$1')));
  await until(() => entries().length === left.length, 'one node for each server', 60_000);
  assert.deepEqual(entries().sort(), left.map(({ facts }) => facts.id).sort());
  await systemClock.sleep(5_000);
  assert.equal(entries().length, left.length, 'and it stays so');
  assert.ok(left.every(({ lease }) => lease.state === 'registered'));
  const connections = servers.reduce((sum, { registry }) => sum + (registry.status().connections as number), 0);
  const sessions = servers.reduce((sum, { registry }) => sum + (registry.status().sessions as number), 0);
  test.diagnostic(`${events} troubles, ${connections} connections, ${sessions} sessions`);
});
