import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { freePort } from './free-port.ts';
import { ProcessGuard } from './guard.ts';
import { ProcessGroup } from './process-group.ts';
import { groupMembers } from './process-table.ts';
import { Relay } from './relay.ts';

/** A primary with two children that outlive everything but a signal. */
const family = `
  const { spawn } = require('node:child_process');
  for (let i = 0; i < 2; i++) spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  console.log('a family');
  setInterval(() => {}, 1000);`;

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = systemClock.now() + 30_000;
  while (!condition()) {
    assert.ok(systemClock.now() < deadline, `not so within 30 s: ${what}`);
    await systemClock.sleep(20);
  }
}

async function startFamily(t: TestContext): Promise<ProcessGroup> {
  const guard = new ProcessGuard();
  t.after(() => guard.close());
  const command = [process.execPath, '-e', family];
  const group = await ProcessGroup.start({ name: 'family', command, guard, clock: systemClock });
  t.after(() => group.close(0));
  await until(() => groupMembers(group.pid).length === 3, 'three processes are there');
  return group;
}

describe('a group of processes', () => {
  it('is killed whole, and that is proven', async (t) => {
    const group = await startFamily(t);
    const pids = groupMembers(group.pid).map(({ pid }) => pid);
    const proof = await group.kill();
    assert.deepEqual(groupMembers(group.pid), []);
    assert.equal(await group.exited, 'SIGKILL');
    assert.deepEqual(proof, [{ what: `family: processes ${pids.join(', ')} are gone`, holds: true }]);
  });

  it('is no proof of a kill when it was gone before', async (t) => {
    const group = await startFamily(t);
    await group.kill();
    assert.equal((await group.kill())[0]!.holds, false);
  });

  it('is frozen whole and thawed, and that is proven', async (t) => {
    const group = await startFamily(t);
    assert.equal((await group.freeze())[0]!.holds, true);
    assert.deepEqual(
      groupMembers(group.pid).map(({ state }) => state),
      ['T', 'T', 'T'],
    );
    assert.deepEqual(group.thaw(5000), [{ what: 'family still stood still after 5 s', holds: true }]);
    await until(() => groupMembers(group.pid).every(({ state }) => state !== 'T'), 'all go on');
  });

  it('is no proof of a freeze when somebody else let one of them go on', async (t) => {
    const group = await startFamily(t);
    await group.freeze();
    process.kill(groupMembers(group.pid)[1]!.pid, 'SIGCONT');
    await until(() => groupMembers(group.pid).some(({ state }) => state !== 'T'), 'one goes on');
    assert.equal(group.thaw(5000)[0]!.holds, false);
  });

  it('is ended in good order where there is time, children too', async (t) => {
    const group = await startFamily(t);
    await group.close(5000);
    assert.equal(await group.exited, 'SIGTERM');
    assert.deepEqual(groupMembers(group.pid), []);
  });

  it('says what it said last, and that a program is not there', async (t) => {
    const guard = new ProcessGuard();
    t.after(() => guard.close());
    const start = (command: string[]) => ProcessGroup.start({ name: 'it', command, guard, clock: systemClock });
    const group = await start([process.execPath, '-e', 'throw new Error("the port is taken")']);
    assert.equal(await group.exited, 'exit code 1');
    await until(() => group.lastWords !== '', 'its words are read');
    assert.equal(group.lastWords, 'Error: the port is taken');
    await assert.rejects(start(['/nowhere/at/all']), /^Error: it cannot be started: .*ENOENT/);
  });

  it('does not get settings that are meant for other servers', async (t) => {
    process.env.EVENKEEL_ADVERTISE = 'elsewhere';
    t.after(() => delete process.env.EVENKEEL_ADVERTISE);
    const guard = new ProcessGuard();
    t.after(() => guard.close());
    const command = [process.execPath, '-p', 'String(process.env.EVENKEEL_ADVERTISE) + process.env.MINE'];
    const group = await ProcessGroup.start({ name: 'it', command, env: { MINE: '!' }, guard, clock: systemClock });
    await group.exited;
    await until(() => group.lastWords !== '', 'its words are read');
    assert.equal(group.lastWords, 'undefined!');
  });
});

it('a conductor that is killed takes along what it started, and its folder', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  const here = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const conductor = `
    import { systemClock } from ${here('../../core/clock.ts')};
    import { ProcessGuard } from ${here('./guard.ts')};
    import { ProcessGroup } from ${here('./process-group.ts')};
    const guard = new ProcessGuard();
    guard.tidy(${JSON.stringify(directory)});
    const command = [process.execPath, '-e', ${JSON.stringify(family)}];
    const group = await ProcessGroup.start({ name: 'family', command, guard, clock: systemClock });
    console.log(group.pid);
    await systemClock.sleep(60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', conductor], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await once(child.stdout, 'data');
  const group = Number(String(text));
  await until(() => groupMembers(group).length === 3, 'the family is there');
  child.kill('SIGKILL');
  await until(() => groupMembers(group).length === 0, 'the family is gone');
  await until(() => !existsSync(directory), 'the folder is gone');
});

describe('a relay', () => {
  it('passes bytes on, can be taken away and comes back at the same port', async (t) => {
    const echo = createServer((socket) => socket.pipe(socket).on('error', () => {})).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    t.after(() => echo.close());
    const relay = new Relay({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
    await relay.open();
    t.after(() => relay.close());
    const { port } = relay;
    const say = async () => {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.write('hello');
      const [answer] = await once(socket, 'data');
      return { socket, answer: String(answer) };
    };
    const { socket, answer } = await say();
    assert.equal(answer, 'hello');
    const cut = once(socket, 'close');
    await relay.close();
    await cut;
    await assert.rejects(say(), /ECONNREFUSED/);
    await relay.open();
    assert.equal(relay.port, port);
    const again = await say();
    assert.equal(again.answer, 'hello');
    again.socket.destroy();
  });
});

it('a free port is free, and given once', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  assert.equal(new Set(ports).size, 20);
  const server = createServer().listen(ports[0], '127.0.0.1');
  await once(server, 'listening');
  server.close();
});
