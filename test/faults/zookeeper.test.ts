/** What Apache ZooKeeper itself, or the process of a server, can do to a registration. Minutes, not seconds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { openRegistry } from '../../src/registry/open.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { type ApacheZooKeeper, apacheZooKeeperMissing, startApacheZooKeeper } from '../support/apache-zookeeper.ts';
import { Seen, server } from '../support/registry-suite.ts';
import { until } from '../support/until.ts';

const missing = await apacheZooKeeperMissing();

describe('ZooKeeper’s own troubles', { skip: missing ?? false, concurrency: true }, () => {
  const start = async (test: TestContext) => {
    const zookeeper = await startApacheZooKeeper();
    test.after(() => zookeeper.stop('SIGKILL'));
    return zookeeper;
  };
  const open = (test: TestContext, zookeeper: ApacheZooKeeper, session = '2s'): Registry => {
    const registry = openRegistry(`zookeeper://${zookeeper.connect}/faults/pi?session=${session}`);
    test.after(() => registry.close());
    return registry;
  };
  /** Opens n servers, each with a session of its own, and someone who watches them. */
  const fleet = async (test: TestContext, zookeeper: ApacheZooKeeper, n: number) => {
    const registries = Array.from({ length: n }, () => open(test, zookeeper));
    const leases = registries.map((registry, i) => registry.announce(server(`h${i}`)));
    for (const lease of leases) await lease.registered;
    const watcher = open(test, zookeeper);
    const seen = new Seen(watcher);
    const all = Array.from({ length: n }, (_, i) => `h${i}:7000`).join();
    const reaches = (hosts: string) =>
      until(() => seen.last?.state === 'known' && seen.hosts?.split(' ').sort().join() === hosts, hosts, 60_000);
    await reaches(all);
    return { registries, leases, watcher, seen, all, reaches };
  };
  const nodes = (seen: Seen) => (seen.last?.state === 'known' ? seen.last.endpoints.length : undefined);

  it('is away for a minute, and a server dies meanwhile', async (test) => {
    const zookeeper = await start(test);
    const { registries, leases, seen, all, reaches } = await fleet(test, zookeeper, 3);
    await zookeeper.stop('SIGKILL');
    await systemClock.sleep(30_000);
    const closing = systemClock.now();
    await registries[2]!.close();
    assert.ok(systemClock.now() - closing < 10_000, 'closing does not wait for ZooKeeper');
    await systemClock.sleep(30_000);
    assert.equal(seen.last?.state, 'failed');
    assert.equal(seen.hosts?.split(' ').sort().join(), all, 'the last good view is kept');
    await zookeeper.restart();
    const back = systemClock.now();
    await until(() => leases.slice(0, 2).every(({ state }) => state === 'registered'), 'both leases', 60_000);
    test.diagnostic(`registered ${Math.round(systemClock.now() - back)} ms after ZooKeeper came back`);
    await reaches('h0:7000,h1:7000');
  });

  it('restarts at once: sessions and nodes stay, nothing is announced again', async (test) => {
    const zookeeper = await start(test);
    const registry = open(test, zookeeper, '8s');
    const seen = new Seen(registry);
    await registry.announce(server('a')).registered;
    await seen.reaches('a:7000');
    const { session } = registry.status();
    await zookeeper.stop('SIGKILL');
    await zookeeper.restart();
    await until(() => registry.status().connected === true, 'the connection', 60_000);
    await registry.announce(server('b')).registered;
    await until(() => nodes(seen) === 2, 'both servers', 60_000);
    assert.deepEqual([registry.status().session, registry.status().sessions], [session, 1]);
  });

  it('loses all its data: its clock goes back behind what we have seen', async (test) => {
    const zookeeper = await start(test);
    const { leases, watcher, reaches, all } = await fleet(test, zookeeper, 2);
    await zookeeper.stop('SIGKILL');
    // On a busy machine the first session may have been lost before.
    const sessions = () => watcher.status().sessions as number;
    const before = sessions();
    for (const name of readdirSync(zookeeper.dataDir).filter((name) => name.startsWith('version-'))) {
      rmSync(join(zookeeper.dataDir, name), { recursive: true });
    }
    await zookeeper.restart();
    const back = systemClock.now();
    await until(() => sessions() > before, 'a new session', 60_000);
    await reaches(all);
    const took = systemClock.now() - back;
    test.diagnostic(`all servers known ${Math.round(took)} ms after ZooKeeper came back empty`);
    assert.ok(took < 30_000);
    assert.ok(leases.every(({ state }) => state === 'registered'));
  });

  it('freezes for longer than the sessions last', async (test) => {
    const zookeeper = await start(test);
    const { leases, seen, all, reaches } = await fleet(test, zookeeper, 3);
    zookeeper.pause();
    await systemClock.sleep(10_000);
    assert.equal(seen.hosts?.split(' ').sort().join(), all);
    assert.equal(seen.last?.state, 'failed');
    zookeeper.resume();
    await until(() => leases.every(({ state }) => state === 'registered'), 'all leases', 60_000);
    await reaches(all);
    await systemClock.sleep(5_000);
    assert.equal(nodes(seen), 3);
  });

  it('a server’s process freezes for one and a half sessions', async (test) => {
    const zookeeper = await start(test);
    const url = `zookeeper://${zookeeper.connect}/faults/pi?session=2s`;
    const script = `
      import { openRegistry } from ${JSON.stringify(new URL('../../src/registry/open.ts', import.meta.url).href)};
      import { endpoint } from ${JSON.stringify(new URL('../../src/core/endpoint.ts', import.meta.url).href)};
      const registry = openRegistry(${JSON.stringify(url)});
      registry.announce(endpoint({ id: 'frozen', host: 'frozen', port: 7000 }));`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'inherit' });
    test.after(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    const seen = new Seen(open(test, zookeeper));
    await seen.reaches('frozen:7000');
    child.kill('SIGSTOP');
    await until(() => nodes(seen) === 0, 'ZooKeeper to end its session');
    await systemClock.sleep(1_000);
    child.kill('SIGCONT');
    const resumed = systemClock.now();
    await seen.reaches('frozen:7000');
    test.diagnostic(`registered ${Math.round(systemClock.now() - resumed)} ms after it went on`);
    await systemClock.sleep(4_000);
    assert.equal(nodes(seen), 1);
  });
});
