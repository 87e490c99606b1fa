import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeZooKeeper } from '../../../test/support/fake-zookeeper.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { Latest } from '../latest.ts';
import type { SettingsDocument } from '../registry.ts';
import type { DialOptions } from './link.ts';
import { SettingsWatcher } from './settings-watcher.ts';
import { Supervisor } from './supervisor.ts';

const path = '/demo/pi-config';

describe('watching the live settings in ZooKeeper', () => {
  let clock: VirtualClock;
  let zookeeper: FakeZooKeeper;
  let supervisor: Supervisor;
  let watcher: SettingsWatcher;
  let told: (SettingsDocument | undefined)[];
  let warnings: string[];

  const start = async (auth?: DialOptions['auth']) => {
    const log = {
      ...silentLog,
      warn: (facts: object, message: string) => warnings.push(`${message} ${JSON.stringify(facts)}`),
    };
    const options = { clock, random: seeded(1), log };
    const { dial } = zookeeper;
    const servers = [{ host: '10.0.0.1', port: 2181 }];
    supervisor = new Supervisor({ servers, timeout: 9_000, auth, dial, ...options });
    const settings = new Latest<SettingsDocument | undefined>();
    watcher = new SettingsWatcher({ supervisor, path, settings, ...options });
    told = [];
    void (async () => {
      for await (const document of settings.watch(new AbortController().signal)) told.push(document);
    })();
    await clock.run(0);
  };
  const put = (document: unknown) => zookeeper.put(path, JSON.stringify(document));
  const set = async (text: string) => {
    zookeeper.set(path, text);
    await clock.run(150);
  };
  const reads = () => zookeeper.requests.filter((request) => request === `getData ${path}`).length;

  beforeEach(() => {
    clock = new VirtualClock();
    zookeeper = new FakeZooKeeper(clock);
    zookeeper.put('/demo', '');
    warnings = [];
  });

  it('knows that there are none, and hears of their making, change and end', async () => {
    await start();
    assert.deepEqual(told, [undefined]);
    put({ n: 1 });
    await clock.run(150);
    await set('{"n":2}');
    zookeeper.delete(path);
    await clock.run(150);
    put({ n: 3 });
    await clock.run(150);
    assert.deepEqual(told, [undefined, { n: 1 }, { n: 2 }, undefined, { n: 3 }]);
  });

  it('sees one that is made between its two questions', async () => {
    zookeeper.onRequest = (request) => {
      if (request === `exists ${path}` && !zookeeper.nodes.has(path)) put({ n: 1 });
      return 'ok';
    };
    await start();
    assert.deepEqual(told, [{ n: 1 }]);
  });

  it('reads again every 30 s, give or take a fifth, and so finds what no watch told', async () => {
    put({ n: 1 });
    await start();
    zookeeper.nodes.get(path)!.data = Buffer.from('{"n":2}');
    await clock.run(23_999);
    assert.deepEqual(told, [{ n: 1 }]);
    await clock.run(12_001);
    assert.deepEqual(told, [{ n: 1 }, { n: 2 }]);
    const before = reads();
    await clock.run(300_000);
    const more = reads() - before;
    assert.ok(more >= 8 && more <= 13, `${more} reads in 300 s`);
    assert.equal(told.length, 2, 'the same again is no news');
  });

  it('gathers changes, and takes the last', async () => {
    put({ n: 0 });
    await start();
    const before = reads();
    for (let n = 1; n <= 500; n++) {
      zookeeper.set(path, JSON.stringify({ n }));
      await clock.run(2);
    }
    await clock.run(200);
    assert.deepEqual(told.at(-1), { n: 500 });
    assert.ok(reads() - before <= 10, `${reads() - before} reads in a second`);
  });

  it('waits a moment before it reads what changed, so that many clients do not read at once', async () => {
    put({ n: 0 });
    await start();
    await clock.run(1_000);
    zookeeper.set(path, '{"n":1}');
    await clock.run(49);
    assert.equal(told.length, 1);
    await clock.run(51);
    assert.equal(told.length, 2);
  });

  it('keeps the last good one when there is junk, and warns once for each', async () => {
    put({ n: 1 });
    await start();
    await set('{"n":');
    await clock.run(120_000);
    assert.deepEqual(told, [{ n: 1 }]);
    assert.deepEqual(warnings, [
      `the live settings are ignored: the last that could be read stay {"path":"${path}","cause":"it is no JSON"}`,
    ]);
    await set('[]');
    assert.equal(warnings.length, 2);
    await set('{"n":2}');
    await set('{"n":');
    assert.equal(warnings.length, 3);
    zookeeper.delete(path);
    await clock.run(150);
    assert.deepEqual(told, [{ n: 1 }, { n: 2 }, undefined]);
  });

  it('keeps what it knows while ZooKeeper is away and in the next session, and then reads again', async () => {
    put({ n: 1 });
    await start();
    await clock.run(2_000);
    zookeeper.onDial = () => 'unreachable';
    zookeeper.expire(zookeeper.link.sessionId);
    await clock.run(60_000);
    assert.deepEqual(told, [{ n: 1 }]);
    zookeeper.set(path, '{"n":2}');
    zookeeper.onDial = () => 'take';
    await clock.run(2_400);
    assert.deepEqual(told, [{ n: 1 }, { n: 2 }]);
    // The watches of the old session are gone.
    await set('{"n":3}');
    assert.deepEqual(told.at(-1), { n: 3 });
  });

  it('goes on where a connection ended in the middle of a read', async () => {
    put({ n: 1 });
    zookeeper.onRequest = (request) => {
      if (!request.startsWith('getData')) return 'ok';
      zookeeper.onRequest = () => 'ok';
      return 'lost';
    };
    await start();
    await clock.run(1_000);
    assert.deepEqual(told, [{ n: 1 }]);
    assert.deepEqual(warnings, []);
  });

  it('says why when it may not read, once, and tries again slower and slower', async () => {
    put({ n: 1 });
    zookeeper.onRequest = (request) => (request.startsWith('getData') ? { refuse: 'NO_AUTH' } : 'ok');
    await start();
    await clock.run(120_000);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^the live settings cannot be read: the last that could stay .*NO_AUTH/);
    assert.ok(reads() < 20, `${reads()} reads in two minutes`);
    zookeeper.onRequest = () => 'ok';
    await clock.run(36_000);
    assert.deepEqual(told, [{ n: 1 }]);
  });

  it('goes by the rights of the node that it read, not of one made anew meanwhile', async () => {
    put({ n: 'evil' });
    zookeeper.onRequest = (request) => {
      if (request.startsWith('checkOwned')) {
        zookeeper.onRequest = () => 'ok';
        zookeeper.delete(path);
        put({ n: 1 });
      }
      return 'ok';
    };
    await start({ scheme: 'digest', secret: 'me:sesame' });
    assert.deepEqual(told, [{ n: 1 }]);
  });

  it('leaves no timer behind', async () => {
    await start();
    put({ n: 1 });
    watcher.close();
    await supervisor.close(1_000);
    await clock.run(20_000);
    assert.equal(clock.pending, 0);
  });
});
