/** The demonstration service on ZooKeeper, as README shows it: what stands in the registry, what a call prints. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startZooKeeper } from '../src/dev/zookeeper.ts';
import { apacheZooKeeperMissing, apacheZooKeeperVersion, startApacheZooKeeper } from './support/apache-zookeeper.ts';
import { EvenkeelGroup } from './support/evenkeel-group.ts';
import { RawClient } from './support/raw-zookeeper-client.ts';
import { until } from './support/until.ts';

async function piOn(test: TestContext, port: number): Promise<void> {
  const registry = `zookeeper://127.0.0.1:${port}/demo`;
  const typed = `serve pi --registry ${registry} --listen 127.0.0.1:0 --processes 4 --drain-delay 3s`;
  const server = EvenkeelGroup.start(test, typed.split(' '));
  const { listen } = await server.line('serving');
  const client = await RawClient.connect(port);
  test.after(() => client.socket.destroy());

  const children = async () => (await client.getChildren('/demo')).children ?? [];
  const [name] = await until(async () => {
    const names = await children();
    return names.length === 0 ? undefined : names;
  }, 'an entry');
  assert.match(name!, /^rpc-[0-9a-f]{16}-\d{10}$/);
  assert.equal((await children()).length, 1, 'one for all its processes');
  const { data, stat } = await client.getData(`/demo/${name}`);
  assert.notEqual(stat!.ephemeralOwner, 0n);
  const { host, port: announced, ...more } = JSON.parse(data!.toString());
  assert.equal(`${host}:${announced}`, listen);
  assert.deepEqual(more, {
    id: name!.slice(4, 20),
    service: 'pi',
    protocols: ['evenkeel/1', 'classic'],
    weight: 1024,
    workers: 4,
  });

  const { stdout, stderr, end } = await EvenkeelGroup.run(['call', 'pi', '98', '--registry', registry]);
  assert.match(stdout, /^3\.13837578257\d*\n$/);
  assert.deepEqual([stderr, end!.code], ['', 0]);

  server.signal('SIGTERM');
  await until(async () => (await children()).length === 0, 'the entry to go');
  assert.equal(server.end, undefined, 'while it serves on');
  assert.equal(await server.over(), 0);
}

describe('evenkeel serve pi --processes 4', () => {
  it('on the embedded ZooKeeper', async (test) => {
    const zookeeper = await startZooKeeper();
    test.after(() => zookeeper.close());
    await piOn(test, zookeeper.port);
  });

  it(`on Apache ZooKeeper ${apacheZooKeeperVersion}`, async (test) => {
    const missing = await apacheZooKeeperMissing();
    if (missing !== undefined) return test.skip(missing);
    const zookeeper = await startApacheZooKeeper();
    test.after(() => zookeeper.stop('SIGKILL'));
    await piOn(test, zookeeper.port);
  });
});
