import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeIncoming } from '../../test/support/incoming.ts';
import { compose, type Reply } from '../core/call.ts';
import { seeded } from '../core/random.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { Admission } from './admission.ts';
import { serverStack } from './stack.ts';

test('the sum of the durations is the time that calls were in flight, waiting or at work', async () => {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const metrics = makeMetrics({ process: false });
  const admission = new Admission({ maxConcurrent: 1, maxQueueTime: 60_000 }, clock, wheel, seeded(1));
  const handlerTimeout = Number.POSITIVE_INFINITY;
  const layers = serverStack({ clock, wheel, metrics, admission, handlerTimeout, isMethod: () => true });
  const handle = compose(layers, async (): Promise<Reply> => {
    await clock.sleep(1_000);
    return { output: 1 };
  });
  // The second waits for the first: two calls are in flight for a second, then one.
  const replies = [1, 2].map(() => handle(new FakeIncoming({ since: clock.now(), deadline: clock.now() + 60_000 })));
  await clock.run(2_500);
  await Promise.all(replies);
  const [, sum] = /^rpc_server_call_duration_seconds_sum\{.*\} (.*)$/m.exec(await metrics.text()) ?? [];
  assert.equal(Number(sum), 3);
});
