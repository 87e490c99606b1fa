import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutgoingCall } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { balance } from './balance.ts';
import type { Nodes } from './nodes.ts';

test('a call that is cancelled between its waiting and its sending is not sent', async () => {
  let wake = () => {};
  let picks = 0;
  const nodes = {
    pick: () => {
      picks++;
      return undefined;
    },
    wait: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  } as unknown as Nodes;
  const call = new OutgoingCall({ service: 's', method: 'm', input: 1, since: 0, deadline: 1_000, repeatable: false });
  const reply = balance(nodes, new VirtualClock())(call) as Promise<unknown>;
  wake();
  call.cancel(new RpcError('CANCELLED', 'enough', { stage: 'sent' }));
  await assert.rejects(reply, { code: 'CANCELLED', stage: 'unsent', mayHaveExecuted: false });
  assert.equal(picks, 1);
  assert.equal(call.sentAt, undefined);
});
