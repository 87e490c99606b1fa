import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ending, FakeIncoming } from '../../test/support/incoming.ts';
import { compose, type Handler, type Reply } from '../core/call.ts';
import { seeded } from '../core/random.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { Admission } from './admission.ts';
import { deadline } from './deadline.ts';

function layered(handler: Handler, handlerTimeout = Number.POSITIVE_INFINITY) {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const admission = new Admission({ maxConcurrent: 1, maxQueueTime: 0 }, clock, wheel, seeded(1));
  const stack = compose([deadline(clock, wheel, handlerTimeout), admission.layer], handler);
  return { clock, admission, call: (call: FakeIncoming) => ending(() => stack(call)) };
}

test('work whose time is over when it comes is not started', () => {
  let started = 0;
  const { clock, call } = layered(() => {
    started++;
    return { output: 1 };
  });
  clock.advance(100);
  const end = call(new FakeIncoming({ deadline: 100 }));
  assert.equal(end.now?.error?.code, 'DEADLINE_EXCEEDED');
  assert.equal(end.now?.error?.mayHaveExecuted, false);
  assert.equal(started, 0);
  assert.deepEqual(call(new FakeIncoming({ deadline: 101 })).now?.reply, { output: 1 });
});

test('at the deadline the caller is answered and the handler told; its place stays taken until it has really ended', async () => {
  let end: (reply: Reply) => void = () => {};
  const { clock, admission, call } = layered(
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  const incoming = new FakeIncoming({ deadline: 200 });
  const { signal } = incoming;
  const ended = call(incoming);
  await clock.run(190);
  assert.equal(ended.now, undefined);
  assert.equal(signal.aborted, false);
  await clock.run(20);
  assert.equal(ended.now!.error!.code, 'DEADLINE_EXCEEDED');
  assert.equal(ended.now!.error!.mayHaveExecuted, true);
  assert.equal(signal.aborted, true);
  assert.equal(admission.inFlight, 1);
  assert.equal(call(new FakeIncoming()).now, undefined);
  end({ output: 'too late' });
  await clock.run(0);
  assert.equal(admission.inFlight, 0);
});

test('handlerTimeout ends what takes longer, whatever the caller says; without a deadline too', async () => {
  for (const facts of [{ deadline: 60_000 }, {}]) {
    const { clock, call } = layered(() => new Promise(() => {}), 300);
    const ended = call(new FakeIncoming(facts));
    await clock.run(290);
    assert.equal(ended.now, undefined);
    await clock.run(20);
    assert.equal(ended.now!.error!.code, 'DEADLINE_EXCEEDED');
  }
});

test('the earlier of deadline and handlerTimeout counts, and an answer in time leaves no timer', async () => {
  const { clock, call } = layered(() => clock.sleep(50).then(() => ({ output: 1 })), 1_000);
  const ended = call(new FakeIncoming({ deadline: 100 }));
  await clock.run(60);
  assert.deepEqual(ended.now?.reply, { output: 1 });
  await clock.run(20);
  assert.equal(clock.pending, 0);
});
