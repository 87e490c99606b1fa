import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { encoded, inputText, testGateway } from '../../test/support/gateway.ts';
import { until } from '../../test/support/until.ts';
import { systemClock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { seeded } from '../core/random.ts';
import { VirtualClock } from '../core/virtual-clock.ts';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function ask(agent: Agent | undefined, port: number, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { agent, port, host: '127.0.0.1', method: 'POST', path: '/call/x' };
    const sent = request({ ...options, headers: { 'content-length': Buffer.byteLength(body) } }, async (response) => {
      try {
        const chunks = await response.toArray();
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        });
      } catch (cause) {
        reject(cause);
      }
    });
    sent.on('error', reject).end(body);
  });
}

function keepAlive(t: TestContext): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return agent;
}

const readiness = async (url: string) => (await fetch(`${url}/readyz`)).status;

test('a draining gateway is not ready, still serves, and says that each answer is the last', async (t) => {
  const clock = new VirtualClock();
  const { gateway, url } = await testGateway(t, undefined, { clock });
  const agent = keepAlive(t);
  assert.equal((await ask(agent, gateway.port, '1')).headers.connection, 'keep-alive');
  const drained = gateway.drain(4_000, 28_000);
  assert.equal(gateway.drain(0, 0), drained);
  assert.equal(await readiness(url), 503);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  for (let i = 0; i < 3; i++) {
    const answer = await ask(agent, gateway.port, String(i));
    assert.equal(answer.status, 200);
    assert.equal(answer.body, String(i));
    assert.equal(answer.headers.connection, 'close');
  }
  assert.equal((await fetch(`${url}/nowhere`)).headers.get('connection'), 'close');
  await clock.run(4_000);
  await drained;
  assert.equal(clock.pending, 0);
  await assert.rejects(ask(agent, gateway.port, '1'), { code: 'ECONNREFUSED' });
});

test('draining ends connections at rest by an end, not a reset, and waits for calls at work', async (t) => {
  const go = Promise.withResolvers<void>();
  const { gateway, calls } = await testGateway(t, async (call) => {
    if (inputText(call) === '"slow"') await go.promise;
    return { output: call.input };
  });
  const fresh = connect(gateway.port, '127.0.0.1');
  const used = connect(gateway.port, '127.0.0.1');
  const ends: Promise<unknown>[] = [];
  for (const socket of [fresh, used]) {
    t.after(() => socket.destroy());
    // `once` rejects when the socket fails: a reset would show here.
    ends.push(once(socket, 'end'), once(socket, 'close'));
    socket.on('data', () => {});
    await once(socket, 'connect');
  }
  used.write('POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1');
  await once(used, 'data');
  const slow = ask(keepAlive(t), gateway.port, '"slow"');
  await until(() => calls.length === 2, 'the slow call to arrive');
  let over = false;
  const drained = gateway.drain(0, 30_000).then(() => {
    over = true;
  });
  await Promise.all(ends);
  assert.equal(over, false);
  go.resolve();
  const answer = await slow;
  assert.equal(answer.body, '"slow"');
  assert.equal(answer.headers.connection, 'close');
  await drained;
});

test('a request that is on its way in when the drain ends is served', async (t) => {
  const { gateway } = await testGateway(t);
  const socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1');
  await once(socket, 'data');
  socket.write('POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Le');
  // Whoever gets an answer on another connection knows that the first bytes have been read.
  for (let i = 0; i < 3; i++) await ask(undefined, gateway.port, '1');
  const drained = gateway.drain(0, 30_000);
  await systemClock.sleep(20);
  socket.write('ngth: 1\r\n\r\n2');
  const text = Buffer.concat(await socket.toArray()).toString();
  assert.match(text, /^HTTP\/1\.1 200[\s\S]*connection: close[\s\S]*\r\n\r\n2$/i);
  await drained;
});

test('a request that meets our end is not worked on', async (t) => {
  const { gateway, calls } = await testGateway(t);
  const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  await ask(undefined, gateway.port, '1');
  const drained = gateway.drain(0, 30_000);
  socket.resume();
  await once(socket, 'end');
  socket.write('POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2');
  await drained;
  assert.equal(calls.length, 1);
});

test('calls that outlast the grace are answered with DRAINING', async (t) => {
  const clock = new VirtualClock();
  const { gateway, calls } = await testGateway(
    t,
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new RpcError('CANCELLED', 'x', { mayHaveExecuted: true })));
      }),
    { clock },
  );
  const answer = ask(keepAlive(t), gateway.port, '1');
  await until(() => calls.length === 1, 'the call to arrive');
  const drained = gateway.drain(4_000, 28_000);
  await clock.run(27_999);
  assert.equal(calls[0]!.signal.aborted, false);
  await clock.run(1);
  const { status, body } = await answer;
  assert.equal(status, 503);
  assert.deepEqual(JSON.parse(body).error, {
    code: 'UNAVAILABLE',
    reason: 'DRAINING',
    message: 'the gateway went away',
    mayHaveExecuted: true,
    attempts: [],
  });
  await drained;
  assert.equal(clock.pending, 0);
});

