/** A foreign peer, written in Python without a line of ours, that knows classic and `{"host", "port"}`, both ways. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '../../src/client/connect.ts';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import { pi } from '../../src/pi/contract.ts';
import { handlers } from '../../src/pi/pi.ts';
import { serve } from '../../src/server/serve.ts';
import { EvenkeelGroup } from '../support/evenkeel-group.ts';
import { RawClient } from '../support/raw-zookeeper-client.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('classic.py', import.meta.url));
const digits = [3.1382045832, 3.13824026548, 3.13827520401, 3.13830942181, 3.13834294093, 3.13837578257, 3.13840796707];

const python = await run('python3', ['-c', 'import sys; assert sys.version_info >= (3, 8)']).then(
  () => undefined,
  (error) => `python3 is missing or too old: ${error.message.split('\n')[0]}`,
);
const options = python === undefined ? {} : { skip: python };

const [ephemeral, sequential] = [1, 2];
/** What a stranger registers. */
const entry = (port: number) => Buffer.from(JSON.stringify({ host: '127.0.0.1', port }));

async function pythonServer(t: TestContext): Promise<number> {
  const child: ChildProcess = spawn('python3', [script, 'server'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const [line] = await once(createInterface({ input: child.stdout! }), 'line');
  return Number(line);
}

test(
  'a foreign client calls our server: it found host and port in the entry, and knows nothing else',
  options,
  async (t) => {
    const zookeeper = await startZooKeeper();
    t.after(() => zookeeper.close());
    const server = await serve(pi, handlers, {
      registry: `zookeeper://${zookeeper.connect}/demo`,
      listen: '127.0.0.1:0',
      drainDelay: 0,
    });
    t.after(() => server.close());
    await server.registered;
    const raw = await RawClient.connect(zookeeper.port);
    t.after(() => raw.socket.destroy());
    const [name] = (await raw.getChildren('/demo')).children!;
    const { host, port } = JSON.parse((await raw.getData(`/demo/${name}`)).data!.toString());

    const { stdout } = await run('python3', [script, 'client', host, String(port)]);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [ping, pi98, quarter, zero, nothing, ...row] = answers;
    assert.deepEqual(ping, { out: 'pong', result: 'Grüße' });
    assert.equal(pi98.out, 'pi_r');
    assert.ok(Math.abs(pi98.result - 3.13837578257) < 1e-11);
    assert.deepEqual(quarter, { out: 'divide_r', result: 0.25 });
    assert.deepEqual(zero, { out: 'error', result: { code: 'INVALID_ARGUMENT', message: 'division by zero' } });
    assert.equal(nothing.out, 'error');
    assert.equal(nothing.result.code, 'UNIMPLEMENTED');
    assert.equal(row.length, digits.length);
    for (const [i, { out, result }] of row.entries()) {
      assert.equal(out, 'pi_r');
      assert.ok(Math.abs(result - digits[i]!) < 1e-11, `${result} is not ${digits[i]}`);
    }
  },
);

test('our client calls a foreign server: its entry says host and port, and nothing else', options, async (t) => {
  const zookeeper = await startZooKeeper();
  t.after(() => zookeeper.close());
  const port = await pythonServer(t);
  const raw = await RawClient.connect(zookeeper.port);
  t.after(() => raw.socket.destroy());
  await raw.create('/demo');
  await raw.create('/demo/rpc', { data: entry(port), flags: ephemeral | sequential });

  const client = connect(pi, { registry: `zookeeper://${zookeeper.connect}/demo` });
  t.after(() => client.close());
  const results = await Promise.all(digits.map((_, i) => client.pi(93 + i)));
  for (const [i, result] of results.entries()) assert.ok(Math.abs(result - digits[i]!) < 1e-11, `${result}`);
  assert.deepEqual(await client.ping({ any: ['thing', null] }), { any: ['thing', null] });
  await assert.rejects(client.divide({ a: 1, b: 2 }), { code: 'NOT_FOUND', message: 'no divide' });
  assert.equal(client.nodes().nodes[0]!.id, `127.0.0.1:${port}`, 'without an id a node is known by its address');
  assert.equal(client.nodes().nodes[0]!.weight, 1_024, 'an answer that is an error costs no weight');

  // Its session ends: the entry goes, and the client believes it, for this protocol has no word for going away.
  await raw.create('/demo/other', { data: entry(1) });
  await raw.closeSession();
  await until(() => !client.nodes().nodes.some(({ id }) => id === `127.0.0.1:${port}`), 'the server to be forgotten');
});

test('a foreign client may send byte by byte, shut its side first, write NaN and send much', options, async (t) => {
  const server = await serve(pi, handlers, { listen: '127.0.0.1:0', drainDelay: 0 });
  t.after(() => server.close());
  const { stdout } = await run('python3', [script, 'odd-client', String(entry(server.port))]);
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [pi98, pong, nan, next, large, tooLarge, end, ...more] = answers;
  assert.ok(Math.abs(pi98.result - 3.13837578257) < 1e-11);
  assert.deepEqual(pong, { out: 'pong', result: null });
  assert.deepEqual([nan.out, nan.result.code], ['error', 'INVALID_ARGUMENT']);
  assert.deepEqual(next, { out: 'pong', result: 'still here' });
  assert.equal(large, true);
  assert.deepEqual([tooLarge.out, tooLarge.result.code], ['error', 'RESOURCE_EXHAUSTED']);
  assert.deepEqual([end, more], [null, []]);
});

test('without a registry a foreign server is named in the URL, in code and on the command line', options, async (t) => {
  const registry = `static:127.0.0.1:${await pythonServer(t)};protocol=classic`;
  // It serves one connection after the other.
  const client = connect(pi, { registry });
  assert.ok(Math.abs((await client.pi(98)) - 3.13837578257) < 1e-11);
  await client.close();
  const call = await EvenkeelGroup.run(['call', 'pi', '98', '--registry', registry]);
  assert.match(call.stdout, /^3\.13837578257\d*\n$/);
  assert.deepEqual([call.stderr, call.end!.code], ['', 0]);
  const none = await EvenkeelGroup.run(['call', 'nothing', '--registry', registry]);
  assert.deepEqual([none.stdout, none.stderr, none.end!.code], ['', 'NOT_FOUND: no nothing\n', 1]);
});

test('a foreign client calls what the command line serves, by the entry in ZooKeeper', options, async (t) => {
  const zookeeper = await startZooKeeper();
  t.after(() => zookeeper.close());
  const typed = `serve pi --registry zookeeper://${zookeeper.connect}/demo --listen 127.0.0.1:0 --processes 2 --drain-delay 0s`;
  const server = EvenkeelGroup.start(t, typed.split(' '));
  await server.line('serving');
  const raw = await RawClient.connect(zookeeper.port);
  t.after(() => raw.socket.destroy());
  const name = await until(async () => (await raw.getChildren('/demo')).children?.[0], 'the entry');
  const { data } = await raw.getData(`/demo/${name}`);
  const { stdout } = await run('python3', [script, 'odd-client', data!.toString()]);
  assert.match(stdout.split('\n')[0]!, /^\{"out": "pi_r", "result": 3\.13837578257\d*\}$/);
  assert.equal(stdout.trimEnd().split('\n').length, 7);
});
