import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeZooKeeper } from '../../../test/support/fake-zookeeper.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { DialOptions } from './link.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';

describe('the session supervisor', () => {
  let clock: VirtualClock;
  let zookeeper: FakeZooKeeper;
  let supervisor: Supervisor;
  let events: string[];

  /** Servers h1, h2 ... Each name resolves to itself unless the test says otherwise. */
  const start = async (servers: number, options: Partial<SupervisorOptions> = {}) => {
    supervisor = new Supervisor({
      servers: Array.from({ length: servers }, (_, i) => ({ host: `h${i + 1}`, port: 2181 })),
      timeout: 9_000,
      auth: undefined,
      clock,
      random: seeded(1),
      log: silentLog,
      dial: zookeeper.dial,
      lookup: async (host) => [host],
      ...options,
    });
    supervisor.join({
      up: (link) => events.push(`up ${link.sessionId.toString(16)}`),
      down: (cause) => events.push(`down ${cause.message}`),
      over: () => events.push('over'),
    });
    await clock.run(0);
  };
  const hosts = (dials: readonly DialOptions[]) => dials.map(({ address }) => address.host);

  beforeEach(() => {
    clock = new VirtualClock();
    zookeeper = new FakeZooKeeper(clock);
    events = [];
  });

  it('asks for nothing before someone joins', async () => {
    supervisor = new Supervisor({
      servers: [{ host: 'h1', port: 1 }],
      timeout: 9_000,
      auth: undefined,
      clock,
      random: seeded(1),
      log: silentLog,
      dial: zookeeper.dial,
    });
    await clock.run(60_000);
    assert.equal(zookeeper.dials.length, 0);
    await supervisor.close(1_000);
    assert.equal(clock.pending, 0);
  });

  it('keeps a session through lost connections, on the next server', async () => {
    await start(3);
    await clock.run(5_000);
    const first = zookeeper.link.address.host;
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(0);
    assert.deepEqual(events, ['up 1001', 'up 1001']);
    assert.notEqual(zookeeper.link.address.host, first);
    assert.equal(zookeeper.dials[1]!.ticket?.id.readBigUInt64BE(), 0x1001n);
    assert.equal(zookeeper.dials[1]!.ticket?.zxid.readBigUInt64BE(), zookeeper.zxid);
  });

  it('tries the server that it lost last of all', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      await start(3, { random: seeded(seed) });
      await clock.run(2_000);
      const lost = zookeeper.link.address.host;
      zookeeper.onDial = () => 'unreachable';
      const from = zookeeper.dials.length;
      zookeeper.link.destroy(new Error('reset'));
      await clock.run(0);
      assert.equal(hosts(zookeeper.dials.slice(from))[2], lost);
      const done = supervisor.close(0);
      await clock.run(0);
      await done;
      zookeeper.onDial = () => 'take';
    }
  });

  it('leaves a server that is silent for two thirds of the timeout', async () => {
    await start(2);
    const silent = zookeeper.link;
    silent.answers = false;
    await clock.run(5_999);
    assert.equal(silent.ended.aborted, false);
    await clock.run(1);
    assert.match(String(silent.ended.reason), /silent for 6000 ms/);
    assert.notEqual(zookeeper.link.address.host, silent.address.host);
    assert.deepEqual(events, ['up 1001', 'up 1001']);
  });

  it('leaves a mute server after its share of the timeout, and tries the others', async () => {
    zookeeper.onDial = ({ address }) => (address.host === 'h1' ? 'mute' : 'take');
    // Where h1 comes first.
    for (let seed = 1; hosts(zookeeper.dials)[0] !== 'h1'; seed++) {
      zookeeper.dials.length = 0;
      await start(3, { random: seeded(seed) });
    }
    assert.equal(zookeeper.dials[0]!.deadline, 3_000);
    await clock.run(2_999);
    assert.equal(zookeeper.dials.length, 1);
    await clock.run(1);
    assert.equal(zookeeper.dials.length, 2);
    assert.equal(supervisor.link, zookeeper.link);
  });

  it('gives the only server half of the timeout, so that a session outlives one attempt that hangs', async () => {
    await start(1);
    assert.equal(zookeeper.dials[0]!.deadline, 4_500);
  });

  it('tries all servers before it says that they are away, then waits longer and longer', async () => {
    zookeeper.onDial = () => 'unreachable';
    await start(3);
    assert.deepEqual(hosts(zookeeper.dials).sort(), ['h1', 'h2', 'h3']);
    assert.equal(events.length, 1);
    assert.match(events[0]!, /^down no ZooKeeper server can be reached: .*h1:2181: refused/);
    await clock.run(60_000);
    const rounds = zookeeper.dials.length / 3;
    // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s, then every 2 s, +-20 %.
    assert.ok(rounds > 25 && rounds < 45, `${rounds} rounds`);
    zookeeper.onDial = () => 'take';
    await clock.run(2_400);
    assert.equal(events.at(-1), 'up 1001');
    assert.equal(supervisor.status().connected, true);
  });

  it('tells who joins while the servers are away', async () => {
    zookeeper.onDial = () => 'unreachable';
    await start(1);
    const told: string[] = [];
    supervisor.join({ up: () => told.push('up'), down: () => told.push('down'), over() {} });
    assert.deepEqual(told, ['down']);
    zookeeper.onDial = () => 'take';
    await clock.run(3_000);
    supervisor.join({ up: () => told.push('up too'), down() {}, over() {} });
    assert.deepEqual(told, ['down', 'up', 'up too']);
  });

  it('starts a new session at once when the server says that the old one is over', async () => {
    await start(1);
    await clock.run(2_000);
    zookeeper.expire(0x1001n);
    await clock.run(0);
    assert.deepEqual(events, ['up 1001', 'over', 'up 1002']);
    assert.equal(supervisor.status().sessions, 2);
  });

  it('does not take a server that calls a new session over for an expiry', async () => {
    let dials = 0;
    const { dial } = zookeeper;
    await start(1, {
      dial: (options) => {
        dials++;
        return dial({
          ...options,
          ticket: { id: Buffer.alloc(8), password: Buffer.alloc(16), timeout: 1, zxid: Buffer.alloc(8) },
        });
      },
    });
    await clock.run(1_000);
    assert.ok(dials < 10, `${dials} attempts in a second`);
    assert.ok(!events.includes('over'));
  });

  it('presumes the session over after 4/3 of its timeout without a word', async () => {
    await start(1);
    await clock.run(3_000);
    zookeeper.onDial = () => 'unreachable';
    const { heard } = zookeeper.link;
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(heard + 12_000 - clock.now() - 1);
    assert.ok(!events.includes('over'));
    await clock.run(1);
    assert.equal(events.filter((event) => event === 'over').length, 1);
  });

  it('still goes on with a session that was presumed over, if the server kept it', async () => {
    await start(1);
    zookeeper.onDial = () => 'unreachable';
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(60_000);
    zookeeper.onDial = () => 'take';
    await clock.run(3_000);
    assert.deepEqual(
      events.filter((event) => !event.startsWith('down')),
      ['up 1001', 'over', 'up 1001'],
    );
  });

  it('gives a session up that is presumed over and that no server will go on with', async () => {
    await start(1);
    zookeeper.link.destroy(new Error('reset'));
    // As a server does that lost its data: it has not seen what we have seen.
    zookeeper.onDial = ({ ticket }) => (ticket === undefined ? 'take' : 'mute');
    await clock.run(11_000);
    assert.ok(zookeeper.dials.slice(1).every(({ ticket }) => ticket !== undefined));
    await clock.run(19_000);
    assert.deepEqual(
      events.filter((event) => !event.startsWith('down')),
      ['up 1001', 'over', 'up 1002'],
    );
  });

  it('does not hurry to a server that takes us and drops us', async () => {
    let taken = 0;
    await start(1, {
      dial: async (options) => {
        taken++;
        const link = await zookeeper.dial(options);
        queueMicrotask(() => link.destroy(new Error('dropped')));
        return link;
      },
    });
    await clock.run(10_000);
    assert.ok(taken > 3 && taken < 20, `${taken} connections`);
  });

  it('asks DNS anew for every round', async () => {
    let address = '10.0.0.1';
    zookeeper.onDial = (options) => (options.address.host === '10.0.0.1' ? 'unreachable' : 'take');
    await start(1, { lookup: async () => [address] });
    await clock.run(5_000);
    assert.deepEqual([...new Set(hosts(zookeeper.dials))], ['10.0.0.1']);
    address = '10.0.0.2';
    await clock.run(2_400);
    assert.equal(zookeeper.link.address.host, '10.0.0.2');
    assert.equal(zookeeper.link.address.port, 2181);
  });

  it('tries all addresses of one name', async () => {
    zookeeper.onDial = ({ address }) => (address.host === 'c' ? 'take' : 'mute');
    await start(1, { lookup: async () => ['a', 'b', 'c'] });
    await clock.run(6_000);
    assert.equal(zookeeper.link.address.host, 'c');
    assert.equal(zookeeper.dials[0]!.deadline, 3_000);
  });

  it('lives with names that cannot be resolved, and with a DNS that is silent', async () => {
    await start(2, {
      lookup: (host) => (host === 'h1' ? new Promise(() => {}) : Promise.reject(new Error('ENOTFOUND'))),
    });
    await clock.run(4_500);
    assert.match(events[0]!, /h2: ENOTFOUND; h1: no answer from DNS within 4500 ms/);
    await supervisor.close(1_000);
  });

  it('closes the session, and nothing is left', async () => {
    await start(1);
    await supervisor.close(1_000);
    assert.equal(zookeeper.link.closed, true);
    assert.equal(zookeeper.sessions.size, 0);
    await clock.run(60_000);
    assert.equal(zookeeper.dials.length, 1);
    assert.equal(clock.pending, 0);
  });

  it('comes back for a moment to close a session whose connection is lost', async () => {
    await start(1);
    zookeeper.onDial = () => 'unreachable';
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(3_000);
    zookeeper.onDial = () => 'take';
    const done = supervisor.close(1_000);
    await clock.run(10);
    await done;
    assert.equal(zookeeper.sessions.size, 0);
    assert.equal(zookeeper.link.closed, true);
  });

  it('does not wait longer than told to close', async () => {
    await start(1);
    zookeeper.onDial = () => 'mute';
    zookeeper.link.destroy(new Error('reset'));
    await clock.run(10);
    let closed = false;
    const done = supervisor.close(1_000).then(() => {
      closed = true;
    });
    await clock.run(999);
    assert.equal(closed, false);
    await clock.run(1);
    await done;
    const dials = zookeeper.dials.length;
    await clock.run(60_000);
    assert.equal(zookeeper.dials.length, dials);
  });
});
