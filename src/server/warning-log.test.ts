import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warningLog } from './warning-log.ts';

function kept() {
  const warnings: string[][] = [];
  const log = warningLog(((text: string, { type, code, detail }: Record<'type' | 'code' | 'detail', string>) => {
    warnings.push([text, type, code, detail]);
  }) as typeof process.emitWarning);
  return { log, warnings };
}

test('an error is a warning, once for each method and kind; other lines are nothing', () => {
  const { log, warnings } = kept();
  const err = new Error('no database');
  for (const level of ['debug', 'info', 'warn'] as const) log[level]({ err, method: 'a' }, 'it threw');
  for (let i = 0; i < 3; i++) log.error({ err, method: 'a' }, 'it threw');
  log.error({ err: 'text', method: 'b' }, 'it threw');
  log.error({ method: 'b' }, 'it lied');
  log.error({}, 'it is sick');
  assert.deepEqual(
    warnings.map(([text]) => text),
    ['a: it threw', 'b: it threw', 'b: it lied', 'it is sick'],
  );
  const [, type, code, detail] = warnings[0]!;
  assert.deepEqual([type, code], ['EvenkeelWarning', 'EVENKEEL_SERVER']);
  assert.match(detail!, /^Error: no database\n +at (.|\n)*\nThis is said once\. Give serve\(\) a log/);
  assert.match(warnings[1]![3]!, /^text\nThis/);
});

test('what a handler logs itself is not ours to say', () => {
  const { log, warnings } = kept();
  log.child({ method: 'a' }).error({}, 'order 7 is odd');
  assert.deepEqual(warnings, []);
});
