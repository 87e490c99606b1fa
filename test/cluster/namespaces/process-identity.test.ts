import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/until.ts';
import { readPidFile, writePidFile } from './pid-file.ts';
import { parseStat, processOf } from './process-identity.ts';

const linux = { skip: process.platform === 'linux' ? false : 'there is no /proc here' };

test('a line of /proc/PID/stat, whatever the program is called', () => {
  const rest = ['S', '7', ...Array.from({ length: 17 }, () => '0'), '4711', '0'].join(' ');
  for (const name of ['sleep', 'a b', ') R 1 (', '']) {
    assert.deepEqual(parseStat(`42 (${name}) ${rest}\n`), { pid: 42, parent: 7, started: '4711', state: 'S' }, name);
  }
  assert.equal(parseStat(''), undefined);
  assert.equal(parseStat('42 (short) S 1'), undefined);
});

test('this process and its parent', linux, () => {
  assert.equal(processOf(process.pid)?.parent, process.ppid);
  assert.equal(processOf(2 ** 22 + 1), undefined);
});

test('a process that has ended and is not buried yet does not run', linux, async (t) => {
  // It becomes one that asks for no child of its own.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => parent.once('close', resolve));
  t.after(() => {
    parent.kill('SIGKILL');
    return ended;
  });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(text.toString());
  await until(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '), 'its end');
  assert.equal(processOf(pid), undefined);
});

/** A process that wrote its own pid file before it became what it is. */
async function sleeper(t: TestContext): Promise<{ pid: number; file: string; end(): Promise<unknown> }> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-pid-'));
  const file = join(folder, 'sleeper');
  const child = spawn('/bin/sh', ['-c', `${writePidFile}; exec sleep 600`, file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const end = () => {
    child.kill('SIGKILL');
    return ended;
  };
  t.after(async () => {
    await end();
    rmSync(folder, { recursive: true });
  });
  await until(() => readPidFile(file), 'the pid file');
  return { pid: child.pid!, file, end };
}

test('a pid file names a process as long as it runs', linux, async (t) => {
  const { pid, file, end } = await sleeper(t);
  assert.equal(readPidFile(file)?.pid, pid);
  await end();
  assert.equal(readPidFile(file), undefined);
});

test('a pid that another process has now is not meant', linux, async (t) => {
  const { file } = await sleeper(t);
  const [stat = '', boot = ''] = readFileSync(file, 'utf8').split('\n');
  const started = parseStat(stat)!.started;
  writeFileSync(file, `${stat.replace(` ${started} `, ` ${Number(started) - 1} `)}\n${boot}\n`);
  assert.equal(readPidFile(file), undefined);
});

test('a pid from before the machine was started again is not meant', linux, async (t) => {
  const { file } = await sleeper(t);
  const [stat = ''] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, `${stat}\n00000000-0000-0000-0000-000000000000\n`);
  assert.equal(readPidFile(file), undefined);
});

test('no pid file, and one with rubbish in it', linux, () => {
  assert.equal(readPidFile('/nowhere/pid'), undefined);
  assert.equal(readPidFile(import.meta.filename), undefined);
});
