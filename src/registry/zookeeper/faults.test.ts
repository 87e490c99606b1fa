/**
 * What breaks the bare client, and must not break us. Each failure is first shown to defeat node-zookeeper-client by
 * itself: a test that it survives would prove nothing.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import zookeeper from 'node-zookeeper-client';
import { Seen, server } from '../../../test/support/registry-suite.ts';
import { until } from '../../../test/support/until.ts';
import { onEveryZooKeeper, patience } from '../../../test/support/zookeeper-scene.ts';
import { systemClock } from '../../core/clock.ts';
import type { Link } from './link.ts';

await onEveryZooKeeper((fault) => {
  fault('a server that falls silent', async (scene) => {
    const [theirs, other] = [await scene.proxy(), await scene.proxy()];
    const bare = scene.bare(`${theirs.address},${other.address}`, 1_000, theirs.address);
    await scene.connected(bare);
    theirs.pause();
    let answered = false;
    bare.getChildren('/', undefined, () => {
      answered = true;
    });

    const ours = [await scene.proxy(), await scene.proxy()];
    // The longest that is granted: a third of it is left to find the other server when the silence is noticed.
    const registry = scene.registry(ours.map((proxy) => proxy.address).join(), { session: '10s' });
    const seen = new Seen(registry);
    await seen.reaches('');
    const before = registry.status().server;
    const silent = ours.find((proxy) => proxy.address === before)!;
    silent.pause();
    await scene.witness().announce(server('a')).registered;
    await seen.reaches('a:7000');
    assert.notEqual(registry.status().server, before);
    assert.equal(registry.status().sessions, 1);

    await patience(1_000);
    assert.equal(bare.getState().name, 'SYNC_CONNECTED', 'the bare client notices nothing');
    assert.equal(answered, false);
    assert.equal(other.accepted, 0);
  });

  fault('a server that takes connections and says nothing', async (scene) => {
    const held = new Set<Socket>();
    const mute = createServer((socket) => held.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    scene.after(() => {
      mute.close();
      for (const socket of held) socket.destroy();
    });
    const muteAddress = `127.0.0.1:${(mute.address() as { port: number }).port}`;
    const good = await scene.proxy();
    const servers = `${muteAddress},${good.address}`;
    const bare = scene.bare(servers, 1_000, muteAddress);
    const registry = scene.registry(servers);
    const lease = registry.announce(server('a'));
    await lease.registered;
    assert.ok(held.size >= 2, 'both begin with the mute one');
    await patience(1_000);
    const { port } = mute.address() as { port: number };
    assert.equal(bare.connectionManager.socket?.remotePort, port, 'the bare client never tries the other');
    assert.equal(bare.getState().name, 'DISCONNECTED');
  });

  fault('a frame that is torn by a reset', async (scene) => {
    const [theirs, ours] = [await scene.proxy(), await scene.proxy()];
    const bare = scene.bare(theirs.address);
    let broken = '';
    bare.once('expired', () => {
      broken = 'a false expiry';
    });
    const manager = bare.connectionManager;
    const { onSocketData } = Object.getPrototypeOf(manager) as typeof manager;
    manager.onSocketData = (chunk) => {
      try {
        onSocketData.call(manager, chunk);
      } catch (cause) {
        broken = `an exception that would have ended the process: ${cause}`;
      }
    };
    await scene.connected(bare);
    const registry = scene.registry(ours.address, { session: '6s' });
    const lease = registry.announce(server('a'));
    const seen = new Seen(registry);
    await lease.registered;
    await seen.reaches('a:7000');

    // Half of the answer to the next ping.
    theirs.limitThenCut(10);
    await until(() => broken !== '', 'the bare client to read nonsense');
    for (const bytes of [1, 3, 4, 10, 19]) {
      const before = registry.status().connections as number;
      ours.limitThenCut(bytes);
      await until(() => (registry.status().connections as number) > before, 'the next connection');
    }
    const other = scene.witness().announce(server('b'));
    await other.registered;
    await until(() => seen.hosts?.split(' ').sort().join() === 'a:7000,b:7000', 'both servers');
    assert.equal(registry.status().sessions, 1, 'the session was never over');
    assert.equal(lease.state, 'registered');
    await patience(1_000);
    assert.notEqual(bare.getState().name, 'SYNC_CONNECTED', `the bare client never comes back after ${broken}`);
  });

  fault('a creation whose answer is lost', async (scene) => {
    const [theirs, ours] = [await scene.proxy(), await scene.proxy()];
    const look = await scene.link();
    const names = () => look.getChildren(scene.folder).then(({ names }) => names);
    await scene.witness().announce(server('other')).registered;
    const count = async (prefix: string) => (await names()).filter((name) => name.startsWith(prefix)).length;

    const bare = scene.bare(theirs.address);
    await scene.connected(bare);
    theirs.pauseDownstream();
    const { ACL, CreateMode } = zookeeper;
    const told = new Promise<string | undefined>((resolve) => {
      const path = `${scene.folder}/bare-`;
      bare.create(path, Buffer.from('x'), ACL.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL, (error) =>
        resolve(error?.name),
      );
    });
    await until(async () => (await count('bare-')) === 1, 'the bare client’s node');
    theirs.cut();
    assert.equal(await told, 'CONNECTION_LOSS', 'so it must try again, and makes a second one');

    let creations = 0;
    const registry = scene.registry(ours.address, {
      session: '6s',
      onLink(link) {
        const create = link.create.bind(link);
        link.create = (...args) => {
          if (++creations === 1) ours.pauseDownstream();
          return create(...args);
        };
      },
    });
    const me = server('me');
    const lease = registry.announce(me);
    await until(async () => (await count(`rpc-${me.id}-`)) === 1, 'our node');
    assert.equal(lease.state, 'pending');
    ours.cut();
    ours.resume();
    await lease.registered;
    assert.equal(await count(`rpc-${me.id}-`), 1);
    assert.equal(creations, 1, 'it found the one that it had made');
    assert.equal(registry.status().sessions, 1);
  });

  fault('a session that expires while there is no connection', async (scene) => {
    const [theirs, ours] = [await scene.proxy(), await scene.proxy()];
    const look = await scene.link();
    const bare = scene.bare(theirs.address);
    await scene.connected(bare);
    let expired = false;
    bare.once('expired', () => {
      expired = true;
    });
    const registry = scene.registry(ours.address);
    const lease = registry.announce(server('a'));
    await lease.registered;
    const [before] = (await look.getChildren(scene.folder)).names;
    for (const proxy of [theirs, ours]) {
      await proxy.refuse();
      proxy.cut();
    }
    await until(async () => (await look.getChildren(scene.folder)).names.length === 0, 'ZooKeeper to end the session');
    await until(() => lease.state === 'pending', 'the lease to know');
    for (const proxy of [theirs, ours]) await proxy.accept();
    // On a busy machine the new session may be lost as well: then there is one more.
    const names = await until(async () => {
      const { names } = await look.getChildren(scene.folder);
      return lease.state === 'registered' && names.length > 0 && names;
    }, 'the lease to stand again');
    assert.equal(names.length, 1);
    assert.notEqual(names[0], before);
    assert.ok((registry.status().sessions as number) > 1);
    await until(() => expired, 'the bare client to hear of its expiry');
    await patience(1_000);
    assert.equal(theirs.connections, 0, 'the bare client is dead for good');
  });

  fault('a session that someone else closes', async (scene) => {
    const look = await scene.link();
    const proxy = await scene.proxy();
    const links: Link[] = [];
    const registry = scene.registry(proxy.address, { session: '4s', onLink: (link) => links.push(link) });
    const seen = new Seen(scene.witness());
    const lease = registry.announce(server('a'));
    await lease.registered;
    await seen.reaches('a:7000');

    // The two take the session from each other, so the other one may need several attempts.
    while (registry.status().sessions === 1) {
      const { id, password } = links[0]!.ticket;
      const thief = zookeeper.createClient(proxy.address, { sessionId: id, sessionPassword: password });
      thief.once('connected', () => thief.close());
      thief.connect();
      const { socket } = await new Promise<typeof thief.connectionManager>((resolve) => {
        setImmediate(() => resolve(thief.connectionManager));
      });
      scene.after(() => socket?.destroy());
      await until(() => socket?.destroyed === true, 'the other client to come and go');
      await systemClock.sleep(100);
    }
    await until(() => lease.state === 'registered', 'the lease to stand again');
    const { names } = await look.getChildren(scene.folder);
    assert.equal(names.length, 1);
    const { stat } = await look.getData(`${scene.folder}/${names[0]}`);
    assert.equal(stat.ephemeralOwner, links.at(-1)!.sessionId);
    assert.notEqual(links.at(-1)!.sessionId, links[0]!.sessionId);
    await seen.reaches('a:7000');
  });

  fault('credentials, with requests that wait for the connection', async (scene) => {
    const auth = 'digest:me:sesame';
    const registry = scene.registry((await scene.proxy()).address, { auth });
    const me = server('a');
    const lease = registry.announce(me);
    await lease.registered;
    const [name] = await new Promise<string[]>((resolve, reject) => {
      const other = scene.bare((registry.url.match(/\/\/([^/]+)/) as RegExpMatchArray)[1]!);
      other.addAuthInfo('digest', Buffer.from('me:sesame'));
      other.once('connected', () =>
        other.getChildren(scene.folder, undefined, (error, names) => (error ? reject(error) : resolve(names))),
      );
    });
    // Asked before it is connected, its question goes out ahead of its credentials.
    const bare = scene.bare((await scene.proxy()).address);
    bare.addAuthInfo('digest', Buffer.from('me:sesame'));
    const refusal = await new Promise<string | undefined>((resolve) => {
      bare.getData(`${scene.folder}/${name}`, undefined, (error) => resolve(error?.name));
    });
    assert.equal(refusal, 'NO_AUTH');

    const proxy = await scene.proxy();
    const reader = scene.registry(proxy.address, { auth });
    const seen = new Seen(reader);
    await seen.reaches('a:7000');
    proxy.cut();
    await until(() => (reader.status().connections as number) > 1, 'the next connection');
    lease.update({ ...me, port: 7001 });
    await seen.reaches('a:7001');

    const stranger = scene.witness();
    const refused = new Seen(stranger);
    await until(() => refused.last?.state === 'failed', 'the refusal of a reader without credentials');
    assert.match(String((refused.last as { cause: Error }).cause), /NO_AUTH/);
    await assert.rejects((await scene.link()).remove(`${scene.folder}/${name}`), { code: 'NO_AUTH' });
  });

  fault('a ZooKeeper that is not there at the start', async (scene) => {
    const proxy = await scene.proxy();
    await proxy.refuse();
    const registry = scene.registry(proxy.address);
    const seen = new Seen(registry);
    const lease = registry.announce(server('a'));
    await until(() => seen.last?.state === 'failed', 'the failure to be told');
    assert.match(String((seen.last as { cause: Error }).cause), /no ZooKeeper server can be reached: 127/);
    await patience(400);
    assert.equal(lease.state, 'pending');
    await proxy.accept();
    await lease.registered;
    await seen.reaches('a:7000');
  });

  fault('a ZooKeeper that is away for longer than a session', async (scene) => {
    const proxy = await scene.proxy();
    const registries = [scene.registry(proxy.address), scene.registry(proxy.address)];
    const leases = registries.map((registry, i) => registry.announce(server(`h${i}`)));
    for (const lease of leases) await lease.registered;
    const seen = new Seen(registries[0]!);
    await until(() => seen.hosts?.split(' ').length === 2, 'both servers');
    await proxy.refuse();
    proxy.cut();
    await until(() => leases.every((lease) => lease.state === 'pending'), 'the leases to know');
    assert.equal(seen.last?.state, 'failed');
    assert.equal(seen.hosts?.split(' ').length, 2, 'what was known is kept');
    await proxy.accept();
    await until(() => leases.every((lease) => lease.state === 'registered'), 'the leases to stand again');
    await until(() => seen.last?.state === 'known' && seen.hosts?.split(' ').length === 2, 'both servers');
    const look = await scene.link();
    await until(async () => (await look.getChildren(scene.folder)).names.length === 2, 'one node for each');
  });

  fault('other addresses behind the same name', async (scene) => {
    const proxy = await scene.proxy();
    const moved = createServer((socket) => {
      const on = connect(Number(scene.host.split(':')[1]), '127.0.0.1');
      for (const end of [socket, on]) end.on('error', () => end.destroy());
      socket.pipe(on).pipe(socket);
    });
    moved.listen(proxy.port, '127.0.0.2');
    await once(moved, 'listening');
    scene.after(() => moved.close());
    let address = '127.0.0.1';
    const registry = scene.registry(`zk.invalid:${proxy.port}`, { lookup: async () => [address], session: '4s' });
    const lease = registry.announce(server('a'));
    await lease.registered;
    address = '127.0.0.2';
    await proxy.refuse();
    proxy.cut();
    await until(() => registry.status().server === `127.0.0.2:${proxy.port}`, 'the new address');
    assert.equal(registry.status().sessions, 1);
    assert.equal(lease.state, 'registered');
  });

  fault('a release while ZooKeeper is away', async (scene) => {
    const proxy = await scene.proxy();
    const look = await scene.link();
    const registry = scene.registry(proxy.address, { session: '4s' });
    const lease = registry.announce(server('a'));
    await lease.registered;
    proxy.pause();
    const since = systemClock.now();
    await lease.release(200);
    assert.ok(systemClock.now() - since < 10_000, 'it waits as long as told, not for ZooKeeper');
    assert.equal((await look.getChildren(scene.folder)).names.length, 1);
    proxy.resume();
    await until(async () => (await look.getChildren(scene.folder)).names.length === 0, 'the node to go');
    await patience(400);
    assert.equal((await look.getChildren(scene.folder)).names.length, 0);
  });

  fault('the end of a process: its nodes go at once', async (scene) => {
    const registry = scene.registry((await scene.proxy()).address, { session: '10s' });
    const leases = [registry.announce(server('a')), registry.announce(server('b'))];
    for (const lease of leases) await lease.registered;
    const look = await scene.link();
    await registry.close();
    assert.deepEqual((await look.getChildren(scene.folder)).names, []);
    assert.ok(leases.every((lease) => lease.state === 'released'));
  });

  fault('a thousand changes in a second: few reads', async (scene) => {
    const look = await scene.link();
    for (const path of [dirname(scene.folder), scene.folder]) {
      await look.create(path, undefined, 'persistent').catch(() => {});
    }
    const make = (host: string) =>
      look.create(`${scene.folder}/rpc-${host}-`, Buffer.from(`{"host":"${host}","port":1}`), 'ephemeral-sequential');
    const before = await Promise.all(Array.from({ length: 1_000 }, (_, i) => make(`a${i}`)));
    const reads = { getChildren: 0, getData: 0 };
    const registry = scene.registry((await scene.proxy()).address, {
      session: '10s',
      onLink(link) {
        for (const name of ['getChildren', 'getData'] as const) {
          const ask = link[name].bind(link) as () => never;
          link[name] = (...args: []) => {
            reads[name]++;
            return ask(...args);
          };
        }
      },
    });
    const seen = new Seen(registry);
    await until(() => seen.hosts?.split(' ').length === 1_000, 'a thousand servers');
    reads.getChildren = 0;
    const since = systemClock.now();
    // A thousand changes: every entry is taken back, or a new one comes.
    for (let i = 0; i < 500; i += 25) {
      const late = since + i * 2 - systemClock.now();
      if (late > 0) await systemClock.sleep(late);
      const steps = Array.from({ length: 25 }, (_, k) => i + k);
      await Promise.all(steps.flatMap((k) => [look.remove(before[k]!), make(`b${k}`)]));
    }
    const seconds = (systemClock.now() - since) / 1_000;
    const expected = Array.from({ length: 500 }, (_, i) => [`a${i + 500}:1`, `b${i}:1`]).flat();
    const sorted = expected.sort().join(' ');
    await until(() => seen.hosts?.split(' ').sort().join(' ') === sorted, 'the thousand of after');
    // On a busy machine the changes take longer than a second, and may be read a little more often.
    const allowed = Math.ceil(10 * Math.max(1, seconds));
    assert.ok(reads.getChildren <= allowed, `${reads.getChildren} reads in ${seconds} s`);
    assert.ok(reads.getData <= 1_500, `${reads.getData} entries read`);
  });
});
