import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/until.ts';
import { runningDaemon, startDaemon, waitForDaemons } from './daemon.ts';
import { type Layout, layoutOf } from './layout.ts';
import { withLock } from './lock.ts';

const linux = { skip: process.platform === 'linux' ? false : 'there is no /proc here' };

function somewhere(t: TestContext): Layout {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'evenkeel-daemon-')));
  mkdirSync(layout.pid);
  mkdirSync(layout.log);
  t.after(async () => {
    const running = runningDaemon(layout, 'it');
    if (running !== undefined) process.kill(running.pid, 'SIGKILL');
    await until(() => runningDaemon(layout, 'it') === undefined, 'the daemon to end');
    rmSync(layout.state, { recursive: true });
  });
  return layout;
}

test('a daemon is started once, and again when it has ended', linux, async (t) => {
  const layout = somewhere(t);
  assert.equal(await startDaemon(layout, 'it', ['sleep', '600']), true);
  const first = runningDaemon(layout, 'it')!;
  assert.equal(await startDaemon(layout, 'it', ['sleep', '600']), false);
  assert.deepEqual(runningDaemon(layout, 'it'), first);
  process.kill(first.pid, 'SIGKILL');
  await until(() => runningDaemon(layout, 'it') === undefined, 'its end');
  assert.equal(await startDaemon(layout, 'it', ['sleep', '600']), true);
  assert.notEqual(runningDaemon(layout, 'it')!.pid, first.pid);
});

test('it is in a session of its own: Ctrl-C does not reach it', linux, async (t) => {
  const layout = somewhere(t);
  await startDaemon(layout, 'it', ['sleep', '600']);
  const { pid } = runningDaemon(layout, 'it')!;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  assert.deepEqual([fields[2], fields[3]], [`${pid}`, `${pid}`]);
});

test('one that has ended is not waited for: the error has what it said last, and where', linux, async (t) => {
  const layout = somewhere(t);
  await startDaemon(layout, 'it', ['sh', '-c', 'for i in $(seq 30); do echo line $i; done']);
  await assert.rejects(
    waitForDaemons(layout, { daemons: ['it'], what: 'wonders' }, () => false),
    (error) => {
      const [first, ...lines] = (error as Error).message.split('\n');
      assert.equal(first, `it has ended; the end of ${join(layout.log, 'it.log')}:`);
      assert.deepEqual([lines.length, lines[0], lines.at(-1)], [20, 'line 11', 'line 30']);
      return true;
    },
  );
});

test('one that does not get ready is waited for until the deadline', linux, async (t) => {
  const layout = somewhere(t);
  await startDaemon(layout, 'it', ['sleep', '600']);
  const message = `waited 0.3 s in vain for wonders; nothing is in ${join(layout.log, 'it.log')}`;
  await assert.rejects(
    waitForDaemons(layout, { daemons: ['it'], what: 'wonders', deadline: 300 }, () => false),
    { message },
  );
});

test('what the last one said is kept beside what this one says', linux, async (t) => {
  const layout = somewhere(t);
  const log = join(layout.log, 'it.log');
  for (const word of ['first', 'second']) {
    await startDaemon(layout, 'it', ['echo', word]);
    await until(() => runningDaemon(layout, 'it') === undefined && readFileSync(log, 'utf8'), 'its word');
  }
  assert.equal(readFileSync(`${log}.old`, 'utf8'), 'first\n');
  assert.equal(readFileSync(log, 'utf8'), 'second\n');
});

test('one at a time: the second is told who is at it', linux, async (t) => {
  const layout = somewhere(t);
  await withLock(layout, async () => {
    const message = `process ${process.pid} is bringing this cluster up or down`;
    await assert.rejects(
      withLock(layout, async () => {}),
      { message },
    );
  });
  assert.equal(await withLock(layout, async () => 'mine'), 'mine');
});

test('a lock whose owner has died is no lock', linux, async (t) => {
  const layout = somewhere(t);
  await startDaemon(layout, 'it', ['true']);
  await until(() => runningDaemon(layout, 'it') === undefined, 'its end');
  renameSync(join(layout.pid, 'it'), join(layout.state, 'lock'));
  assert.equal(await withLock(layout, async () => 'mine'), 'mine');
});
