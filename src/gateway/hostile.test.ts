import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { encoded, testGateway } from '../../test/support/gateway.ts';
import { until } from '../../test/support/until.ts';
import { every, systemClock } from '../core/clock.ts';

async function dial(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other end is done. */
async function read(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

const call = 'POST /call/x HTTP/1.1\r\nHost: x\r\n';

test('headers of the limit pass; more are 431, and the answer arrives', async (t) => {
  const { gateway, calls } = await testGateway(t, undefined, { limits: { headers: 8_192 } });
  const head = (size: number) => `${call}Connection: close\r\nX-Fill: ${'f'.repeat(size)}\r\n\r\n`;
  const fits = await dial(t, gateway.port);
  fits.write(head(8_000));
  assert.match(await read(fits), /^HTTP\/1\.1 200 /);
  for (const size of [8_300, 1_000_000]) {
    const socket = await dial(t, gateway.port);
    socket.write(head(size));
    const text = await read(socket);
    assert.match(text, /^HTTP\/1\.1 431 /);
    assert.equal(JSON.parse(text.split('\r\n\r\n')[1]!).error.code, 'RESOURCE_EXHAUSTED');
  }
  assert.equal(calls.length, 1);
});

test('requests that two parsers could read differently are refused', async (t) => {
  const { gateway, calls } = await testGateway(t);
  const bad = [
    `${call}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n\r\n`,
    `${call}Content-Length: 1\r\nContent-Length: 2\r\n\r\n12`,
    `${call}Content-Length: +1\r\n\r\n1`,
    `${call}Content-Length : 1\r\n\r\n1`,
    'POST /call/x HTTP/1.1\r\nContent-Length: 1\r\n\r\n1',
    '\u0016\u0003\u0001\u0002\u0000',
    'EVKL\u0001',
  ];
  for (const bytes of bad) {
    const socket = await dial(t, gateway.port);
    socket.write(bytes);
    const text = await read(socket);
    assert.match(text, /^HTTP\/1\.1 400 /, JSON.stringify(bytes));
  }
  assert.equal(calls.length, 0);
});

test('words about a bad request are never taken for the answer to the one before', async (t) => {
  const go = Promise.withResolvers<void>();
  const { gateway, calls } = await testGateway(t, () => go.promise.then(() => ({ output: 1 })));
  const socket = await dial(t, gateway.port);
  const text = read(socket);
  socket.write(`${call}Content-Length: 1\r\n\r\n1`);
  await until(() => calls.length === 1, 'the call to arrive');
  socket.write('no HTTP at all\r\n\r\n');
  assert.equal(await text, '');
  go.resolve();
});

test('slow senders are cut off, and others are served meanwhile', async (t) => {
  const { gateway, url } = await testGateway(t, undefined, {
    limits: { headerTimeout: 500, requestTimeout: 1_000 },
  });
  const slow = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const socket = await dial(t, gateway.port);
      // A third each: nothing at all, headers byte by byte, a body byte by byte.
      if (i % 3 === 1) socket.write('POST /call/x HTTP/1.1\r\nX-A: ');
      if (i % 3 === 2) socket.write(`${call}Content-Length: 4000000\r\n\r\n`);
      return { socket, trickles: i % 3 !== 0, text: read(socket) };
    }),
  );
  const trickle = every(systemClock, 100, () => {
    for (const { socket, trickles } of slow) if (trickles && socket.writable) socket.write('1');
  });
  t.after(() => trickle.cancel());
  const answers = Array.from({ length: 50 }, async () => {
    const response = await fetch(`${url}/call/x`, { method: 'POST', body: '1' });
    assert.equal(await response.text(), '1');
  });
  await Promise.all(answers);
  for (const { text } of slow) {
    assert.match(await text, /^HTTP\/1\.1 408 [\s\S]*the request took too long/);
  }
});

test('a request that waited while the gateway stood still is no slow one', async (t) => {
  const { gateway, calls, metrics } = await testGateway(t, undefined, {
    limits: { headerTimeout: 1_000, requestTimeout: 1_000, idleTimeout: 1_000 },
  });
  const request = `${call}Content-Length: 1\r\n\r\n1`;
  const [fresh, begun, resting, silent] = await Promise.all([1, 2, 3, 4].map(() => dial(t, gateway.port)));
  const answers = [fresh!, begun!, resting!, silent!].map((socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    return () => text;
  });
  resting!.write(request);
  begun!.write(request.slice(0, -1));
  await until(() => calls.length === 1 && answers[2]!().endsWith('1'), 'the first answer');
  await until(async () => /gateway_connections 4/.test(await metrics.text()), 'all to be accepted');
  // As when the processor is given to others: all waits in the kernel, and the timers are due before it is read.
  await new Promise(setImmediate);
  fresh!.write(request);
  begun!.write(request.slice(-1));
  resting!.write(request);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  for (const answer of answers.slice(0, 3)) {
    await until(
      () => answer().endsWith('\r\n\r\n1'),
      () => `an answer instead of ${answer()}`,
    );
    assert.doesNotMatch(answer(), /HTTP\/1\.1 [^2]/);
  }
  assert.equal(calls.length, 4);
  // Who has sent nothing is cut off as ever, and those that are at rest again as well.
  await until(() => /^HTTP\/1\.1 408 /.test(answers[3]!()), 'the refusal of a silent client');
  for (const socket of [fresh!, begun!, resting!]) if (!socket.closed) await once(socket, 'close');
});

