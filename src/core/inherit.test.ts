import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutgoingCall } from './call.ts';
import { currentCall, enableInheritance, runFor } from './inherit.ts';

const call = () =>
  new OutgoingCall({ service: 's', method: 'm', input: 1, since: 0, deadline: 1_000, repeatable: true });

test('where nobody asks, nobody is told: without a client no call is kept in mind', () => {
  runFor(call(), () => assert.equal(currentCall(), undefined));
  enableInheritance();
});

test('code that runs for a call knows it, through promises too; other code knows none', async () => {
  const outer = call();
  const inner = call();
  assert.equal(currentCall(), undefined);
  await runFor(outer, async () => {
    await Promise.resolve();
    assert.equal(currentCall(), outer);
    runFor(inner, () => assert.equal(currentCall(), inner));
    assert.equal(currentCall(), outer);
  });
  assert.equal(currentCall(), undefined);
});

test('what a handler has left behind works for no call any more', async () => {
  const ended = call();
  let goOn = () => {};
  const left = runFor(ended, async () => {
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    return currentCall();
  });
  ended.ended = true;
  goOn();
  assert.equal(await left, undefined);
});
