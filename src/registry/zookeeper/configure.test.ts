import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeZooKeeper, type Fate } from '../../../test/support/fake-zookeeper.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { type Change, configure } from './configure.ts';
import { Supervisor } from './supervisor.ts';

const path = '/demo/pi-config';

describe('changing the live settings in ZooKeeper', () => {
  let clock: VirtualClock;
  let zookeeper: FakeZooKeeper;
  let supervisor: Supervisor;
  let closing: AbortController;

  /** How a change ended: its error, or undefined; `pending` while it has not. */
  const start = (change: Change = () => ({ n: 1 })) => {
    const run: { end: 'pending' | Error | undefined } = { end: 'pending' };
    const parts = { supervisor, path, clock, random: seeded(1), signal: closing.signal };
    configure(parts, change).then(
      () => {
        run.end = undefined;
      },
      (error) => {
        run.end = error;
      },
    );
    return run;
  };
  const change = async (work?: Change, ms = 1_000) => {
    const run = start(work);
    await clock.run(ms);
    return run.end;
  };
  const held = () => zookeeper.nodes.get(path)?.data.toString();
  const writes = () => zookeeper.requests.filter((request) => /^(create|setData) .*-config$/.test(request)).length;
  /** Gives the next request that matches another fate. */
  const once = (pattern: RegExp, fate: Fate | { refuse: string }, then = () => {}) => {
    zookeeper.onRequest = (request) => {
      if (!pattern.test(request)) return 'ok';
      zookeeper.onRequest = () => 'ok';
      then();
      return fate;
    };
  };

  beforeEach(() => {
    clock = new VirtualClock();
    zookeeper = new FakeZooKeeper(clock);
    closing = new AbortController();
    const servers = [{ host: '10.0.0.1', port: 2181 }];
    const { dial } = zookeeper;
    const log = silentLog;
    supervisor = new Supervisor({ servers, timeout: 9_000, auth: undefined, dial, clock, random: seeded(1), log });
  });

  it('makes the node and the folders above it, to stay', async () => {
    assert.equal(await change((before) => ({ was: before ?? null })), undefined);
    assert.equal(held(), '{"was":null}');
    assert.equal(zookeeper.nodes.get(path)!.stat.ephemeralOwner, 0n);
  });

  it('changes what is there, and writes nothing where nothing changes', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '{ "n": 1 }');
    assert.equal(await change(() => ({ n: 1 })), undefined);
    assert.equal(held(), '{ "n": 1 }');
    assert.equal(await change((before) => ({ ...before, m: 2 })), undefined);
    assert.equal(held(), '{"n":1,"m":2}');
    assert.equal(writes(), 1);
  });

  it('takes an empty node for none, and fills it', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '');
    assert.equal(await change((before) => ({ was: before ?? null })), undefined);
    assert.equal(held(), '{"was":null}');
  });

  it('does not touch junk', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, 'precious');
    const end = await change(() => assert.fail('there is nothing to change'));
    assert.match(String(end), /^Error: the live settings in \/demo\/pi-config cannot be changed: it is no JSON$/);
    assert.equal(held(), 'precious');
  });

  const count: Change = (before) => ({ n: ((before?.n as number) ?? 0) + 1 });

  it('begins anew when others were faster: with a change, a creation or a deletion', async () => {
    zookeeper.put('/demo', '');
    once(/^create .*-config/, 'ok', () => zookeeper.put(path, '{"n":10}'));
    assert.equal(await change(count), undefined);
    assert.equal(held(), '{"n":11}');
    once(/^setData/, 'ok', () => zookeeper.set(path, '{"n":20}'));
    assert.equal(await change(count), undefined);
    assert.equal(held(), '{"n":21}');
    once(/^setData/, 'ok', () => zookeeper.delete(path));
    assert.equal(await change(count), undefined);
    assert.equal(held(), '{"n":1}');
  });

  it('gives up when others are faster all the time, after waiting longer and longer', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '{"n":0}');
    zookeeper.onRequest = (request) => {
      if (request.startsWith('setData')) zookeeper.set(path, '{"n":0}');
      return 'ok';
    };
    const run = start(count);
    await clock.run(500);
    assert.equal(run.end, 'pending');
    assert.ok(writes() < 10, `${writes()} tries in half a second`);
    await clock.run(9_000);
    assert.match(
      String(run.end),
      /^Error: the live settings could not be written: others changed them 20 times meanwhile$/,
    );
    assert.equal(writes(), 20);
  });

  for (const fate of ['lost', 'unsent', 'late'] as const) {
    it(`is done once when the answer to a change does not come: ${fate}`, async () => {
      zookeeper.put('/demo', '');
      zookeeper.put(path, '{"n":1}');
      once(/^setData/, fate);
      assert.equal(await change(count, 5_000), undefined);
      assert.equal(held(), '{"n":2}');
      assert.equal(zookeeper.links.length, 2);
      assert.equal(writes(), fate === 'lost' ? 1 : 2);
    });

    it(`is done once when the answer to a creation does not come: ${fate}`, async () => {
      zookeeper.put('/demo', '');
      once(/^create .*-config/, fate);
      assert.equal(await change(count, 5_000), undefined);
      assert.equal(held(), '{"n":1}');
      assert.equal(writes(), fate === 'lost' ? 1 : 2);
    });
  }

  it('goes on in the next session when its own is over', async () => {
    zookeeper.put('/demo', '');
    once(/^getData/, 'unsent', () => zookeeper.expire(zookeeper.link.sessionId));
    assert.equal(await change(count, 5_000), undefined);
    assert.equal(held(), '{"n":1}');
    assert.notEqual(zookeeper.links[0]!.sessionId, zookeeper.links.at(-1)!.sessionId);
  });

  it('says what ZooKeeper refuses', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '{}');
    once(/^setData/, { refuse: 'NO_AUTH' });
    const end = await change(count);
    assert.match(String(end), /^Error: the live settings cannot be written: .*setData.*NO_AUTH/);
    assert.equal(held(), '{}');
  });

  it('writes nothing where the folder or the node is not the secret’s', async () => {
    zookeeper.put('/demo', '');
    zookeeper.put(path, '{}');
    const servers = [{ host: '10.0.0.1', port: 2181 }];
    const auth = { scheme: 'digest', secret: 'me:sesame' };
    const options = { clock, random: seeded(1), log: silentLog, dial: zookeeper.dial };
    supervisor = new Supervisor({ servers, timeout: 9_000, auth, ...options });
    for (const foreign of ['/demo', path]) {
      once(new RegExp(`^checkOwned ${foreign}$`), { refuse: 'NOT_OURS' });
      assert.match(String(await change(count)), /^Error: the live settings cannot be written: .*NOT_OURS/);
      assert.equal(held(), '{}');
    }
    assert.equal(await change(count), undefined);
    assert.equal(held(), '{"n":1}');
  });

  it('gives up after 10 s, and says why', async () => {
    zookeeper.onDial = () => 'unreachable';
    const run = start();
    await clock.run(9_999);
    assert.equal(run.end, 'pending');
    await clock.run(1);
    assert.match(String(run.end), /could not be written within 10 s: no ZooKeeper server can be reached: .*refused/);
    zookeeper.onDial = () => 'take';
    await clock.run(10_000);
    assert.equal(writes(), 0, 'what was given up is not done later');
  });

  it('leaves no timer behind', async () => {
    await change(() => ({ n: 1 }));
    const before = clock.pending;
    await change(() => ({ n: 2 }));
    assert.equal(held(), '{"n":2}');
    assert.equal(clock.pending, before);
  });

  it('ends with its registry', async () => {
    zookeeper.onDial = () => 'unreachable';
    const run = start();
    await clock.run(100);
    closing.abort(new Error('the registry is closed'));
    await clock.run(0);
    assert.match(String(run.end), /the registry is closed/);
    assert.match(String(await change(undefined, 0)), /the registry is closed/);
    await supervisor.close(1_000);
    await clock.run(20_000);
    assert.equal(clock.pending, 0);
  });
});