test('a client that does not read is cut off', async (t) => {
  const answer = JSON.stringify('x'.repeat(16_000_000));
  const { gateway, metrics, calls } = await testGateway(t, () => ({ output: encoded(answer) }), {
    limits: { writeTimeout: 300 },
  });
  const socket = await dial(t, gateway.port);
  socket.pause();
  socket.write(`${call}\r\n`);
  await until(() => calls.length === 1, 'the call to arrive');
  await until(
    async () => /^evenkeel_gateway_connections 0$/m.test(await metrics.text()),
    'the connection to be closed',
  );
});

test('of many clients that do not read, those that have waited longest are cut off', async (t) => {
  const answer = encoded(JSON.stringify('x'.repeat(20_000_000)));
  const { gateway, metrics } = await testGateway(t, () => ({ output: answer }), {
    limits: { unread: 50_000_000 },
  });
  const sockets: Socket[] = [];
  const cut: number[] = [];
  for (let i = 0; i < 5; i++) {
    const socket = await dial(t, gateway.port);
    sockets.push(socket);
    socket.once('close', () => cut.push(i));
    socket.once('data', () => socket.pause());
    socket.write(`${call}\r\n`);
    await once(socket, 'data');
  }
  await until(
    async () => /^evenkeel_gateway_connections 2$/m.test(await metrics.text()),
    'three connections to be closed',
  );
  for (const socket of sockets) socket.resume();
  await until(() => cut.length === 3, 'the three to notice');
  assert.deepEqual(cut.toSorted(), [0, 1, 2]);
});

test('answers that were read in full do not count against one that is not', async (t) => {
  const answer = encoded(JSON.stringify('x'.repeat(20_000_000)));
  const { gateway, url } = await testGateway(t, () => ({ output: answer }), { limits: { unread: 50_000_000 } });
  const slow = await dial(t, gateway.port);
  slow.write(`${call}Connection: close\r\n\r\n`);
  const [first] = (await once(slow, 'data')) as [Buffer];
  slow.pause();
  for (let i = 0; i < 4; i++) {
    const response = await fetch(`${url}/call/x`, { method: 'POST' });
    assert.equal((await response.text()).length, 20_000_002);
  }
  let length = first.length;
  for await (const chunk of slow) length += (chunk as Buffer).length;
  assert.ok(length > 20_000_002, String(length));
});

test('a call may take longer than a client may leave things unread', async (t) => {
  const { url } = await testGateway(t, () => systemClock.sleep(700).then(() => ({ output: 1 })), {
    limits: { writeTimeout: 100, idleTimeout: 100 },
  });
  const response = await fetch(`${url}/call/x`, { method: 'POST', body: '1' });
  assert.equal(await response.text(), '1');
});

test('a connection at rest is closed after the idle time', async (t) => {
  const { gateway } = await testGateway(t, undefined, { limits: { idleTimeout: 100 } });
  const socket = await dial(t, gateway.port);
  socket.write(`${call}Content-Length: 1\r\n\r\n1`);
  assert.match(await read(socket), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n1$/);
});

test('connections over the limit are closed as they come', async (t) => {
  const { gateway, url } = await testGateway(t, undefined, { limits: { connections: 2 } });
  const held = [await dial(t, gateway.port), await dial(t, gateway.port)];
  const over = await dial(t, gateway.port);
  if (!over.closed) await once(over, 'close');
  held[0]!.destroy();
  await until(
    () =>
      fetch(`${url}/livez`).then(
        (response) => response.status === 200,
        () => false,
      ),
    'a place to be free',
  );
});

test('many calls begun and left do not stay', async (t) => {
  const { gateway, metrics, calls } = await testGateway(
    t,
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    { limits: { calls: 50 } },
  );
  for (let round = 0; round < 5; round++) {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => dial(t, gateway.port)));
    for (const socket of sockets) socket.write(`${call}Content-Length: 1\r\n\r\n1`);
    await until(() => calls.length >= 50 * (round + 1), 'the calls to arrive');
    for (const socket of sockets) socket.destroy();
    await until(
      async () => /^evenkeel_gateway_calls_in_flight 0$/m.test(await metrics.text()),
      'the calls to be cancelled',
    );
  }
  for (const { signal } of calls) assert.equal(signal.reason.code, 'CANCELLED');
});
