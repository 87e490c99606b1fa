import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeZooKeeper, type Fate } from '../../../test/support/fake-zookeeper.ts';
import { endpoint } from '../../core/endpoint.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { readEntry } from '../entry.ts';
import { Announcer } from './announcer.ts';
import type { DialOptions } from './link.ts';
import { Supervisor } from './supervisor.ts';

const me = endpoint({ id: '00000000000000aa', host: 'h', port: 7000 });
const path = '/demo/pi';
const secret = { scheme: 'digest', secret: 'me:sesame' };

describe('a lease in ZooKeeper', () => {
  let clock: VirtualClock;
  let zookeeper: FakeZooKeeper;
  let supervisor: Supervisor;
  let lease: Announcer;
  let states: string[];
  let warnings: string[];

  const announce = async (auth?: DialOptions['auth']) => {
    warnings = [];
    const log = { ...silentLog, warn: (_: object, message: string) => warnings.push(message) };
    const options = { clock, random: seeded(1), log };
    const { dial } = zookeeper;
    const servers = [{ host: '10.0.0.1', port: 2181 }];
    supervisor = new Supervisor({ servers, timeout: 9_000, auth, dial, ...options });
    lease = new Announcer({ supervisor, path, ...options }, me);
    states = [lease.state];
    lease.onChange((state) => states.push(state));
    await clock.run(0);
  };
  const names = () => zookeeper.names(path);
  const weights = () =>
    names().map((name) => {
      const entry = readEntry(zookeeper.nodes.get(`${path}/${name}`)!.data);
      return 'endpoint' in entry ? entry.endpoint.weight : undefined;
    });
  const owner = () => zookeeper.nodes.get(`${path}/${names()[0]}`)?.stat.ephemeralOwner;
  /** Gives the next request that matches another fate. */
  const once = (pattern: RegExp, fate: Fate | { refuse: string }) => {
    zookeeper.onRequest = (request) => {
      if (!pattern.test(request)) return 'ok';
      zookeeper.onRequest = () => 'ok';
      return fate;
    };
  };
  const creations = () => zookeeper.requests.filter((request) => request.startsWith(`create ${path}/`)).length;

  beforeEach(() => {
    clock = new VirtualClock();
    zookeeper = new FakeZooKeeper(clock);
  });

  it('makes the folders that are missing, and one ephemeral sequential entry', async () => {
    await announce();
    assert.deepEqual(names(), ['rpc-00000000000000aa-0000000000']);
    assert.equal(owner(), zookeeper.link.sessionId);
    assert.equal(zookeeper.nodes.get('/demo')!.stat.ephemeralOwner, 0n);
    assert.equal(zookeeper.nodes.get(path)!.stat.ephemeralOwner, 0n);
    assert.deepEqual(states, ['pending', 'registered']);
    await lease.registered;
  });

  it('makes only the missing part of the path: above it may be forbidden', async () => {
    zookeeper.put('/demo', '');
    zookeeper.onRequest = (request) => (request === 'create /demo' ? { refuse: 'NO_AUTH' } : 'ok');
    await announce();
    assert.equal(lease.state, 'registered');
  });

  it('waits for a ZooKeeper that is away at the start', async () => {
    zookeeper.onDial = () => 'unreachable';
    await announce();
    await clock.run(60_000);
    assert.equal(lease.state, 'pending');
    zookeeper.onDial = () => 'take';
    await clock.run(2_400);
    assert.equal(lease.state, 'registered');
    assert.equal(names().length, 1);
  });

  it('keeps its entry through a lost connection, without touching it', async () => {
    await announce();
    const before = names();
    await clock.run(5_000);
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(1_000);
    assert.deepEqual(names(), before);
    assert.equal(creations(), 2, 'the first found no folder');
    assert.deepEqual(states, ['pending', 'registered']);
  });

  for (const fate of ['lost', 'unsent', 'late'] as const) {
    it(`has one entry when the answer to the creation does not come: ${fate}`, async () => {
      zookeeper.put('/demo', '');
      zookeeper.put(path, '');
      once(/^create/, fate);
      await announce();
      await clock.run(10_000);
      assert.equal(names().length, 1);
      assert.equal(lease.state, 'registered');
      assert.equal(owner(), zookeeper.link.sessionId);
      await clock.run(100_000);
      assert.equal(names().length, 1);
      await lease.release();
      assert.deepEqual(names(), []);
    });

    it(`has none after a release during that creation: ${fate}`, async () => {
      zookeeper.put('/demo', '');
      zookeeper.put(path, '');
      let released: Promise<void> | undefined;
      zookeeper.onRequest = (request) => {
        if (!request.startsWith('create')) return 'ok';
        zookeeper.onRequest = () => 'ok';
        released = lease.release();
        return fate;
      };
      await announce();
      await clock.run(10_000);
      await released;
      assert.deepEqual(names(), []);
      await clock.run(100_000);
      assert.deepEqual(names(), []);
      assert.equal(lease.state, 'released');
    });
  }

  it('registers again in a new session, once', async () => {
    await announce();
    await clock.run(2_000);
    const old = zookeeper.link.sessionId;
    zookeeper.expire(old);
    await clock.run(0);
    assert.equal(names().length, 1);
    assert.equal(owner(), zookeeper.link.sessionId);
    assert.notEqual(owner(), old);
    assert.deepEqual(states, ['pending', 'registered', 'pending', 'registered']);
  });

  it('does not take the entry of its former session, which is about to go, for its own', async () => {
    await announce();
    await clock.run(2_000);
    const [stale] = names();
    const old = zookeeper.link.sessionId;
    // The session is over for the servers that we ask, but its nodes are still shown.
    zookeeper.sessions.delete(old);
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(100);
    assert.equal(names().length, 1);
    assert.notEqual(names()[0], stale);
    assert.equal(owner(), zookeeper.link.sessionId);
  });

  it('is pending while its session must be presumed over', async () => {
    await announce();
    zookeeper.onDial = () => 'unreachable';
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(11_000);
    assert.equal(lease.state, 'registered');
    await clock.run(2_000);
    assert.equal(lease.state, 'pending');
    zookeeper.onDial = () => 'take';
    await clock.run(3_000);
    assert.equal(lease.state, 'registered');
    assert.equal(names().length, 1);
  });

  it('makes an entry again that someone deleted', async () => {
    await announce();
    await clock.run(20_000);
    zookeeper.delete(`${path}/${names()[0]}`);
    await clock.run(0);
    assert.equal(names().length, 1);
    assert.deepEqual(states, ['pending', 'registered', 'pending', 'registered']);
  });

  it('makes the folder again too', async () => {
    await announce();
    zookeeper.delete(`${path}/${names()[0]}`);
    zookeeper.delete(path);
    await clock.run(1_000);
    assert.equal(names().length, 1);
  });

  it('notices a deletion whose watch was lost', async () => {
    await announce();
    const [entry] = names();
    zookeeper.nodes.delete(`${path}/${entry}`);
    await clock.run(36_000);
    assert.equal(names().length, 1);
  });

  it('does not wear ZooKeeper out against someone who deletes it again and again', async () => {
    await announce();
    for (let i = 0; i < 6_000; i++) {
      for (const name of names()) zookeeper.delete(`${path}/${name}`);
      await clock.run(10);
    }
    assert.ok(creations() < 30, `${creations()} creations in a minute`);
    await clock.run(12_000);
    assert.equal(names().length, 1);
  });

  it('replaces an entry whose text someone changed', async () => {
    await announce();
    const node = zookeeper.nodes.get(`${path}/${names()[0]}`)!;
    node.data = Buffer.from('{"host":"evil","port":1}');
    zookeeper.link.fire(`node ${path}/${names()[0]}`);
    await clock.run(1_000);
    assert.deepEqual(weights(), [1024]);
  });

  it('makes the new entry before it deletes the old one', async () => {
    await announce();
    const before = zookeeper.requests.length;
    lease.update({ ...me, weight: 3 });
    await clock.run(0);
    const writes = zookeeper.requests.slice(before).filter((request) => /^(create|remove)/.test(request));
    assert.deepEqual(writes, [`create ${path}/rpc-${me.id}-`, `remove ${path}/rpc-${me.id}-0000000000`]);
    assert.deepEqual(weights(), [3]);
    assert.deepEqual(states, ['pending', 'registered']);
  });

  for (const pattern of [/^create/, /^remove/, /^getChildren/, /^getData/]) {
    for (const fate of ['lost', 'unsent', 'late', { refuse: 'SYSTEM_ERROR' }] as const) {
      it(`says the last thing only, when an update fails: ${pattern} ${JSON.stringify(fate)}`, async () => {
        await announce();
        once(pattern, fate);
        lease.update({ ...me, weight: 3 });
        await clock.run(10_000);
        assert.deepEqual(weights(), [3]);
        assert.equal(lease.state, 'registered');
      });

      it(`is gone after a release in which that fails: ${pattern} ${JSON.stringify(fate)}`, async () => {
        await announce();
        once(pattern, fate);
        const released = lease.release();
        await clock.run(10_000);
        await released;
        assert.deepEqual(names(), []);
      });
    }
  }

  it('registers the newest facts after an outage, not the old ones', async () => {
    await announce();
    zookeeper.onDial = () => 'unreachable';
    zookeeper.expire(zookeeper.link.sessionId);
    lease.update({ ...me, weight: 5 });
    await clock.run(20_000);
    zookeeper.onDial = () => 'take';
    await clock.run(3_000);
    assert.deepEqual(weights(), [5]);
  });

  it('tries again when ZooKeeper refuses, slower and slower, and says why once', async () => {
    zookeeper.onRequest = (request) => (request.startsWith('create') ? { refuse: 'NO_AUTH' } : 'ok');
    await announce();
    await clock.run(60_000);
    assert.equal(lease.state, 'pending');
    const attempts = zookeeper.requests.filter((request) => request.startsWith('create')).length;
    assert.ok(attempts > 5 && attempts < 40, `${attempts} attempts`);
    assert.deepEqual(warnings, ['the entry in ZooKeeper cannot be kept up']);
    zookeeper.onRequest = () => 'ok';
    await clock.run(13_000);
    assert.equal(lease.state, 'registered');
  });

  it('says no more why it is not there when it need not be', async () => {
    zookeeper.onRequest = (request) => (request.startsWith('create') ? { refuse: 'NO_AUTH' } : 'ok');
    await announce();
    assert.match(String(lease.cause), /NO_AUTH/);
    await lease.release();
    assert.equal(lease.cause, undefined);
  });

  it('makes an entry only where both folders are the secret’s, and looks at each creation', async () => {
    for (const folder of ['/demo', path]) {
      zookeeper = new FakeZooKeeper(clock);
      let foreign = true;
      zookeeper.onRequest = (request) =>
        foreign && request === `checkOwned ${folder}` ? { refuse: 'NOT_OURS' } : 'ok';
      await announce(secret);
      await clock.run(10_000);
      assert.deepEqual([lease.state, names()], ['pending', []]);
      assert.match(String(lease.cause), new RegExp(`${folder}: NOT_OURS`));
      foreign = false;
      await clock.run(13_000);
      assert.deepEqual([lease.state, lease.cause], ['registered', undefined]);

      foreign = true;
      lease.update({ ...me, weight: 3 });
      await clock.run(1_000);
      assert.deepEqual(weights(), [1024], 'the entry that stands is kept');
      assert.match(String(lease.cause), new RegExp(`${folder}: NOT_OURS`));
      await lease.release();
      assert.deepEqual([names(), lease.cause], [[], undefined]);
    }
  });

  it('is never unsure of an entry that it did not ask for', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '');
    once(/^checkOwned/, 'lost');
    await announce(secret);
    await clock.run(1_000);
    assert.equal(lease.state, 'registered');
    assert.deepEqual(
      zookeeper.requests.filter((request) => request.includes('barrier')),
      [],
    );
  });

  it('makes none when it is released while it asks whose the folders are', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '');
    let released: Promise<void> | undefined;
    zookeeper.onRequest = (request) => {
      if (request === `checkOwned ${path}`) released ??= lease.release();
      return 'ok';
    };
    await announce(secret);
    await clock.run(1_000);
    await released;
    assert.equal(creations(), 0);
  });

  it('releases at once when nothing was ever made', async () => {
    zookeeper.onDial = () => 'unreachable';
    await announce();
    await lease.release();
    zookeeper.onDial = () => 'take';
    await clock.run(10_000);
    assert.deepEqual(zookeeper.requests, []);
  });

  it('waits no longer than told for a ZooKeeper that is away, and deletes the entry when it is back', async () => {
    await announce();
    zookeeper.onDial = () => 'unreachable';
    zookeeper.link.destroy(new Error('reset'));
    let done = false;
    void lease.release(500).then(() => {
      done = true;
    });
    assert.equal(lease.state, 'released');
    await clock.run(499);
    assert.equal(done, false);
    await clock.run(1);
    assert.equal(done, true);
    zookeeper.onDial = () => 'take';
    await clock.run(3_000);
    assert.deepEqual(names(), []);
    assert.equal(creations(), 2, 'none after the release');
  });

  it('never makes it again: not after an expiry, an update or an event', async () => {
    await announce();
    await lease.release();
    lease.update({ ...me, weight: 9 });
    await clock.run(1_000);
    zookeeper.expire(zookeeper.link.sessionId);
    await clock.run(120_000);
    assert.deepEqual(names(), []);
    assert.deepEqual(states, ['pending', 'registered', 'released']);
    assert.equal(creations(), 2, 'none after the release');
  });

  it('leaves the entries of others alone', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '');
    zookeeper.put(`${path}/rpc-00000000000000aa-b-0000000009`, '{}');
    zookeeper.put(`${path}/rpc0000000003`, '{}');
    await announce();
    await lease.release();
    assert.deepEqual(names(), ['rpc-00000000000000aa-b-0000000009', 'rpc0000000003']);
  });

  it('asks nothing more when it is closed, though the end of its session wakes it', async () => {
    await announce();
    const before = zookeeper.requests.length;
    lease.close();
    zookeeper.delete(`${path}/${names()[0]}`);
    await clock.run(60_000);
    assert.equal(zookeeper.requests.length, before);
  });

  it('has nothing to complain of when it is closed at work', async () => {
    await announce();
    zookeeper.onRequest = () => {
      lease.close();
      return { refuse: 'CLOSING' };
    };
    lease.update({ ...me, weight: 3 });
    await clock.run(1_000);
    assert.deepEqual(warnings, []);
  });

  it('leaves no timer behind', async () => {
    await announce();
    lease.close();
    await supervisor.close(1_000);
    await clock.run(20_000);
    assert.equal(clock.pending, 0);
    assert.deepEqual(names(), []);
  });
});
