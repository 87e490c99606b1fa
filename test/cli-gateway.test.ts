/** `evenkeel gateway` as a process: what it says and does when it starts, and when it is told to go. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { BookWorld } from './support/book-world.ts';
import { EvenkeelGroup } from './support/evenkeel-group.ts';
import { until } from './support/until.ts';

const usual = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--drain-delay', '300ms', '--grace', '10s'];

describe('evenkeel gateway', { concurrency: 2 }, () => {
  it('makes calls of requests, answers the last ones when it is told to go, and exits with 0', async (test) => {
    const world = await BookWorld.start(test);
    await world.server();
    const gateway = EvenkeelGroup.start(test, [
      'gateway',
      '--registry',
      world.registry,
      ...usual,
      '--rpc',
      '127.0.0.1:0',
    ]);
    const url = `http://${(await gateway.line('the gateway serves')).listen}`;
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, 'readiness');
    const post = (id: string, ms: number) =>
      fetch(`${url}/call/write`, { method: 'POST', body: JSON.stringify({ id, ms }) });
    const answer = (await (await post('first', 0)).json()) as { id: string };
    assert.equal(answer.id, 'first');

    const { rpc } = await gateway.line('the gateway takes RPC');
    const through = await EvenkeelGroup.run(['call', 'write', '{"id": "rpc"}', '--registry', `static:${rpc}`]);
    assert.match(through.stdout, /^\{"id":"rpc","pid":\d+\}\n$/);

    const last = post('last', 1_500);
    await world.begun('last');
    gateway.signalGroup('SIGINT');
    gateway.signalGroup('SIGTERM');
    const response = await last;
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { id: string }).id, 'last');
    assert.equal(await gateway.over(), 0);
    assert.equal(gateway.stderr, '');
  });

  it('connects to all servers, however many', async (test) => {
    // More than a client uses that is one of many; nobody is there.
    const ports = Array.from({ length: 30 }, (_, i) => i + 1);
    const registry = `static:${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
    const gateway = EvenkeelGroup.start(test, ['gateway', '--registry', registry, ...usual]);
    const { ops } = await gateway.line('probes and metrics are served');
    const nodes = async () =>
      ((await (await fetch(`http://${ops}/nodes`)).json()) as { nodes: { addr: string }[] }).nodes;
    await until(async () => (await nodes()).length > 0, 'the registry');
    assert.deepEqual(
      (await nodes()).map(({ addr }) => addr).toSorted(),
      ports.map((port) => `127.0.0.1:${port}`).toSorted(),
    );
  });

  it('starts without ZooKeeper, says so, is alive but not ready, and goes when told to', async (test) => {
    const gateway = EvenkeelGroup.start(test, ['gateway', '--registry', 'zookeeper://127.0.0.1:1/x', ...usual]);
    const { listen } = await gateway.line('the gateway serves');
    const { level } = await gateway.line('ZooKeeper is away');
    assert.equal(level, 'warn');
    assert.equal((await fetch(`http://${listen}/livez`)).status, 200);
    const ready = await fetch(`http://${listen}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /no server was reached yet/);
    gateway.signal('SIGTERM');
    assert.equal(await gateway.over(), 0);
    assert.deepEqual(gateway.members, []);
  });

  it('says why it has reached no server, such as that another service answers', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server();
    const { listen } = await server.line('serving');
    const gateway = EvenkeelGroup.start(test, ['gateway', '--registry', world.registry, '--service', 'nope', ...usual]);
    const { level, servers } = await gateway.line('no server was reached yet');
    assert.equal(level, 'warn');
    assert.match(String(servers), new RegExp(`^${listen}: .*service "book" answers, expected "nope"`));
    gateway.signal('SIGTERM');
    assert.equal(await gateway.over(), 0);
  });

  it('tells a webhook what an operator should hear of, and nobody the secret in its URL', async (test) => {
    const got: { version: number; source: string; event: string }[] = [];
    const receiver = createServer(async (request, response) => {
      got.push(JSON.parse(await request.setEncoding('utf8').reduce((all, part) => all + part, '')));
      response.end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    test.after(() => receiver.close());
    const world = await BookWorld.start(test);
    await world.server();
    const webhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks/hush`;
    const env = { EVENKEEL_WEBHOOK: webhook, POD_NAME: 'gateway-7' };
    const gateway = EvenkeelGroup.start(test, ['gateway', '--registry', world.registry, ...usual], { env });
    const { listen } = await gateway.line('the gateway serves');
    await until(async () => (await fetch(`http://${listen}/readyz`)).status === 200, 'readiness');
    await world.zookeeper.suspend();
    await until(() => got.some(({ event }) => event === 'registry-stale'), 'the bad news');
    await world.zookeeper.resume();
    await until(() => got.some(({ event }) => event === 'registry-known'), 'the good news');
    for (const { version, source } of got) assert.deepEqual([version, source], [1, 'gateway-7']);
    const told = (await gateway.line('the registry cannot be read: going on with the servers known')).event;
    assert.equal(told, 'registry-stale');
    const metrics = await (await fetch(`http://${listen}/metrics`)).text();
    assert.match(metrics, /^evenkeel_webhook_notices_total\{outcome="sent"\} [1-9]/m);
    assert.match(metrics, /^evenkeel_client_registry_state\{rpc_service="",state="known"\} 1$/m);
    gateway.signal('SIGTERM');
    assert.equal(await gateway.over(), 0);
    assert.doesNotMatch(`${gateway.stdout}${gateway.stderr}`, /hush/);
  });

  it('refuses a webhook that is no URL, without repeating it', async () => {
    const args = ['gateway', '--registry', 'static:127.0.0.1:1', '--webhook', 'htp://hush/hush'];
    const { stdout, stderr, end } = await EvenkeelGroup.run(args);
    assert.match(stderr, /^evenkeel: the webhook's URL is none of HTTP: expected http:/);
    assert.deepEqual([stdout, /hush/.test(stderr), end!.code], ['', false, 2]);
  });
});
