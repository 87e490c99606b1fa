import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from './events.ts';

test('listeners get what is told by their name until they end it', () => {
  const events = new Events<{ a: number; b: string }>();
  const seen: unknown[] = [];
  const off = events.on('a', (fact) => seen.push(fact));
  events.on('b', (fact) => seen.push(fact));
  events.emit('a', 1);
  events.emit('b', 'x');
  off();
  off();
  events.emit('a', 2);
  assert.deepEqual(seen, [1, 'x']);
});

test('a listener that throws hurts neither the others nor who tells; it ends as an uncaught exception', async () => {
  const original = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  try {
    const events = new Events<{ a: number }>();
    const seen: number[] = [];
    events.on('a', () => {
      throw new Error('broken listener');
    });
    events.on('a', (fact) => seen.push(fact));
    events.emit('a', 1);
    assert.deepEqual(seen, [1]);
    assert.equal((await uncaught).message, 'broken listener');
  } finally {
    for (const listener of original) process.on('uncaughtException', listener);
  }
});
