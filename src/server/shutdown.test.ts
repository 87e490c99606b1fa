import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { type ShutdownSteps, shutdown } from './shutdown.ts';

const forEver = () => new Promise<void>(() => {});

function leaving(steps: Partial<ShutdownSteps> & { finish?: (timeout: number) => Promise<void> } = {}) {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const at = (what: string) => void seen.push(`${what} ${clock.now()}`);
  let over = false;
  const given: ShutdownSteps = {
    unready: () => at('unready'),
    withdraw: async () => at('withdraw'),
    serving: {
      drain: () => at('drain'),
      refuse: async () => at('refuse'),
      finish: async (timeout) => {
        at('finish');
        await steps.finish?.(timeout);
      },
    },
    closeRegistry: async () => at('registry'),
  };
  const done = shutdown({ ...given, ...steps }, { clock, drainDelay: 4_000, grace: 30_000, log: silentLog }).then(
    () => {
      over = true;
    },
  );
  return { clock, seen, done, over: () => over };
}

test('not ready, found by nobody new, drained; served on; no more calls; finished; the registry last', async () => {
  const { clock, seen, done } = leaving();
  await clock.run(4_000);
  await done;
  assert.deepEqual(seen, ['unready 0', 'withdraw 0', 'drain 0', 'refuse 4000', 'finish 4000', 'registry 4000']);
  assert.equal(clock.pending, 0);
});

test('what runs has until the grace period less two seconds, all steps together', async () => {
  let given = 0;
  const { clock, done } = leaving({
    finish: (timeout) => {
      given = timeout;
      return clock.sleep(timeout);
    },
  });
  await clock.run(60_000);
  await done;
  assert.equal(given, 30_000 - 2_000 - 4_000);
});

test('a registry that never answers costs nothing at first, and a second at the end', async () => {
  const { clock, seen, over } = leaving({ withdraw: forEver, closeRegistry: forEver });
  await clock.run(4_000);
  assert.deepEqual(seen, ['unready 0', 'drain 0', 'refuse 4000', 'finish 4000']);
  assert.equal(over(), false);
  await clock.run(1_000);
  assert.equal(over(), true);
});

test('all of it is over within the grace period, whatever hangs', async () => {
  const { clock, over } = leaving({
    withdraw: forEver,
    closeRegistry: forEver,
    finish: (timeout) => clock.sleep(timeout),
  });
  await clock.run(30_000);
  assert.equal(over(), true);
});

test('a registry that fails, at once or later, does not stop the way out', async () => {
  for (const fail of [
    () => Promise.reject(new Error('no registry')),
    () => {
      throw new Error('no registry');
    },
  ]) {
    const { clock, seen, done } = leaving({ withdraw: fail, closeRegistry: fail });
    await clock.run(60_000);
    await done;
    assert.deepEqual(seen, ['unready 0', 'drain 0', 'refuse 4000', 'finish 4000']);
  }
});
