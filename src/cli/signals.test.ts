import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { onSignals } from './signals.ts';

function listen(test: TestContext, terminal: boolean) {
  const before = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY');
  Object.defineProperty(process.stdin, 'isTTY', { value: terminal, configurable: true });
  const clock = new VirtualClock();
  const heard: string[] = [];
  onSignals(
    silentLog,
    (signal) => heard.push(`leave by ${signal}`),
    () => heard.push('abort'),
    clock,
  );
  test.after(() => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.removeAllListeners(signal);
    if (before === undefined) Reflect.deleteProperty(process.stdin, 'isTTY');
    else Object.defineProperty(process.stdin, 'isTTY', before);
  });
  const send = (signal: 'SIGTERM' | 'SIGINT', after = 0) => {
    clock.advance(after);
    process.emit(signal);
  };
  return { heard, send };
}

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} leads away, once`, (test) => {
      const { heard, send } = listen(test, false);
      send(signal);
      send(signal, 5_000);
      send('SIGINT', 5_000);
      assert.deepEqual(heard, [`leave by ${signal}`]);
    });
  }

  it('Ctrl-C again at a terminal, after a second, ends at once', (test) => {
    const { heard, send } = listen(test, true);
    send('SIGINT');
    send('SIGINT', 900);
    assert.deepEqual(heard, ['leave by SIGINT'], 'so early it is an echo');
    send('SIGTERM', 200);
    assert.deepEqual(heard, ['leave by SIGINT'], 'SIGTERM is never impatient');
    send('SIGINT');
    assert.deepEqual(heard, ['leave by SIGINT', 'abort']);
  });
});
