/** What the registry's driver, node-zookeeper-client, does with a server. */
import assert from 'node:assert/strict';
import zookeeper, { type Acl, type Client, type Event } from 'node-zookeeper-client';
import { digestIdentity } from '../../src/dev/acl.ts';
import { until } from '../support/until.ts';
import type { Case, Scene } from './case.ts';

const { OPEN_ACL_UNSAFE: open, CREATOR_ALL_ACL: mineOnly } = zookeeper.ACL;
const { PERSISTENT, EPHEMERAL, EPHEMERAL_SEQUENTIAL } = zookeeper.CreateMode;

type Call<T> = (done: (error: Error | null, result: T) => void) => void;

function answer<T>(call: Call<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)));
  });
}

function named(name: string): { name: string } {
  return { name };
}

/** A connected client in the case's folder, closed after the case. */
async function connected(
  scene: Scene,
  options: { sessionId?: Buffer; sessionPassword?: Buffer; chroot?: boolean } = {},
): Promise<Client> {
  const { chroot = true, ...session } = options;
  const address = `127.0.0.1:${scene.port}${chroot ? scene.folder : ''}`;
  const client = zookeeper.createClient(address, { sessionTimeout: 10_000, spinDelay: 50, ...session });
  scene.onClose(() => client.close());
  client.connect();
  await until(() => client.getState().name === 'SYNC_CONNECTED', 'a connection');
  return client;
}

