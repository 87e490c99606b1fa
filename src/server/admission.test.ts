import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ending, FakeIncoming } from '../../test/support/incoming.ts';
import type { Reply } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { seeded } from '../core/random.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { Admission } from './admission.ts';

interface Started {
  call: FakeIncoming;
  answer(): void;
  fail(): void;
}

/** An admission whose handler ends when the test says so. */
function admission(options: { maxConcurrent: number; maxQueueTime: number }, random = seeded(1)) {
  const clock = new VirtualClock();
  const made = new Admission(options, clock, new TimerWheel(clock), random);
  const started: Started[] = [];
  let most = 0;
  let running = 0;
  const handler = made.layer((call) => {
    most = Math.max(most, ++running);
    return new Promise<Reply>((resolve, reject) => {
      started.push({
        call: call as FakeIncoming,
        answer: () => {
          running--;
          resolve({ output: 1 });
        },
        fail: () => {
          running--;
          reject(new Error('failed'));
        },
      });
    });
  });
  const call = (facts: ConstructorParameters<typeof FakeIncoming>[0] = {}) => {
    const incoming = new FakeIncoming(facts);
    return { incoming, end: ending(() => handler(incoming)) };
  };
  return { clock, made, started, call, most: () => most };
}

test('lets in as many as may be at work; the next one waits, and is let in when one ends', async () => {
  const { clock, made, started, call } = admission({ maxConcurrent: 3, maxQueueTime: 100 });
  for (let i = 0; i < 3; i++) call();
  assert.equal(started.length, 3);
  assert.equal(made.queued, 0);
  call({ input: 'fourth' });
  assert.equal(started.length, 3);
  assert.equal(made.queued, 1);
  started[1]!.answer();
  await clock.run(0);
  assert.equal(started.length, 4);
  assert.equal(started[3]!.call.input, 'fourth');
  assert.equal(made.inFlight, 3);
  for (const { fail } of started.filter((_, i) => i !== 1)) fail();
  await clock.run(0);
  assert.equal(made.inFlight, 0);
});

test('a handler that answers, or throws, at once gives its place back at once', () => {
  const clock = new VirtualClock();
  const made = new Admission({ maxConcurrent: 1, maxQueueTime: 0 }, clock, new TimerWheel(clock), seeded(1));
  const fails = made.layer(() => {
    throw new Error('at once');
  });
  for (let i = 0; i < 3; i++) assert.throws(() => fails(new FakeIncoming()), /at once/);
  const answers = made.layer(() => ({ output: 1 }));
  for (let i = 0; i < 3; i++) assert.deepEqual(answers(new FakeIncoming()), { output: 1 });
  assert.equal(made.inFlight, 0);
});

test('a place that is handed over cannot be taken by one who comes in between', async () => {
  const { clock, started, call, most } = admission({ maxConcurrent: 1, maxQueueTime: 100 });
  call();
  call({ input: 'queued' });
  started[0]!.answer();
  // The handler's end is known after a microtask, the queued call starts after another: come at each moment between.
  for (let i = 0; i < 6; i++) {
    await Promise.resolve();
    call({ input: 'newcomer' });
  }
  await clock.run(0);
  assert.equal(most(), 1);
  assert.equal(started[1]!.call.input, 'queued');
});

test('as many may wait as may be at work; one more is refused at once, as OVERLOADED, and was not started', async () => {
  const { clock, made, call } = admission({ maxConcurrent: 2, maxQueueTime: 100 });
  for (let i = 0; i < 4; i++) call();
  assert.equal(made.queued, 2);
  const { end } = call();
  await clock.run(0);
  assert.equal(end.now?.error?.label, 'RESOURCE_EXHAUSTED/OVERLOADED');
  assert.equal(end.now?.error?.stage, 'refused');
  assert.equal(end.now?.error?.mayHaveExecuted, false);
});

test('who has waited too long is refused, and its place in the queue is free', async () => {
  const { clock, made, started, call } = admission({ maxConcurrent: 1, maxQueueTime: 100 });
  call();
  const { end } = call();
  await clock.run(90);
  assert.equal(end.now, undefined);
  await clock.run(20);
  assert.equal(end.now!.error!.label, 'RESOURCE_EXHAUSTED/OVERLOADED');
  assert.equal(made.queued, 0);
  started[0]!.answer();
  await clock.run(1_000);
  assert.equal(started.length, 1);
  assert.equal(clock.pending, 0);
});

test('a queue time of 0 refuses at once', async () => {
  const { clock, call } = admission({ maxConcurrent: 1, maxQueueTime: 0 });
  call();
  const { end } = call();
  await clock.run(0);
  assert.equal(end.now?.error?.reason, 'OVERLOADED');
});

const pushbacks: [maxConcurrent: number, maxQueueTime: number, waiting: number, least: number, most: number][] = [
  // Nobody waits: a place is free at any moment.
  [4, 0, 0, 10, 30],
  // The queue is full: in `maxQueueTime` all of it is gone.
  [4, 100, 4, 60, 180],
  [10, 500, 10, 260, 780],
  // Never longer than what clients obey.
  [1, 60_000, 1, 2_000, 2_000],
];

