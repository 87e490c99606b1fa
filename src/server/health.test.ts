import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptLog, watched } from '../../test/support/transport.ts';
import { RpcError } from '../core/error.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { healthCheck } from './health.ts';

function checked(hook: (() => unknown) | undefined) {
  const clock = new VirtualClock();
  const { log, lines } = keptLog();
  const check = healthCheck(hook, clock, log);
  return { clock, lines, ask: () => watched((async () => check())()) };
}

/** What a hook that gives this makes of `health`. */
async function answerTo(hook: () => unknown) {
  const { clock, ask } = checked(hook);
  const answer = ask();
  await clock.run(0);
  return answer;
}

const never = () => new Promise(() => {});

describe('a service is well', () => {
  it('if it has no hook', async () => {
    const { clock, ask } = checked(undefined);
    const answer = ask();
    await clock.run(0);
    assert.deepEqual(answer.value, { status: 'ok' });
  });

  for (const [given, said] of [
    [undefined, { status: 'ok' }],
    [true, { status: 'ok' }],
    ['ok', 'ok'],
    ['Healthy', 'Healthy'],
    [null, null],
    [7, 7],
    [{ status: 'ok', guests: 3 }],
    [{ status: 'UP' }],
    [{ status: 'pass' }],
    [{ status: 'SERVING' }],
    [{ status: true }],
    [{ database: 'slow' }],
    [{ status: undefined, message: 'none' }],
    [[]],
  ] as [unknown, unknown?][]) {
    it(`if the hook gives ${JSON.stringify(given)}, at once or later`, async () => {
      const expected = said === undefined ? given : said;
      assert.deepEqual((await answerTo(() => given)).value, expected);
      assert.deepEqual((await answerTo(async () => given)).value, expected);
    });
  }
});

describe('a service is not well', () => {
  for (const [given, why] of [
    [false, 'the health check says no'],
    ['no database', 'no database'],
    ['', 'the health check gives an empty text'],
    [{ status: 'bad' }, 'status "bad"'],
    [{ status: 'error', message: 'no database' }, 'status "error": no database'],
    [{ status: false }, 'status false'],
    [{ status: null }, 'status null'],
    [{ status: 503, message: 7 }, 'status 503'],
  ] as [unknown, string][]) {
    it(`if the hook gives ${JSON.stringify(given)}, at once or later`, async () => {
      for (const hook of [() => given, async () => given]) {
        const { error } = await answerTo(hook);
        assert.deepEqual([error?.label, error?.message], ['UNAVAILABLE/UNHEALTHY', why]);
      }
    });
  }

  it('if the hook throws; only the log hears what', async () => {
    const hooks = [
      () => {
        throw new Error('password is 1234');
      },
      () => Promise.reject(new Error('password is 1234')),
      () => Promise.reject(undefined),
    ];
    for (const hook of hooks) {
      const { error } = await answerTo(hook);
      assert.deepEqual([error?.label, error?.message], ['UNAVAILABLE/UNHEALTHY', 'the health check failed']);
    }
  });

  it('if the hook throws an RpcError, whatever its code: its words were meant for callers', async () => {
    const { error } = await answerTo(() => Promise.reject(new RpcError('UNIMPLEMENTED', 'no such table')));
    assert.deepEqual([error?.label, error?.message], ['UNAVAILABLE/UNHEALTHY', 'UNIMPLEMENTED: no such table']);
  });

  it('in no more words than a line can hold', async () => {
    const { error } = await answerTo(() => 'x'.repeat(10_000));
    assert.equal(error?.message.length, 256);
  });
});

describe('a hook that hangs', () => {
  it('is waited for by a timer that goes when it answers in time', async () => {
    const { clock, ask } = checked(() => clock.sleep(10));
    const answer = ask();
    await clock.run(10);
    assert.deepEqual([answer.state, clock.pending], ['fulfilled', 0]);
  });

  it('is given up after five seconds, and leaves no timer', async () => {
    const { clock, ask } = checked(never);
    const answer = ask();
    await clock.run(4_999);
    assert.equal(answer.state, 'pending');
    await clock.run(1);
    assert.match(answer.error?.message ?? '', /the health check has not answered within 5000 ms/);
    assert.equal(answer.error?.reason, 'UNHEALTHY');
    assert.equal(clock.pending, 0);
  });

  it('is asked anew by who comes then', async () => {
    let hangs = true;
    const { clock, ask } = checked(() => (hangs ? never() : 'ok'));
    const first = ask();
    await clock.run(5_000);
    hangs = false;
    const second = ask();
    await clock.run(0);
    assert.deepEqual([first.state, second.value], ['rejected', 'ok']);
  });

  it('and answers in the end is not listened to any more', async () => {
    const late = Promise.withResolvers<never>();
    const { clock, ask } = checked(() => late.promise);
    const answer = ask();
    await clock.run(5_000);
    late.reject(new Error('late'));
    await clock.run(1_000);
    assert.match(answer.error!.message, /not answered/);
  });
});

describe('those who ask', () => {
  it('while the hook runs share its answer; who comes later gets a new one', async () => {
    let runs = 0;
    const gates: PromiseWithResolvers<string>[] = [];
    const { clock, ask } = checked(() => {
      runs++;
      const gate = Promise.withResolvers<string>();
      gates.push(gate);
      return gate.promise;
    });
    const early = [ask(), ask(), ask()];
    await clock.run(100);
    assert.equal(runs, 1);
    gates[0]!.resolve('ok');
    await clock.run(0);
    assert.deepEqual(
      early.map(({ value }) => value),
      ['ok', 'ok', 'ok'],
    );
    const later = ask();
    gates[1]!.resolve('no disk');
    await clock.run(0);
    assert.deepEqual([runs, later.error?.message], [2, 'no disk']);
  });

  it('leave in the log one line for each change, however often they ask', async () => {
    let said: unknown = 'ok';
    const { clock, ask, lines } = checked(() => said);
    for (said of ['ok', 'no disk', 'no disk', 'no database', 'ok', 'ok', false]) {
      for (let i = 0; i < 3; i++) {
        ask();
        await clock.run(10);
      }
    }
    assert.deepEqual(lines, [
      'warn the service is not well',
      'info the service is well again',
      'warn the service is not well',
    ]);
  });
});
