import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stall } from './stall.ts';

function sent(times: number, from = 0): Stall {
  const stall = new Stall();
  for (let i = 0; i < times; i++) stall.sent(from);
  return stall;
}

test('sixteen attempts without an answer, the first of them 50 ms old, stand still', () => {
  assert.ok(!sent(15).stands(15, 1_000));
  assert.ok(!sent(16).stands(16, 49));
  assert.ok(sent(16).stands(16, 50));
});

test('an answer, whatever it is, begins the count anew', () => {
  const stall = sent(16);
  stall.answered();
  assert.ok(!stall.stands(100, 1_000));
  for (let i = 0; i < 16; i++) stall.sent(1_000);
  assert.ok(!stall.stands(16, 1_049), 'the time too');
  assert.ok(stall.stands(16, 1_050));
});

test('attempts that are over without an answer do not count for ever', () => {
  assert.ok(!sent(100).stands(15, 1_000));
});