export const clientCases: Case[] = [
  {
    name: 'node-zookeeper-client: nodes',
    async run(scene) {
      const client = await connected(scene);
      assert.equal(await answer<string>((done) => client.create('/a', Buffer.from('x'), open, PERSISTENT, done)), '/a');
      await assert.rejects(
        answer((done) => client.create('/a', null, open, PERSISTENT, done)),
        named('NODE_EXISTS'),
      );
      await assert.rejects(
        answer((done) => client.create('/b/c', null, open, PERSISTENT, done)),
        named('NO_NODE'),
      );
      const { version } = await answer<{ version: number }>((done) => client.setData('/a', Buffer.from('y'), 0, done));
      assert.equal(version, 1);
      await assert.rejects(
        answer((done) => client.setData('/a', Buffer.from('z'), 0, done)),
        named('BAD_VERSION'),
      );
      const data = await answer<Buffer | undefined>((done) => client.getData('/a', undefined, done));
      assert.equal(data?.toString(), 'y');
      await answer<string>((done) => client.create('/a/e', null, open, EPHEMERAL, done));
      await assert.rejects(
        answer((done) => client.create('/a/e/x', null, open, PERSISTENT, done)),
        named('NO_CHILDREN_FOR_EPHEMERALS'),
      );
      await assert.rejects(
        answer<void>((done) => client.remove('/a', -1, done as () => void)),
        named('NOT_EMPTY'),
      );
      assert.deepEqual(await answer<string[]>((done) => client.getChildren('/a', undefined, done)), ['e']);
      await answer<void>((done) => client.remove('/a/e', -1, done as () => void));
      await answer<void>((done) => client.remove('/a', 1, done as () => void));
      assert.equal(await answer((done) => client.exists('/a', undefined, done)), null);
      const acl = await answer<{ permission: number }[]>((done) => client.getACL('/', done));
      assert.deepEqual(
        acl.map((entry) => entry.permission),
        [31],
      );
    },
  },
  {
    name: 'node-zookeeper-client: servers come and go',
    async run(scene) {
      const watcher = await connected(scene);
      const events: string[] = [];
      let names: string[] = [];
      const read = async () => {
        const onEvent = (event: Event) => {
          events.push(event.name);
          void read();
        };
        names = await answer<string[]>((done) => watcher.getChildren('/', onEvent, done));
      };
      await read();
      const server = await connected(scene);
      const path = await answer<string>((done) => server.create('/rpc-', null, open, EPHEMERAL_SEQUENTIAL, done));
      assert.equal(path, '/rpc-0000000000');
      await until(() => names.length === 1, 'the server to be seen');
      server.close();
      await until(() => names.length === 0, 'the server to be gone');
      assert.deepEqual(events, ['NODE_CHILDREN_CHANGED', 'NODE_CHILDREN_CHANGED']);
    },
  },
  {
    name: 'node-zookeeper-client: a lost connection keeps session and watches',
    async run(scene) {
      const client = await connected(scene);
      const other = await connected(scene);
      const events: string[] = [];
      await answer<string>((done) => client.create('/mine', null, open, EPHEMERAL, done));
      await answer((done) => client.getData('/mine', (event) => events.push(event.name), done));
      await answer((done) => client.exists('/later', (event) => events.push(event.name), done));
      await answer((done) => client.getChildren('/', (event) => events.push(event.name), done));
      const session = client.getSessionId();
      const lost = client.connectionManager.socket;
      lost?.destroy();
      // While it is away: setWatches must tell it.
      await answer((done) => other.setData('/mine', Buffer.from('x'), -1, done));
      const back = () => client.connectionManager.socket !== lost && client.getState().name === 'SYNC_CONNECTED';
      await until(back, 'the connection to come back');
      assert.deepEqual(client.getSessionId(), session);
      await until(() => events.includes('NODE_DATA_CHANGED'), 'the missed change');
      await answer<string>((done) => other.create('/later', null, open, PERSISTENT, done));
      await until(() => events.length === 3, 'the kept watches');
      assert.deepEqual(events.sort(), ['NODE_CHILDREN_CHANGED', 'NODE_CREATED', 'NODE_DATA_CHANGED']);
      assert.notEqual(await answer((done) => client.exists('/mine', undefined, done)), null);
    },
  },
  {
    name: 'node-zookeeper-client: a session is gone on with; once closed, it is expired',
    async run(scene) {
      const before = await scene.client();
      before.destroy();
      const sessionId = Buffer.alloc(8);
      sessionId.writeBigInt64BE(before.sessionId);
      const session = { sessionId, sessionPassword: before.password };
      const client = await connected(scene, session);
      assert.deepEqual(client.getSessionId(), sessionId);
      client.close();
      await until(() => client.getState().name === 'DISCONNECTED', 'the end of the session');
      const late = zookeeper.createClient(`127.0.0.1:${scene.port}`, { sessionTimeout: 10_000, ...session });
      scene.onClose(() => late.close());
      let expired = false;
      late.on('expired', () => {
        expired = true;
      });
      late.connect();
      await until(() => expired, 'the news that it expired');
    },
  },
  {
    name: 'node-zookeeper-client: transactions',
    async run(scene) {
      // Paths of transactions are not under the folder that the client was made for: it forgets to add it to results.
      const client = await connected(scene, { chroot: false });
      const a = scene.path('a');
      const both = client.transaction().create(a, Buffer.from('x'), open, PERSISTENT).setData(a, Buffer.from('y'), -1);
      const results = await answer<{ err: number; path?: string }[]>((done) => both.commit(done));
      assert.equal(results[0]?.path, a);
      const failing = client.transaction().remove(a, -1).check(scene.path('none'), -1);
      await assert.rejects(
        answer((done) => failing.commit(done)),
        named('NO_NODE'),
      );
      assert.notEqual(await answer((done) => client.exists(a, undefined, done)), null);
    },
  },
  {
    name: 'node-zookeeper-client: passwords',
    async run(scene) {
      const owner = await connected(scene);
      const stranger = await connected(scene);
      owner.addAuthInfo('digest', Buffer.from('user:secret'));
      await answer<string>((done) => owner.create('/a', Buffer.from('x'), mineOnly, PERSISTENT, done));
      await assert.rejects(
        answer((done) => stranger.getData('/a', undefined, done)),
        named('NO_AUTH'),
      );
      stranger.addAuthInfo('digest', Buffer.from('user:secret'));
      const data = await answer<Buffer | undefined>((done) => stranger.getData('/a', undefined, done));
      assert.equal(data?.toString(), 'x');
    },
  },
  {
    name: 'node-zookeeper-client: rights are shown, hashes to who may change them alone',
    async run(scene) {
      const owner = await connected(scene);
      const stranger = await connected(scene);
      owner.addAuthInfo('digest', Buffer.from('user:secret'));
      const { id } = digestIdentity('user:secret');
      const everybody = (permission: number) => new zookeeper.ACL(permission, zookeeper.Id.ANYONE_ID_UNSAFE);
      const shown = (client: Client, path: string) => answer<Acl[]>((done) => client.getACL(path, done));
      const texts = async (client: Client, path: string) =>
        (await shown(client, path)).map((entry) => `${entry.permission} ${entry.id.scheme}:${entry.id.id}`);

      await answer<string>((done) => owner.create('/a', null, [...mineOnly, everybody(5)], PERSISTENT, done));
      assert.deepEqual(await texts(owner, '/a'), [`31 digest:${id}`, '5 world:anyone']);
      assert.deepEqual(await texts(stranger, '/a'), ['31 digest:user:x', '5 world:anyone']);
      await answer((done) => owner.setACL('/a', mineOnly, -1, done));
      await assert.rejects(shown(stranger, '/a'), named('NO_AUTH'));
      await assert.rejects(shown(stranger, '/none'), named('NO_NODE'));

      // All but the right to change rights.
      await answer<string>((done) => owner.create('/b', null, [everybody(15)], PERSISTENT, done));
      assert.deepEqual(await texts(stranger, '/b'), ['15 world:anyone']);
      for (const client of [owner, stranger]) {
        await assert.rejects(
          answer((done) => client.setACL('/b', open, -1, done)),
          named('NO_AUTH'),
        );
      }
      await answer<void>((done) => stranger.remove('/b', -1, done as () => void));
    },
  },
];
