import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeIncoming } from '../../test/support/incoming.ts';
import { method, service } from '../core/contract.ts';
import type { RpcError } from '../core/error.ts';
import { currentCall, runFor } from '../core/inherit.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { MemoryNetwork } from '../transport/memory.ts';
import { connect } from './connect.ts';

// A file of its own: in its process no client has been made before.
test('a handler that makes the first client of its process inherits in its first call', async () => {
  const clock = new VirtualClock();
  const serving = new FakeIncoming({ deadline: 50 });
  const { heard, error } = await runFor(serving, async () => {
    const heard = currentCall();
    const client = connect(service('s', { m: method() }), {
      registry: 'static:nobody:1',
      clock,
      network: new MemoryNetwork(),
    });
    const called = client.m(1, { timeout: 5_000 }).catch((thrown) => thrown);
    await clock.run(100);
    void client.close();
    return { heard, error: await called };
  });
  assert.equal(heard, serving);
  assert.equal((error as RpcError).code, 'UNAVAILABLE', 'it ended in time, not after its own five seconds');
});
