import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from './health.ts';

const names = (problems: readonly { name: string }[]) => problems.map(({ name }) => name);

test('a process without problems is alive and ready', () => {
  const health = new Health();
  assert.deepEqual(health.live(), []);
  assert.deepEqual(health.ready(), []);
});

test('it is ready when every hold is released, and alive meanwhile', () => {
  const health = new Health();
  const registered = health.hold('registering', 'not registered yet');
  const warm = health.hold('warming', 'warming up');
  assert.deepEqual(health.ready(), [
    { name: 'registering', message: 'not registered yet' },
    { name: 'warming', message: 'warming up' },
  ]);
  assert.deepEqual(health.live(), []);
  registered();
  assert.deepEqual(names(health.ready()), ['warming']);
  warm();
  warm();
  assert.deepEqual(health.ready(), []);
});

test('two holds of one name are two', () => {
  const health = new Health();
  const first = health.hold('draining', 'a');
  health.hold('draining', 'b');
  first();
  assert.deepEqual(health.ready(), [{ name: 'draining', message: 'b' }]);
});

test('a process that is not alive is not ready', () => {
  const health = new Health();
  const repair = health.fail('workers', 'no worker is left');
  assert.deepEqual(names(health.live()), ['workers']);
  assert.deepEqual(names(health.ready()), ['workers']);
  repair();
  assert.deepEqual(health.live(), []);
  assert.deepEqual(health.ready(), []);
});
