import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { output, run, succeeds } from './run.ts';

describe('running a program', () => {
  test('what it wrote, and its exit code', async () => {
    const ran = await run(['sh', '-c', 'cat; echo no >&2; exit 3'], { input: 'hello' });
    assert.deepEqual(ran, { ended: 3, stdout: 'hello', stderr: 'no\n' });
  });

  test('one that is not there is a result too', async () => {
    const ran = await run(['/nowhere/to-be-found']);
    assert.match(String(ran.ended), /ENOENT/);
    assert.equal(await succeeds(['/nowhere/to-be-found']), false);
  });

  test('one that does not end is killed', async () => {
    const ran = await run(['sleep', '3600'], { timeout: 100 });
    assert.equal(ran.ended, 'no end within 0.1 s');
  });

  test('one that reads nothing of a long input does no harm', async () => {
    assert.equal((await run(['true'], { input: 'x'.repeat(1_000_000) })).ended, 0);
  });

  test('a failure tells what was run, how it ended and what it said last', async () => {
    await assert.rejects(output(['sh', '-c', 'for i in $(seq 30); do echo line $i >&2; done; exit 4']), (error) => {
      const lines = (error as Error).message.split('\n');
      assert.match(lines[0]!, /^sh -c .*: exit code 4$/);
      assert.deepEqual([lines.length, lines[1], lines.at(-1)], [11, 'line 21', 'line 30']);
      return true;
    });
  });
});
