import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { usualHello } from '../../test/support/raw-peer.ts';
import { StoppableClock, watched } from '../../test/support/transport.ts';
import type { Call, Handler, Reply } from '../core/call.ts';
import { address, endpoint } from '../core/endpoint.ts';
import { RpcError } from '../core/error.ts';
import { silentLog } from '../core/log.ts';
import { seeded } from '../core/random.ts';
import type { Connection } from '../transport/connection.ts';
import { dial } from '../transport/dial.ts';
import { heartbeatDefaults } from '../transport/heartbeat.ts';
import { type Listener, listen } from '../transport/listen.ts';
import { MemoryNetwork } from '../transport/memory.ts';
import type { Hello } from '../wire/hello.ts';
import { limits } from '../wire/limits.ts';
import { type HealthCheckOptions, HealthChecks } from './health-checks.ts';

const facts = { idempotent: true, codecs: ['json'], streaming: 'none' as const };
const withHealth: Hello = { ...(usualHello as unknown as Hello), methods: { health: facts } };
const well: Handler = () => ({ output: { status: 'ok' } });
const unhealthy = new RpcError('UNAVAILABLE', 'no database', { reason: 'UNHEALTHY' });
const never: Handler = () => new Promise(() => {});

interface Seen {
  at: number;
  worker: number;
  call: Call;
}

interface Setting {
  handler?: Handler;
  workers?: number;
  protocol?: 'framed' | 'classic';
  hello?: Hello;
  options?: Partial<HealthCheckOptions>;
  seed?: number;
}

/** A node of so many worker processes in memory, and the checks of it. Not started. */
async function checked(t: TestContext, setting: Setting = {}) {
  const { workers = 1, protocol = 'framed', hello = withHealth, seed = 1 } = setting;
  const clock = new StoppableClock();
  const network = new MemoryNetwork();
  const it = { handler: setting.handler ?? well, open: [] as Connection[] };
  const asked: Seen[] = [];
  const listeners: Listener[] = [];
  for (let worker = 0; worker < workers; worker++) {
    const listener = await listen({
      network,
      clock,
      log: silentLog,
      at: { host: 'node', port: worker + 1 },
      limits: limits(),
      handler: (call) => {
        asked.push({ at: clock.now(), worker, call });
        return it.handler(call);
      },
      hello: () => ({ ...hello, worker: { index: worker, of: workers } }),
      load: () => ({ inFlight: 0, queued: 0 }),
    });
    listeners.push(listener);
    t.after(() => listener.destroy());
    const to = endpoint({ host: 'node', port: worker + 1, protocol });
    const dialling = dial(
      to,
      {
        network,
        clock,
        random: seeded(1),
        limits: limits(),
        heartbeat: { ...heartbeatDefaults, loadEvery: 0 },
        helloTimeout: 1_000,
        service: undefined,
      },
      { onDrain() {}, onClose: () => void it.open.splice(it.open.indexOf(connection), 1) },
    );
    await clock.run(0);
    const connection = await dialling;
    assert.equal(address(to), `node:${worker + 1}`);
    it.open.push(connection);
  }
  const events: string[] = [];
  const faults: { error: RpcError; since: number }[] = [];
  const checks = new HealthChecks(
    it,
    { clock, random: seeded(seed), healthInterval: 5_000, healthTimeout: 1_000, ...setting.options },
    {
      onFault(error, since) {
        events.push(`fault ${error.label}`);
        faults.push({ error, since });
      },
      onPass: () => void events.push('pass'),
    },
  );
  t.after(() => checks.stop());
  return Object.assign(it, { clock, network, listeners, asked, events, faults, checks });
}

const gaps = (asked: readonly Seen[]) => asked.slice(1).map(({ at }, i) => at - asked[i]!.at);

