import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, compose, type Handler } from './call.ts';
import { RpcError } from './error.ts';
import type { Metrics } from './metrics.ts';
import { observe } from './observe.ts';
import { VirtualClock } from './virtual-clock.ts';

function observed(handler: Handler) {
  const clock = new VirtualClock();
  const seen: string[] = [];
  let series = 0;
  const family = {
    with: (...labels: string[]) => {
      series++;
      return { add() {}, set() {}, observe: (seconds: number) => void seen.push(`${labels.join(' ')} ${seconds}`) };
    },
    remove() {},
  };
  const metrics = { histogram: () => family, counter: () => family, gauge: () => family } as unknown as Metrics;
  const layer = observe(metrics, clock, 'name', 'help', (method) => method === 'known');
  const call = (method: string) => compose([layer], handler)({ method, since: clock.now() } as Call);
  return { clock, seen, call, series: () => series };
}

test('takes down each call by method and code, in seconds, and passes reply and error on as they are', async () => {
  const reply = { output: 1 };
  const failure = new RpcError('NOT_FOUND', 'no');
  const answers: (() => ReturnType<Handler>)[] = [
    () => reply,
    () => {
      throw failure;
    },
    () => clock.sleep(250).then(() => reply),
    () => clock.sleep(500).then(() => Promise.reject(failure)),
  ];
  const { clock, seen, call } = observed(() => answers.shift()!());
  assert.equal(call('known'), reply);
  assert.throws(() => call('known'), failure);
  const later = call('known');
  await clock.run(250);
  assert.equal(await later, reply);
  const rejected = assert.rejects(call('known') as Promise<unknown>, (error) => error === failure);
  await clock.run(500);
  await rejected;
  assert.deepEqual(seen, ['known OK 0', 'known NOT_FOUND 0', 'known OK 0.25', 'known NOT_FOUND 0.5']);
});

test('what throws no RpcError counts as INTERNAL, and is passed on as it is', () => {
  const thrown = new TypeError('bug');
  const { seen, call } = observed(() => {
    throw thrown;
  });
  assert.throws(
    () => call('known'),
    (error) => error === thrown,
  );
  assert.deepEqual(seen, ['known INTERNAL 0']);
});

test('a peer cannot make up series: methods that are not known share one label', () => {
  const { seen, call, series } = observed(() => ({ output: 1 }));
  for (let i = 0; i < 1_000; i++) call(`made up ${i}`);
  assert.equal(series(), 1);
  assert.equal(seen[999], 'unknown OK 0');
});
