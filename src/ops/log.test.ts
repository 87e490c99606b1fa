import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { RpcError } from '../core/error.ts';
import { type LogLevel, type LogOptions, makeLog } from './log.ts';

function capture(options: LogOptions = {}) {
  const lines: string[] = [];
  const log = makeLog({ ...options, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) };
}

test('a line is JSON with time, level, base facts, facts and message', () => {
  const { log, last } = capture({ service: 'pi', pod: 'p-1', node: 'n-1', worker: 2 });
  log.info({ port: 7000 }, 'listening');
  const { time, ...line } = last();
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(line, {
    level: 'info',
    service: 'pi',
    pod: 'p-1',
    node: 'n-1',
    worker: 2,
    pid: process.pid,
    port: 7000,
    msg: 'listening',
  });
});

test('base facts that are not known are left out', () => {
  const { log, last } = capture();
  log.warn({}, 'x');
  assert.deepEqual(Object.keys(last()).sort(), ['level', 'msg', 'pid', 'time']);
});

test('text from a peer cannot forge a line', () => {
  const { log, lines, last } = capture();
  const forged = 'gone\n{"level":"error","msg":"forged"}\r\n\u2028';
  log.child({ peer: forged }).info({ method: forged }, forged);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]!.indexOf('\n'), lines[0]!.length - 1);
  assert.equal(last().msg, forged);
  assert.equal(last().method, forged);
  assert.equal(last().level, 'info');
});

test('secrets are not written, wherever they stand', () => {
  const { log, lines } = capture();
  log.info({ auth: 'digest:u:hidden', registry: { password: 'hidden', url: 'zookeeper://zk' } }, 'a');
  log.info({ request: { headers: { authorization: 'Bearer hidden' } }, token: 'hidden' }, 'b');
  log.child({ secret: 'hidden' }).info({}, 'c');
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.doesNotMatch(line, /hidden/);
    assert.match(line, /\[Redacted\]/);
  }
  assert.match(lines[0]!, /zookeeper:\/\/zk/);
});

test('an error is written with its code, text and cause', () => {
  const { log, last } = capture();
  const error = new RpcError('UNAVAILABLE', 'no node', { reason: 'NO_NODES', cause: new Error('refused') });
  for (const key of ['err', 'error', 'cause']) {
    log.error({ [key]: error }, 'failed');
    assert.equal(last()[key].code, 'UNAVAILABLE');
    assert.equal(last()[key].reason, 'NO_NODES');
    assert.match(last()[key].message, /no node.*refused/);
    assert.match(last()[key].stack, /log\.test/);
  }
});

test('lines below the level are not written', () => {
  const { log, lines } = capture({ level: 'warn' });
  log.debug({}, 'no');
  log.info({}, 'no');
  log.warn({}, 'yes');
  log.error({}, 'yes');
  assert.equal(lines.length, 2);
  const { log: silent, lines: none } = capture({ level: 'silent' });
  silent.error({}, 'no');
  assert.equal(none.length, 0);
});

test('an unknown level is refused by name', () => {
  assert.throws(() => makeLog({ level: 'loud' as LogLevel }), /"loud" is no log level: expected one of debug, info/);
});

test('stdout and stderr get the lines, even right before a kill', () => {
  for (const destination of ['stdout', 'stderr'] as const) {
    const script = `import { makeLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
      makeLog({ destination: '${destination}' }).info({}, 'last words'); process.kill(process.pid, 'SIGKILL');`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    const other = destination === 'stdout' ? 'stderr' : 'stdout';
    assert.match(run[destination], /"msg":"last words"\}\n$/);
    assert.doesNotMatch(run[other], /last words/);
  }
});