describe('the checks of a node', () => {
  it('ask it every interval, give or take a fifth, from a moment of the first one on', async (t) => {
    const it = await checked(t);
    it.checks.start();
    await it.clock.run(120_000);
    assert.ok(it.asked[0]!.at <= 5_000);
    for (const gap of gaps(it.asked)) assert.ok(gap >= 4_000 && gap <= 6_000, `${gap}`);
    assert.ok(new Set(gaps(it.asked)).size > 10, 'jittered');
    assert.ok(it.events.length >= 20);
    assert.deepEqual(new Set(it.events), new Set(['pass']));
    const [{ call }] = it.asked as [Seen];
    assert.deepEqual([call.service, call.method, call.deadline - it.asked[0]!.at], ['test', 'health', 1_000]);
  });

  it('begin at different moments for different clients', async (t) => {
    const firsts = new Set<number>();
    for (let seed = 0; seed < 5; seed++) {
      const it = await checked(t, { seed });
      it.checks.start();
      await it.clock.run(5_000);
      firsts.add(it.asked[0]!.at);
    }
    assert.equal(firsts.size, 5);
  });

  it('are none where the interval is 0', async (t) => {
    const it = await checked(t, { options: { healthInterval: 0 } });
    it.checks.start();
    await it.clock.run(60_000);
    assert.deepEqual(it.asked, []);
  });

  it('go to each worker in its turn', async (t) => {
    const it = await checked(t, { workers: 3 });
    it.checks.start();
    await it.clock.run(60_000);
    const workers = it.asked.map(({ worker }) => worker);
    assert.ok(workers.length >= 9);
    assert.deepEqual(
      workers,
      workers.map((_, i) => i % 3),
    );
  });

  it('pause while the node has no connection', async (t) => {
    const it = await checked(t);
    it.checks.start();
    const [connection] = it.open.splice(0);
    await it.clock.run(30_000);
    assert.equal(it.events.length, 0);
    it.open.push(connection!);
    await it.clock.run(6_000);
    assert.ok(it.events.includes('pass'));
  });

  it('leave a classic node alone', async (t) => {
    const it = await checked(t, { protocol: 'classic' });
    it.checks.start();
    await it.clock.run(60_000);
    assert.deepEqual(
      it.asked.filter(({ call }) => call.method !== 'ping'),
      [],
    );
    assert.deepEqual(it.events, []);
  });

  it('go on until they are stopped, and leave nothing on the clock', async (t) => {
    const it = await checked(t, { handler: never, options: { healthInterval: 1_000 } });
    it.checks.start();
    it.checks.start();
    const withChecks = it.clock.pending;
    await it.clock.run(1_100);
    assert.equal(it.asked.length, 1, 'one timer, though it was started twice');
    it.checks.stop();
    await it.clock.run(0);
    assert.equal(it.clock.pending, withChecks - 1, 'neither the next check nor the end of this one');
    assert.equal(it.asked[0]!.call.cancelled?.code, 'CANCELLED');
    it.checks.start();
    await it.clock.run(10_000);
    assert.equal(it.asked.length, 1);
    assert.deepEqual(it.events, [], 'nobody hears of the check that was under way');
  });

  it('say nothing of an answer that came in the moment in which they were stopped', async (t) => {
    const it = await checked(t);
    const answer = Promise.withResolvers<Reply>();
    it.open.splice(0, 1, { hello: withHealth, send: () => answer.promise } as unknown as Connection);
    it.checks.start();
    await it.clock.run(5_000);
    answer.resolve({ output: null });
    it.checks.stop();
    await it.clock.run(0);
    assert.deepEqual(it.events, []);
  });

  it('do not begin once they are stopped', async (t) => {
    const it = await checked(t);
    it.checks.stop();
    it.checks.start();
    await it.clock.run(10_000);
    assert.deepEqual(it.asked, []);
  });
});

describe('a check', () => {
  /** How the first check ends, and what it says. */
  async function first(t: TestContext, setting: Setting) {
    const it = await checked(t, setting);
    it.checks.start();
    await it.clock.run(7_000);
    return { ...it, end: it.events[0], error: it.faults[0]?.error };
  }
  const throws =
    (error: RpcError): Handler =>
    () => {
      throw error;
    };

  it('fails where the node says that it is not well; what it says and when it was asked is told', async (t) => {
    const { end, error, faults, asked } = await first(t, { handler: throws(unhealthy) });
    assert.deepEqual([end, error?.message], ['fault UNAVAILABLE/UNHEALTHY', 'no database']);
    assert.equal(faults[0]!.since, asked[0]!.at);
  });

  it('fails where the node throws anything else', async (t) => {
    const { end } = await first(t, { handler: () => Promise.reject(new Error('odd')) });
    assert.equal(end, 'fault INTERNAL/UNHANDLED');
  });

  it('fails where the answer is late, and cancels it', async (t) => {
    const { end, error, asked } = await first(t, { handler: never });
    assert.deepEqual([end, error?.message], ['fault DEADLINE_EXCEEDED', 'no answer within 1000 ms']);
    assert.equal(asked[0]!.call.cancelled?.code, 'CANCELLED');
  });

  it('passes where the answer comes just in time', async (t) => {
    const it = await checked(t);
    it.handler = () => it.clock.sleep(999).then(() => ({ output: null }));
    it.checks.start();
    await it.clock.run(7_000);
    assert.deepEqual(it.events, ['pass']);
  });

  it('passes at an old server that lacks the method, and not where it is the check that lacks something', async (t) => {
    const handler = throws(new RpcError('UNIMPLEMENTED', 'no method "health"'));
    const old = { ...withHealth, methods: {} };
    assert.equal((await first(t, { handler, hello: old })).end, 'pass');
    assert.equal((await first(t, { handler })).end, 'fault UNIMPLEMENTED');
    assert.equal((await first(t, { handler: throws(unhealthy), hello: old })).end, 'fault UNAVAILABLE/UNHEALTHY');
  });

  it('shows nothing where it was not started: draining, over a limit, full', async (t) => {
    for (const reason of ['DRAINING', 'REFUSED', 'OVERLOADED']) {
      const refused = new RpcError('UNAVAILABLE', 'not now', { reason, stage: 'refused' });
      assert.equal((await first(t, { handler: throws(refused) })).end, undefined, reason);
    }
  });

  it('shows nothing where its connection is lost: that is a fact of its own', async (t) => {
    const it = await checked(t, { handler: never });
    it.checks.start();
    while (it.asked.length === 0) await it.clock.run(100);
    it.listeners[0]!.destroy();
    await it.clock.run(7_000);
    assert.deepEqual(it.events, []);
    assert.deepEqual(it.open, []);
  });

  it('is one at a time', async (t) => {
    // Each takes as long as it may, and some would begin before the one before them has ended.
    const handler: Handler = (call) => new Promise((_, reject) => call.onCancel(reject));
    const it = await checked(t, { handler, options: { healthInterval: 1_000, healthTimeout: 1_000 } });
    it.checks.start();
    let most = 0;
    for (let i = 0; i < 300; i++) {
      await it.clock.run(100);
      most = Math.max(most, it.open[0]!.inFlight);
    }
    assert.ok(it.asked.length > 10);
    assert.equal(most, 1);
  });

  it('leaves no timer when it is over', async (t) => {
    const it = await checked(t);
    const before = it.clock.pending;
    assert.equal(await it.checks.probe(), undefined);
    assert.equal(it.clock.pending, before);
  });

  it('is not late because this process stood still: what came meanwhile is read first', async (t) => {
    // Due timers come before what is to be read.
    const handler = () => it.clock.sleep(1_020).then(() => ({ output: null }));
    const it = await checked(t, { handler });
    it.checks.start();
    while (it.asked.length === 0) await it.clock.run(1);
    it.clock.stop(30_000);
    await it.clock.run(3_000);
    assert.deepEqual(it.events, ['pass']);
  });

  it('is late all the same if nothing came while it did', async (t) => {
    const it = await checked(t, { handler: never });
    it.checks.start();
    while (it.asked.length === 0) await it.clock.run(1);
    it.clock.stop(30_000);
    await it.clock.run(1_100);
    assert.deepEqual(it.events, ['fault DEADLINE_EXCEEDED']);
  });
});

