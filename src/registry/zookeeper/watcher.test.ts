import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeZooKeeper } from '../../../test/support/fake-zookeeper.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { Views } from '../views.ts';
import type { DialOptions } from './link.ts';
import { Supervisor } from './supervisor.ts';
import { Watcher } from './watcher.ts';

const path = '/demo/pi';
const json = (host: string, more: object = {}) => JSON.stringify({ host, port: 1, ...more });
const ours = (n: number) => `${path}/rpc-${String(n).padStart(16, '0')}-${String(n).padStart(10, '0')}`;

describe('watching a folder in ZooKeeper', () => {
  let clock: VirtualClock;
  let zookeeper: FakeZooKeeper;
  let supervisor: Supervisor;
  let watcher: Watcher;
  let views: Views;
  let warnings: string[];

  const start = async (auth?: DialOptions['auth']) => {
    const log = { ...silentLog, warn: (facts: object) => warnings.push(JSON.stringify(facts)) };
    const options = { clock, random: seeded(1), log };
    const { dial } = zookeeper;
    const servers = [{ host: '10.0.0.1', port: 2181 }];
    supervisor = new Supervisor({ servers, timeout: 9_000, auth, dial, ...options });
    views = new Views();
    watcher = new Watcher({ supervisor, path, views, ...options });
    await clock.run(0);
  };
  const hosts = () => ('endpoints' in views.now ? views.now.endpoints.map(({ host }) => host).join(' ') : undefined);
  const count = (what: string) => zookeeper.requests.filter((request) => request.startsWith(what)).length;
  const makeFolder = () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '');
  };

  beforeEach(() => {
    clock = new VirtualClock();
    zookeeper = new FakeZooKeeper(clock);
    warnings = [];
  });

  it('knows that a missing folder is empty, and hears of its making', async () => {
    await start();
    assert.deepEqual(views.now, { state: 'known', endpoints: [] });
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    await clock.run(150);
    assert.equal(hosts(), 'a');
  });

  it('sees a folder that is made between its two questions', async () => {
    zookeeper.onRequest = (request) => {
      if (request.startsWith('exists') && !zookeeper.nodes.has(path)) {
        makeFolder();
        zookeeper.put(ours(1), json('a'));
      }
      return 'ok';
    };
    await start();
    assert.equal(hosts(), 'a');
  });

  it('follows what comes and goes, and reads each entry once', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    zookeeper.put(ours(2), json('b'));
    await start();
    assert.equal(hosts(), 'a b');
    zookeeper.delete(ours(1));
    zookeeper.put(ours(3), json('c'));
    await clock.run(150);
    assert.equal(hosts(), 'b c');
    await clock.run(120_000);
    assert.equal(count('getData'), 3);
  });

  it('reads the children again every 30 s, give or take a fifth, and so finds what no watch told', async () => {
    makeFolder();
    await start();
    zookeeper.nodes.set(ours(1), {
      data: Buffer.from(json('a')),
      stat: { ...zookeeper.nodes.get(path)!.stat },
      children: 0,
    });
    await clock.run(23_999);
    assert.equal(hosts(), '');
    await clock.run(12_001);
    assert.equal(hosts(), 'a');
    const before = count('getChildren');
    await clock.run(300_000);
    const reads = count('getChildren') - before;
    assert.ok(reads >= 8 && reads <= 13, `${reads} reads in 300 s`);
  });

  it('reads foreign entries again with it: they may be changed in place', async () => {
    makeFolder();
    zookeeper.put(`${path}/server-a`, json('a'));
    zookeeper.put(ours(1), json('z'));
    await start();
    assert.equal(hosts(), 'a z');
    zookeeper.nodes.get(`${path}/server-a`)!.data = Buffer.from(json('b'));
    await clock.run(36_000);
    assert.equal(hosts(), 'b z');
    assert.equal(count(`getData ${ours(1)}`), 1);
  });

  it('absorbs a thousand changes in a second with at most ten reads', async () => {
    makeFolder();
    for (let i = 0; i < 1_000; i++) zookeeper.put(ours(i), json(`h${i}`));
    await start();
    assert.equal(hosts()!.split(' ').length, 1_000);
    const [children, data] = [count('getChildren'), count('getData')];
    for (let i = 0; i < 500; i++) {
      zookeeper.delete(ours(i));
      await clock.run(1);
      zookeeper.put(ours(1_000 + i), json(`h${1_000 + i}`));
      await clock.run(1);
    }
    await clock.run(200);
    const expected = Array.from({ length: 1_000 }, (_, i) => `h${500 + i}`);
    assert.deepEqual(hosts()!.split(' ').sort(), expected.sort());
    assert.ok(count('getChildren') - children <= 10, `${count('getChildren') - children} reads`);
    assert.ok(count('getData') - data <= 500);
  });

  it('reads at most 32 entries at once', async () => {
    makeFolder();
    for (let i = 0; i < 100; i++) zookeeper.put(ours(i), json(`h${i}`));
    await start();
    assert.equal(hosts()!.split(' ').length, 100);
    assert.equal(zookeeper.mostUnderWay, 32);
  });

  it('keeps what it knows when ZooKeeper goes away, and says so', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    await start();
    await clock.run(2_000);
    zookeeper.onDial = () => 'unreachable';
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(60_000);
    assert.equal(views.now.state, 'stale');
    assert.equal(hosts(), 'a');
    zookeeper.delete(ours(1));
    zookeeper.put(ours(2), json('b'));
    zookeeper.onDial = () => 'take';
    await clock.run(2_400);
    assert.equal(views.now.state, 'known');
    assert.equal(hosts(), 'b');
  });

  it('says nothing of a connection that is replaced at once', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    await start();
    await clock.run(2_000);
    const reader = views.watch(new AbortController().signal);
    await reader.next();
    let told = false;
    void reader.next().then(() => {
      told = true;
    });
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(1_000);
    assert.equal(told, false);
    assert.equal(zookeeper.links.length, 2);
  });

  it('reads again in each connection: the watches of the old one are gone', async () => {
    makeFolder();
    await start();
    await clock.run(2_000);
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(0);
    zookeeper.put(ours(1), json('a'));
    await clock.run(150);
    assert.equal(hosts(), 'a');
  });

  it('goes on where a connection ended in the middle of a read', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    zookeeper.put(ours(2), json('b'));
    await start();
    await clock.run(2_000);
    // The deletion of one is seen, then the connection ends before the newcomer is read.
    zookeeper.delete(ours(1));
    zookeeper.put(ours(3), json('c'));
    zookeeper.onRequest = (request) => {
      if (!request.startsWith('getData')) return 'ok';
      zookeeper.onRequest = () => 'ok';
      return 'lost';
    };
    await clock.run(1_000);
    assert.equal(hosts(), 'b c');
  });

  it('ignores junk, counts it, and warns once for each', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    zookeeper.put(`${path}/lock`, '');
    zookeeper.put(`${path}/bad`, 'no json');
    zookeeper.put(`${path}/evil`, json('e', { port: 0 }));
    await start();
    assert.equal(hosts(), 'a');
    assert.deepEqual(watcher.status(), { entries: 1, junk: 3, reads: 1 });
    await clock.run(120_000);
    assert.equal(warnings.length, 3);
    zookeeper.delete(`${path}/bad`);
    await clock.run(150);
    assert.equal(watcher.status().junk, 2);
  });

  it('takes an entry that it may not read for junk', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    zookeeper.put(ours(2), json('b'));
    zookeeper.onRequest = (request) => (request === `getData ${ours(1)}` ? { refuse: 'NO_AUTH' } : 'ok');
    await start();
    assert.equal(hosts(), 'b');
    assert.equal(watcher.status().junk, 1);
  });

  it('shows one server once, by its newest entry', async () => {
    makeFolder();
    const id = '00000000000000aa';
    zookeeper.put(`${path}/rpc-${id}-0000000010`, json('a', { id, weight: 10 }));
    zookeeper.put(`${path}/rpc-${id}-0000000009`, json('a', { id, weight: 9 }));
    zookeeper.put(`${path}/rpc0000000011`, json('a'));
    await start();
    const known = views.now as { endpoints: readonly { id: string; weight: number }[] };
    assert.deepEqual(
      known.endpoints.map((endpoint) => [endpoint.id, endpoint.weight]),
      [
        [id, 10],
        ['a:1', 1024],
      ],
    );
  });

  it('forgets all when the folder was deleted and made again: its numbers begin anew', async () => {
    makeFolder();
    zookeeper.put(`${path}/rpc-x-0000000000`, json('old'));
    await start();
    zookeeper.delete(`${path}/rpc-x-0000000000`);
    zookeeper.delete(path);
    zookeeper.put(path, '');
    zookeeper.put(`${path}/rpc-x-0000000000`, json('new'));
    await clock.run(300);
    assert.equal(hosts(), 'new');
  });

  it('does not go back to an older list in one session', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    await start();
    await clock.run(2_000);
    const before = { ...zookeeper.nodes.get(path)!.stat };
    zookeeper.put(ours(2), json('b'));
    await clock.run(200);
    assert.equal(hosts(), 'a b');
    // A server that is behind.
    const node = zookeeper.nodes.get(ours(2))!;
    zookeeper.nodes.delete(ours(2));
    zookeeper.nodes.get(path)!.stat = before;
    zookeeper.link.fire(`children ${path}`);
    await clock.run(300);
    assert.equal(hosts(), 'a b');
    zookeeper.nodes.set(ours(2), node);
  });

  it('says why when it may not read, and tries again slower and slower', async () => {
    makeFolder();
    zookeeper.onRequest = (request) => (request.startsWith('getChildren') ? { refuse: 'NO_AUTH' } : 'ok');
    await start();
    await clock.run(120_000);
    assert.match(String((views.now as { cause: Error }).cause), /NO_AUTH/);
    assert.ok(count('getChildren') < 20, `${count('getChildren')} reads in two minutes`);
    zookeeper.onRequest = () => 'ok';
    await clock.run(36_000);
    assert.equal(views.now.state, 'known');
  });

  it('takes nothing from a folder that is not the secret’s, keeps what it knew, and says so once', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('a'));
    await start({ scheme: 'digest', secret: 'me:sesame' });
    assert.equal(hosts(), 'a');
    zookeeper.onRequest = (request) => (request === `checkOwned ${path}` ? { refuse: 'NOT_OURS' } : 'ok');
    zookeeper.put(ours(2), json('b'));
    await clock.run(60_000);
    assert.equal(views.now.state, 'stale');
    assert.equal(count(`getData ${ours(2)}`), 0);
    assert.equal(warnings.length, 1);
    zookeeper.onRequest = () => 'ok';
    await clock.run(40_000);
    assert.equal(hosts(), 'a b');
  });

  it('goes by the rights of the folder that it read, not of one made anew meanwhile', async () => {
    makeFolder();
    zookeeper.put(ours(1), json('evil'));
    zookeeper.onRequest = (request) => {
      if (request.startsWith('checkOwned')) {
        zookeeper.onRequest = () => 'ok';
        zookeeper.delete(ours(1));
        zookeeper.delete(path);
        zookeeper.put(path, '');
        zookeeper.put(ours(2), json('a'));
      }
      return 'ok';
    };
    await start({ scheme: 'digest', secret: 'me:sesame' });
    assert.equal(hosts(), 'a');
    assert.equal(count(`getData ${ours(1)}`), 0);
  });

  it('leaves no timer behind', async () => {
    makeFolder();
    await start();
    zookeeper.put(ours(1), json('a'));
    watcher.close();
    await supervisor.close(1_000);
    await clock.run(20_000);
    assert.equal(clock.pending, 0);
  });
});