test('a client that never ends its half, or never heeds an abort, does not hold the drain up', async (t) => {
  const clock = new VirtualClock();
  const { gateway, calls, metrics } = await testGateway(t, () => new Promise(() => {}), { clock });
  const open = async () => Number(/^evenkeel_gateway_connections (\d+)$/m.exec(await metrics.text())?.[1]);
  const lazy = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => lazy.destroy());
  await once(lazy, 'connect');
  const answer = ask(keepAlive(t), gateway.port, '1');
  await until(() => calls.length === 1, 'the call to arrive');
  const lost = assert.rejects(answer, { code: 'ECONNRESET' });
  const ended = once(lazy.resume(), 'end');
  const drained = gateway.drain(1_000, 5_000);
  await clock.run(1_000);
  await ended;
  await clock.run(999);
  assert.equal(await open(), 2);
  await clock.run(1);
  await until(async () => (await open()) === 1, 'the lazy connection to be cut');
  await clock.run(3_500);
  await lost;
  await drained;
  assert.equal(clock.pending, 0);
});

test('closing ends a drain that waits', async (t) => {
  const { gateway } = await testGateway(t);
  const drained = gateway.drain(60_000, 90_000);
  await gateway.close();
  await drained;
  await assert.rejects(ask(undefined, gateway.port, '1'), { code: 'ECONNREFUSED' });
});

test('no request is lost while gateways are replaced under load from keep-alive clients', async (t) => {
  const slowEcho: Parameters<typeof testGateway>[1] = async (call) => {
    if (Number(inputText(call)) % 7 === 0) await systemClock.sleep(30);
    return { output: call.input };
  };
  let gateways = [await testGateway(t, slowEcho), await testGateway(t, slowEcho)];
  // What a Kubernetes Service does: new connections go to what was ready a while ago.
  let ready = gateways;
  let stop = false;
  let sent = 0;
  const failures: unknown[] = [];
  const clients = Array.from({ length: 20 }, async (_, who) => {
    const agents = new Map<number, Agent>();
    let port = 0;
    while (!stop) {
      if (port === 0) port = ready[(who + sent) % ready.length]!.gateway.port;
      const agent = agents.get(port) ?? keepAlive(t);
      agents.set(port, agent);
      const body = String(sent++);
      try {
        const answer = await ask(agent, port, body);
        if (answer.status !== 200 || answer.body !== body) failures.push(answer);
        if (answer.headers.connection === 'close') port = 0;
      } catch (cause) {
        failures.push(cause);
        port = 0;
      }
      // Some clients rest, so that there are connections at rest and busy ones.
      await systemClock.sleep(who % 4 === 0 ? 20 : 0);
    }
  });
  for (let round = 0; round < 4; round++) {
    const before = sent;
    await until(() => sent > before + 300, 'load');
    const [old, other] = gateways as [(typeof gateways)[0], (typeof gateways)[0]];
    const fresh = await testGateway(t, slowEcho);
    gateways = [other, fresh];
    const drained = old.gateway.drain(2_000, 20_000);
    await systemClock.sleep(100);
    ready = gateways;
    await drained;
  }
  stop = true;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(sent > 1_200);
});

test('a connection is ended by an answer when it is old, 20 % sooner or later', async (t) => {
  const clock = new VirtualClock();
  let now = 0;
  const ages: number[] = [];
  const { gateway } = await testGateway(t, undefined, { clock, random: seeded(7), limits: { connectionAge: 10_000 } });
  for (let i = 0; i < 20; i++) {
    const agent = keepAlive(t);
    const born = now;
    while ((await ask(agent, gateway.port, '1')).headers.connection === 'keep-alive') {
      clock.advance(250);
      now += 250;
    }
    ages.push(now - born);
  }
  assert.ok(Math.min(...ages) >= 8_000, String(ages));
  assert.ok(Math.max(...ages) <= 12_250, String(ages));
  assert.ok(Math.max(...ages) - Math.min(...ages) > 2_000, String(ages));
});

test('a connection is ended by an answer after so many requests, 20 % more or fewer', async (t) => {
  const { gateway } = await testGateway(t, undefined, { random: seeded(7), limits: { connectionRequests: 20 } });
  const counts: number[] = [];
  for (let i = 0; i < 20; i++) {
    const agent = keepAlive(t);
    let count = 1;
    while ((await ask(agent, gateway.port, '1')).headers.connection === 'keep-alive') count++;
    counts.push(count);
  }
  assert.ok(Math.min(...counts) >= 16 && Math.max(...counts) <= 24, String(counts));
  assert.ok(new Set(counts).size > 3, String(counts));
});

test('requests sent in one go lose no answer when the connection is ended, and none behind its end is worked on', async (t) => {
  const { gateway, calls } = await testGateway(t, undefined, { random: () => 0.5, limits: { connectionRequests: 2 } });
  const socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const post = (n: number) => `POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n${n}`;
  socket.write(post(1) + post(2) + post(3));
  const text = Buffer.concat(await socket.toArray()).toString();
  const answers = [...text.matchAll(/\r\n\r\n(\d)/g)].map((m) => m[1]);
  assert.deepEqual(answers, calls.map(inputText));
  assert.equal(text.match(/connection: close/gi)?.length, 1);
});

test('a request that comes while the last answer is still being written is not worked on', async (t) => {
  const large = JSON.stringify('x'.repeat(20_000_000));
  const { gateway, calls, url } = await testGateway(t, () => ({ output: encoded(large) }), {
    limits: { connectionRequests: 1 },
  });
  const socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const post = 'POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1';
  socket.write(post);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  assert.match(first.toString('latin1'), /\r\nconnection: close\r\n/i);
  socket.write(post);
  // Whoever gets answers on other connections knows that what was sent before has been read.
  for (let i = 0; i < 3; i++) await fetch(`${url}/livez`);
  let length = first.length;
  for await (const chunk of socket) length += (chunk as Buffer).length;
  assert.ok(length > large.length);
  assert.equal(calls.length, 1);
});
