import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import { EvenkeelGroup } from '../../test/support/evenkeel-group.ts';
import { until } from '../../test/support/until.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function zookeeper(t: TestContext): Promise<string> {
  const running = await startZooKeeper();
  t.after(() => running.close());
  return `zookeeper://${running.connect}`;
}

/** `evenkeel` as it is in a clone: an example's own import of it is the source beside. */
const fromSource = { NODE_OPTIONS: '--conditions=evenkeel-source' };

async function serve(
  t: TestContext,
  module: string,
  registry: string,
  env: Record<string, string> = {},
): Promise<void> {
  const args = ['serve', here(module), '--registry', registry, '--listen', '127.0.0.1:0', '--drain-delay', '0'];
  const server = EvenkeelGroup.start(t, args, { env: { ...fromSource, ...env } });
  await server.line('registered in ZooKeeper');
}

test("greeter: a service of one's own", async (t) => {
  const registry = `${await zookeeper(t)}/greeter`;
  await serve(t, 'greeter/module.ts', registry);
  const client = run(['--conditions=evenkeel-source', here('greeter/client.ts'), registry]);
  assert.deepEqual(await client, {
    status: 0,
    lines: ['Hello, Ada', 'Bonjour, Ada', '1', 'FAILED_PRECONDITION: nobody cannot visit, may have executed: false'],
  });
});

test('chain: a service that is server and client at once', async (t) => {
  const zk = await zookeeper(t);
  await serve(t, 'chain/prices.ts', `${zk}/prices`);
  await serve(t, 'chain/orders.ts', `${zk}/orders`, { PRICES_REGISTRY: `${zk}/prices` });
  const call = async (input: string, ...more: string[]) => {
    const args = ['call', 'total', input, '--registry', `${zk}/orders`, ...more];
    const { end, stdout, stderr } = await EvenkeelGroup.run(args);
    return { code: end!.code, stdout, stderr };
  };

  assert.deepEqual(await call('["tea", "coffee"]'), { code: 0, stdout: '550\n', stderr: '' });

  const unknown = await call('["gold"]');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^NOT_FOUND: there is no gold/);

  // The caller's second is all the time that the whole chain has: prices' handler is told to stop, and so ends.
  const late = await call('["unicorn"]', '--timeout', '1s');
  assert.equal(late.code, 1);
  assert.match(late.stderr, /^DEADLINE_EXCEEDED: /);
});

test("embedded: a server in a process of one's own, with log, probes, metrics and a way out", async (t) => {
  const registry = `${await zookeeper(t)}/greeter`;
  const args = ['--conditions=evenkeel-source', here('embedded/server.ts'), registry, '127.0.0.1:0', '0'];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  let output = '';
  server.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const ended = once(server, 'exit');
  const lines = () =>
    output.split('\n').flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? JSON.parse(line) : []));
  const { ops } = await until(() => lines().find(({ msg }) => msg === 'the example serves'), 'the server');
  const get = (path: string) => fetch(`http://127.0.0.1:${ops}${path}`);
  await until(async () => (await get('/readyz')).status === 200, 'readiness');
  const client = await run(['--conditions=evenkeel-source', here('greeter/client.ts'), registry]);
  assert.deepEqual(client.lines.slice(0, 3), ['Hello, Ada', 'Hello, Ada', '1']);
  assert.match(
    await (await get('/metrics')).text(),
    /rpc_server_call_duration_seconds_count\{method="visit",code="OK"\} 2/,
  );
  assert.equal(await (await get('/nodes')).text(), '{}');
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assert.ok(lines().some(({ msg }) => msg === 'gone'));
});

/** Runs a program to its end without standing in the way of what this process serves meanwhile. */
function run(args: string[]): Promise<{ status: number | null; lines: string[] }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 60_000 }, (error, stdout) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), lines: stdout.trimEnd().split('\n') });
    });
  });
}