for (const [maxConcurrent, maxQueueTime, waiting, least, most] of pushbacks) {
  test(`${maxConcurrent} at work and ${waiting} waiting for ${maxQueueTime} ms: come back in ${least} to ${most} ms`, async () => {
    const retryAfter = async (random: number) => {
      const { clock, made, call } = admission({ maxConcurrent, maxQueueTime }, () => random);
      for (let i = 0; i < maxConcurrent + waiting; i++) call();
      assert.equal(made.queued, waiting);
      const { end } = call();
      await clock.run(0);
      return end.now?.error?.retryAfter;
    };
    assert.equal(await retryAfter(0), least);
    assert.equal(await retryAfter(1), most);
  });
}

test('who has waited in vain is put off by what is left of the queue', async () => {
  const { clock, call } = admission({ maxConcurrent: 2, maxQueueTime: 100 }, () => 0.5);
  call();
  call();
  const { end: first } = call();
  await clock.run(50);
  call();
  await clock.run(60);
  assert.equal(first.now?.error?.retryAfter, 20 + 100 / 2);
});

test('who is cancelled while waiting leaves the queue and is never started', async () => {
  const { clock, made, started, call } = admission({ maxConcurrent: 1, maxQueueTime: 100 });
  call();
  const { incoming, end } = call();
  incoming.cancel(new RpcError('CANCELLED', 'enough'));
  await clock.run(0);
  assert.equal(end.now?.error?.code, 'CANCELLED');
  assert.equal(made.queued, 0);
  started[0]!.answer();
  await clock.run(1_000);
  assert.equal(started.length, 1);
  assert.equal(made.inFlight, 0);
});

test('whose deadline passes while waiting is never started, and does not cost the next one its turn', async () => {
  const { clock, made, started, call } = admission({ maxConcurrent: 2, maxQueueTime: 1_000 });
  call();
  call();
  const late = call({ deadline: 45 });
  call({ input: 'in time' });
  await clock.run(50);
  started[0]!.answer();
  await clock.run(0);
  assert.equal(late.end.now?.error?.code, 'DEADLINE_EXCEEDED');
  assert.equal(late.end.now?.error?.mayHaveExecuted, false);
  assert.equal(started.length, 3);
  assert.equal(started[2]!.call.input, 'in time');
  assert.equal(made.inFlight, 2);
});

test('health is let in however many are at work, and takes nobody a place', () => {
  const { made, started, call } = admission({ maxConcurrent: 1, maxQueueTime: 0 });
  call();
  call({ method: 'health' });
  assert.equal(started.length, 2);
  assert.equal(made.inFlight, 1);
});

test('more places let in those who wait, in their order', async () => {
  const { clock, made, started, call, most } = admission({ maxConcurrent: 1, maxQueueTime: 1_000 });
  call();
  call({ input: 'second' });
  made.limit({ maxConcurrent: 3, maxQueueTime: 1_000 });
  call({ input: 'third' });
  call({ input: 'fourth' });
  await clock.run(0);
  assert.deepEqual(
    started.slice(1).map(({ call }) => call.input),
    ['third', 'second'],
    'both at once: one has just come, one had waited',
  );
  assert.deepEqual([made.inFlight, made.queued, most()], [3, 1, 3]);
});

test('of those who wait, one that is too late takes no new place', async () => {
  const { clock, made, started, call } = admission({ maxConcurrent: 2, maxQueueTime: 1_000 });
  call();
  call();
  call({ deadline: 45 });
  call({ input: 'in time' });
  await clock.run(50);
  made.limit({ maxConcurrent: 3, maxQueueTime: 1_000 });
  await clock.run(0);
  assert.equal(started[2]!.call.input, 'in time');
  assert.deepEqual([made.inFlight, made.queued], [3, 0]);
});

test('fewer places cut nobody off: calls end one by one until there are as few', async () => {
  const { clock, made, started, call } = admission({ maxConcurrent: 4, maxQueueTime: 10_000 });
  for (let i = 0; i < 4; i++) call();
  call({ input: 'waits' });
  made.limit({ maxConcurrent: 2, maxQueueTime: 10_000 });
  assert.deepEqual([made.inFlight, made.queued], [4, 1]);
  for (const [i, inFlight] of [3, 2].entries()) {
    started[i]!.answer();
    await clock.run(0);
    assert.deepEqual([made.inFlight, made.queued, started.length], [inFlight, 1, 4]);
  }
  started[2]!.answer();
  await clock.run(0);
  assert.deepEqual([made.inFlight, made.queued, started.length], [2, 0, 5]);
  assert.equal(started[4]!.call.input, 'waits');
});

test('another queue time holds for those who come from now on', async () => {
  const { clock, made, call } = admission({ maxConcurrent: 1, maxQueueTime: 1_000 });
  call();
  const { end: patient } = call();
  made.limit({ maxConcurrent: 1, maxQueueTime: 0 });
  const { end: refused } = call();
  await clock.run(0);
  assert.deepEqual([refused.now?.error?.reason, patient.now], ['OVERLOADED', undefined]);
  await clock.run(1_010);
  assert.equal(patient.now?.error?.reason, 'OVERLOADED');
});