describe('a probe', () => {
  /** What a probe says, without checks. */
  async function probed(t: TestContext, setting: Setting) {
    const it = await checked(t, setting);
    const wrong = watched(it.checks.probe());
    await it.clock.run(1_500);
    assert.equal(wrong.state, 'fulfilled');
    assert.deepEqual(it.events, [], 'it is asked for, and answers who asked');
    return { ...it, wrong: wrong.value };
  }

  it('says nothing is wrong, or what is', async (t) => {
    const { wrong, asked } = await probed(t, {});
    assert.equal(wrong, undefined);
    assert.deepEqual(
      asked.map(({ call }) => call.method),
      ['health'],
    );
    const handler = () => Promise.reject(unhealthy);
    assert.equal((await probed(t, { handler })).wrong, 'UNAVAILABLE/UNHEALTHY: no database');
    assert.equal((await probed(t, { handler: never })).wrong, 'DEADLINE_EXCEEDED: no answer within 1000 ms');
  });

  it('finds wrong what shows nothing: it has to show that the node works', async (t) => {
    const refused = new RpcError('UNAVAILABLE', 'not now', { reason: 'REFUSED', stage: 'refused' });
    const { wrong } = await probed(t, { handler: () => Promise.reject(refused) });
    assert.equal(wrong, 'UNAVAILABLE/REFUSED: not now');
  });

  it('asks a classic node for an answer of any kind', async (t) => {
    const { wrong: none, asked } = await probed(t, { protocol: 'classic' });
    assert.equal(none, undefined);
    assert.deepEqual(new Set(asked.map(({ call }) => call.method)), new Set(['ping']));
    const it = await checked(t, { protocol: 'classic' });
    const foreign = (send: Connection['send']) => void it.open.splice(0, 1, { hello: undefined, send } as Connection);
    foreign(() => Promise.reject(new RpcError('NOT_FOUND', 'no ping here')));
    assert.equal(await it.checks.probe(), undefined);
    foreign((call) => new Promise((_, reject) => call.onCancel(reject)));
    const wrong = watched(it.checks.probe(200));
    await it.clock.run(199);
    assert.equal(wrong.state, 'pending');
    await it.clock.run(1);
    assert.equal(wrong.value, 'DEADLINE_EXCEEDED: no answer within 200 ms');
  });

  it('takes the check under way for its own', async (t) => {
    const it = await checked(t, { handler: never });
    it.checks.start();
    while (it.asked.length === 0) await it.clock.run(1);
    const probes = [watched(it.checks.probe()), watched(it.checks.probe())];
    await it.clock.run(1_000);
    assert.equal(it.asked.length, 1);
    assert.deepEqual(
      probes.map(({ value }) => value),
      Array(2).fill('DEADLINE_EXCEEDED: no answer within 1000 ms'),
    );
    assert.deepEqual(it.events, ['fault DEADLINE_EXCEEDED']);
  });

  it('finds nobody where there is no connection, or the checks are over', async (t) => {
    const it = await checked(t);
    const [connection] = it.open.splice(0);
    assert.equal(await it.checks.probe(), 'not connected');
    it.open.push(connection!);
    it.checks.stop();
    assert.equal(await it.checks.probe(), 'not connected');
    assert.deepEqual(it.asked, []);
  });
});
