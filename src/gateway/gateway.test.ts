import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { encoded, inputText, testGateway } from '../../test/support/gateway.ts';
import { until } from '../../test/support/until.ts';
import { Encoded } from '../core/call.ts';
import { codes } from '../core/code.ts';
import { RpcError } from '../core/error.ts';
import { silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { httpStatus } from './http-error.ts';
import type { RawCall } from './raw-client.ts';

/** The error in an answer of ours. */
async function errorOf(response: Response): Promise<{ code: string; reason: string | null; message: string }> {
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  return ((await response.json()) as { error: { code: string; reason: string | null; message: string } }).error;
}

const post = (url: string, body?: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });

test('POST makes the body the input, and the output the body', async (t) => {
  const { url, calls } = await testGateway(t, () => ({ output: 3.5, node: 'n7', attempts: 2 }));
  const response = await post(`${url}/call/pi`, '98', { 'content-type': 'application/json' });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(response.headers.get('evenkeel-node'), 'n7');
  assert.equal(response.headers.get('evenkeel-attempts'), '2');
  assert.equal(await response.text(), '3.5');
  assert.equal(calls.length, 1);
  const { signal, input, ...facts } = calls[0]!;
  assert.deepEqual(facts, { method: 'pi', wantsEncoded: true });
  assert.equal(signal.aborted, false);
  assert.ok(input instanceof Encoded);
  assert.equal(input.codec, 'json');
  assert.equal(inputText(calls[0]!), '98');
});

test('the path may name the service; else the option does', async (t) => {
  const { url, calls } = await testGateway(t, undefined, { service: 'pi' });
  await post(`${url}/call/other/pi`, '1');
  await post(`${url}/call/pi`, '2');
  await fetch(`${url}/call/other/pi?input=3`);
  assert.deepEqual(
    calls.map((call) => [call.service, call.method, inputText(call)]),
    [
      ['other', 'pi', '1'],
      ['pi', 'pi', '2'],
      ['other', 'pi', '3'],
    ],
  );
});

test('GET takes the input from the query, and its answer is not kept', async (t) => {
  const { url, calls } = await testGateway(t);
  const response = await fetch(`${url}/call/divide?input=${encodeURIComponent('{"a":1,"s":"ä&+"}')}`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.deepEqual(await response.json(), { a: 1, s: 'ä&+' });
  assert.equal(calls[0]!.method, 'divide');
});

test('GET runs only what is idempotent: else it is 405, and POST is allowed', async (t) => {
  const { url, calls } = await testGateway(t, ({ onlyIdempotent }) => {
    if (!onlyIdempotent) return { output: 1 };
    throw new RpcError('FAILED_PRECONDITION', '"add" is not known to be idempotent: pi is', {
      reason: 'NOT_IDEMPOTENT',
      stage: 'unsent',
    });
  });
  const response = await fetch(`${url}/call/add?input=1`);
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
  const { code, reason, message } = await errorOf(response);
  assert.deepEqual([code, reason], ['FAILED_PRECONDITION', 'NOT_IDEMPOTENT']);
  assert.equal(message, 'GET runs idempotent methods only, POST any: "add" is not known to be idempotent: pi is');
  assert.equal((await post(`${url}/call/add`, '1')).status, 200);
  assert.deepEqual(
    calls.map(({ onlyIdempotent }) => onlyIdempotent),
    [true, undefined],
  );
});

test('the words of a server are not taken for those of the client', async (t) => {
  const { url } = await testGateway(t, () => {
    throw new RpcError('FAILED_PRECONDITION', 'mine', { reason: 'NOT_IDEMPOTENT' });
  });
  const response = await fetch(`${url}/call/pi`);
  assert.deepEqual([response.status, response.headers.get('allow')], [400, null]);
  assert.equal((await errorOf(response)).message, 'mine');
});

test('GET refuses a query that it would not use', async (t) => {
  const { url, calls } = await testGateway(t);
  for (const query of ['inputs=1', 'input=1&x=2', 'input=1&input=2', '__proto__=1']) {
    const response = await fetch(`${url}/call/pi?${query}`);
    assert.equal(response.status, 400, query);
    assert.match((await errorOf(response)).message, /the query has "(inputs|x|input|__proto__)": expected one "input"/);
  }
  assert.equal(calls.length, 0);
});

test('no body and no query are no input', async (t) => {
  const { url, calls } = await testGateway(t);
  assert.equal((await post(`${url}/call/now`)).status, 200);
  assert.equal((await post(`${url}/call/now`, '', { 'content-type': 'application/json' })).status, 200);
  assert.equal((await fetch(`${url}/call/now`)).status, 200);
  assert.equal((await fetch(`${url}/call/now?input=`)).status, 200);
  assert.deepEqual(calls.map(inputText), [undefined, undefined, undefined, undefined]);
});

test('bytes go through as they are, both ways', async (t) => {
  const { url, calls } = await testGateway(t, () => ({ output: encoded('{"b" :\t1.0}') }));
  const response = await post(`${url}/call/x`, '{"a" : [1.50,"\\u00e4 ä"]}', { 'content-type': 'text/plain' });
  assert.equal(await response.text(), '{"b" :\t1.0}');
  assert.equal(inputText(calls[0]!), '{"a" : [1.50,"\\u00e4 ä"]}');
  assert.equal(response.headers.get('evenkeel-node'), null);
});

test('no output is null', async (t) => {
  const outputs = [undefined, encoded(''), null];
  const { url } = await testGateway(t, () => ({ output: outputs.shift() }));
  for (let i = 0; i < 3; i++) assert.equal(await (await post(`${url}/call/x`)).text(), 'null');
});

test('an output that is no JSON is our error', async (t) => {
  const outputs: unknown[] = [new Encoded('msgpack', new Uint8Array(1)), 1n];
  const { url } = await testGateway(t, () => ({ output: outputs.shift() }));
  const response = await post(`${url}/call/x`);
  assert.equal(response.status, 500);
  assert.match((await errorOf(response)).message, /answered in msgpack/);
  assert.equal((await post(`${url}/call/x`)).status, 500);
});

test('every error has its status and its facts', async (t) => {
  const left = [...codes];
  const attempts = [
    { node: 'n1', outcome: 'UNAVAILABLE/REFUSED', duration: 1 },
    { node: 'n2', outcome: 'INTERNAL', duration: 2 },
  ];
  const { url } = await testGateway(t, () => {
    throw new RpcError(left.shift()!, 'why', { reason: 'BECAUSE', mayHaveExecuted: true, attempts });
  });
  for (const code of codes) {
    const response = await post(`${url}/call/x`, '1');
    assert.equal(response.status, httpStatus(code), code);
    assert.equal(response.headers.get('evenkeel-attempts'), '2');
    assert.equal(response.headers.get('evenkeel-node'), 'n2');
    assert.deepEqual(await response.json(), {
      error: { code, reason: 'BECAUSE', message: 'why', mayHaveExecuted: true, attempts },
    });
  }
});

test('a server that says when to come again is passed on, in whole seconds', async (t) => {
  const { url } = await testGateway(t, () => {
    throw new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'OVERLOADED', retryAfter: 1_200 });
  });
  const response = await post(`${url}/call/x`);
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '2');
});

test('what is no RpcError is INTERNAL without its text', async (t) => {
  const { url } = await testGateway(t, () => {
    throw new Error('detail of the inside');
  });
  const response = await post(`${url}/call/x`);
  assert.equal(response.status, 500);
  const error = await errorOf(response);
  assert.equal(error.reason, 'UNHANDLED');
  assert.doesNotMatch(JSON.stringify(error), /detail/);
});

test('a deadline is taken from the header, from 1 to 2^31-1', async (t) => {
  const { url, calls } = await testGateway(t);
  for (const value of ['1', '2147483647']) {
    assert.equal((await post(`${url}/call/x`, '1', { 'evenkeel-deadline-ms': value })).status, 200);
  }
  await post(`${url}/call/x`, '1');
  assert.deepEqual(
    calls.map(({ timeout }) => timeout),
    [1, 2_147_483_647, undefined],
  );
  for (const value of ['0', '2147483648', '1.5', '-1', '', 'soon', '5, 6', '0x10', '1e3', '99999999999']) {
    const response = await post(`${url}/call/x`, '1', { 'evenkeel-deadline-ms': value });
    assert.equal(response.status, 400, value);
    const error = await errorOf(response);
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.match(
      error.message,
      /header evenkeel-deadline-ms is .*: expected a whole number of milliseconds from 1 to 2147483647/,
    );
  }
  assert.equal(calls.length, 3);
});

test('how many servers a call may reach is taken from the header, from 1 to 1,000', async (t) => {
  const { url, calls } = await testGateway(t);
  for (const value of ['1', '1000']) {
    assert.equal((await post(`${url}/call/x`, '1', { 'evenkeel-max-attempts': value })).status, 200);
  }
  await post(`${url}/call/x`, '1');
  assert.deepEqual(
    calls.map(({ attempts }) => attempts),
    [1, 1_000, undefined],
  );
  for (const value of ['0', '1001', '1.5', 'Infinity', '']) {
    const response = await post(`${url}/call/x`, '1', { 'evenkeel-max-attempts': value });
    assert.equal(response.status, 400, value);
    const { message } = await errorOf(response);
    assert.match(message, /header evenkeel-max-attempts is .*: expected a whole number from 1 to 1000/);
  }
  assert.equal(calls.length, 3);
});

for (const [header, of] of [
  ['idempotency-key', (call: RawCall) => call.idempotencyKey],
  ['evenkeel-hash-key', (call: RawCall) => call.hashKey],
] as const) {
  test(`the header ${header} is passed on; one that cannot be is refused`, async (t) => {
    const { url, calls } = await testGateway(t);
    await post(`${url}/call/x`, '1', { [header]: 'order-7' });
    await post(`${url}/call/x`, '1', { [header]: 'k'.repeat(256) });
    await post(`${url}/call/x`, '1');
    assert.deepEqual(calls.map(of), ['order-7', 'k'.repeat(256), undefined]);
    for (const key of ['k'.repeat(257), 'ä', '']) {
      const response = await post(`${url}/call/x`, '1', { [header]: key });
      assert.equal(response.status, 400, key);
      assert.match((await errorOf(response)).message, new RegExp(`header ${header} is none`));
    }
  });
}

test('a body that is no JSON, nests too deep or carries __proto__ is refused before it is a call', async (t) => {
  const { url, calls } = await testGateway(t);
  const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
  assert.equal((await post(`${url}/call/x`, deep(64))).status, 200);
  const bad: [string, RegExp][] = [
    ['{', /not valid JSON/],
    ['1,"in":"other"', /not valid JSON/],
    ['NaN', /not valid JSON/],
    [' ', /not valid JSON/],
    [deep(65), /nests deeper than 64/],
    [deep(100_000), /nests deeper than 64/],
    ['{"a":{"__proto__":{"admin":true}}}', /__proto__/],
    ['{"\\u005f_proto__":{"admin":true}}', /__proto__/],
  ];
  for (const [body, message] of bad) {
    for (const answer of [
      post(`${url}/call/x`, body),
      ...(body.length < 1_000 ? [fetch(`${url}/call/x?input=${encodeURIComponent(body)}`)] : []),
    ]) {
      const response = await answer;
      assert.equal(response.status, 400, body.slice(0, 50));
      const error = await errorOf(response);
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.match(error.message, message);
    }
  }
  assert.equal(calls.length, 1);
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('a body of the limit passes; one byte more is 413, with or without its length', async (t) => {
  const { url, calls } = await testGateway(t, undefined, { limits: { body: 10_000 } });
  const text = (n: number) => JSON.stringify('x'.repeat(n - 2));
  const chunked = (body: string) => ({
    method: 'POST',
    duplex: 'half' as const,
    body: new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(body));
        controller.close();
      },
    }),
  });
  assert.equal((await post(`${url}/call/x`, text(10_000))).status, 200);
  assert.equal((await fetch(`${url}/call/x`, chunked(text(10_000)))).status, 200);
  for (const answer of [post(`${url}/call/x`, text(10_001)), fetch(`${url}/call/x`, chunked(text(10_001)))]) {
    const response = await answer;
    assert.equal(response.status, 413);
    const error = await errorOf(response);
    assert.equal(error.code, 'RESOURCE_EXHAUSTED');
    assert.equal(error.reason, 'TOO_LARGE');
    assert.match(error.message, /larger than 10000 bytes/);
  }
  assert.equal(calls.length, 2);
});

test('a body far over the limit is read to its end and answered, not reset', async (t) => {
  const { gateway } = await testGateway(t, undefined, { limits: { body: 1_024 } });
  const socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const size = 20_000_000;
  socket.write(`POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
  socket.write(Buffer.alloc(size));
  // Rejects when the connection is reset.
  const text = Buffer.concat(await socket.toArray()).toString();
  assert.match(text, /^HTTP\/1\.1 413 /);
  assert.equal(JSON.parse(text.split('\r\n\r\n')[1]!).error.reason, 'TOO_LARGE');
});

test('an encoded body is refused, whatever the encoding', async (t) => {
  const { url, calls } = await testGateway(t);
  for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip']) {
    const response = await post(`${url}/call/x`, '1', { 'content-encoding': encoding });
    assert.equal(response.status, 415, encoding);
    assert.match((await errorOf(response)).message, /expected no content-encoding/);
  }
  assert.equal(calls.length, 0);
  assert.equal((await post(`${url}/call/x`, '1', { 'content-encoding': 'identity' })).status, 200);
});

test('pages of other origins cannot call', async (t) => {
  const { url, calls } = await testGateway(t);
  const ask = (path: string, site: string) =>
    new Promise<number>((resolve, reject) => {
      request(`${url}${path}`, { headers: { 'sec-fetch-site': site } }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      })
        .on('error', reject)
        .end();
    });
  assert.equal(await ask('/call/x', 'cross-site'), 403);
  assert.equal(await ask('/call/x', 'same-site'), 403);
  assert.equal(calls.length, 0);
  assert.equal(await ask('/call/x', 'same-origin'), 200);
  assert.equal(await ask('/call/x', 'none'), 200);
});

test('an unknown route is told which ones there are', async (t) => {
  const { url, calls } = await testGateway(t);
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/call'],
    ['POST', '/call/a/b/c'],
    ['PUT', '/call/x'],
    ['DELETE', '/call/x'],
    ['OPTIONS', '/call/x'],
    ['POST', '/nodes'],
  ] as const) {
    const response = await fetch(`${url}${path}`, { method });
    assert.equal(response.status, 404, `${method} ${path}`);
    const { message } = await errorOf(response);
    assert.match(message, new RegExp(`^${method} "${path}" is no route: there are POST /call/METHOD, .*GET /nodes$`));
  }
  assert.equal((await fetch(`${url}/call/x`, { method: 'HEAD' })).status, 404);
  assert.equal(calls.length, 0);
});

test('names that cannot be are refused', async (t) => {
  const { url, calls } = await testGateway(t);
  assert.equal((await post(`${url}/call/${'m'.repeat(128)}`)).status, 200);
  for (const path of ['/call/a%20b', '/call/a%0d%0ab', '/call/a%00/b', `/call/${'m'.repeat(129)}`, '/call/%ff']) {
    const response = await post(`${url}${path}`);
    assert.equal(response.status, 400, path);
    assert.equal((await errorOf(response)).code, 'INVALID_ARGUMENT');
  }
  assert.equal(calls.length, 1);
});

test("a node's id that no header can carry is left out", async (t) => {
  const { url } = await testGateway(t, () => ({ output: 1, node: 'n1\r\nset-cookie: x', attempts: 1 }));
  const response = await post(`${url}/call/x`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('evenkeel-node'), null);
  assert.equal(response.headers.get('set-cookie'), null);
});

test('a client that goes away cancels its call', async (t) => {
  const arrived = Promise.withResolvers<AbortSignal>();
  const { url, metrics } = await testGateway(t, ({ signal }) => {
    arrived.resolve(signal);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new RpcError('CANCELLED', 'x', { mayHaveExecuted: true })));
    });
  });
  const leave = new AbortController();
  const answer = fetch(`${url}/call/x`, { method: 'POST', signal: leave.signal });
  const signal = await arrived.promise;
  assert.equal(signal.aborted, false);
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
  leave.abort();
  await assert.rejects(answer, /abort/);
  await aborted;
  assert.equal(signal.reason.code, 'CANCELLED');
  assert.match(signal.reason.message, /the HTTP client went away/);
  await until(
    async () => /^evenkeel_gateway_requests_total\{code="CANCELLED"\} 1$/m.test(await metrics.text()),
    'the cancelled call to be counted',
  );
  assert.match(await metrics.text(), /^evenkeel_gateway_calls_in_flight 0$/m);
});

test('an answered call is not cancelled when the connection ends', async (t) => {
  const { url, calls, gateway } = await testGateway(t);
  await (await post(`${url}/call/x`, '1')).text();
  await gateway.close();
  assert.equal(calls[0]!.signal.aborted, false);
});

test('calls over the limit are refused at once, and only those', async (t) => {
  const go = Promise.withResolvers<void>();
  const { url, calls } = await testGateway(t, () => go.promise.then(() => ({ output: 1 })), { limits: { calls: 2 } });
  const first = [post(`${url}/call/x`), post(`${url}/call/x`)];
  while (calls.length < 2) await new Promise(setImmediate);
  const response = await post(`${url}/call/x`);
  assert.equal(response.status, 429);
  assert.equal((await errorOf(response)).reason, 'OVERLOADED');
  go.resolve();
  for (const answer of first) assert.equal((await answer).status, 200);
  assert.equal((await post(`${url}/call/x`)).status, 200);
});

test('probes, nodes and metrics are served beside', async (t) => {
  const { url } = await testGateway(t);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.deepEqual(await (await fetch(`${url}/nodes`)).json(), {
    version: 1,
    registry: { state: 'known' },
    nodes: [{ id: 'n1' }],
  });
  await post(`${url}/call/x`, '1');
  await post(`${url}/call/x`, '{');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^evenkeel_gateway_requests_total\{code="OK"\} 1$/m);
  assert.match(metrics, /^evenkeel_gateway_requests_total\{code="INVALID_ARGUMENT"\} 1$/m);
  assert.match(metrics, /^evenkeel_gateway_connections [1-9]$/m);
});

test('it is ready once a server was reached, and whatever happens to registry and servers then', async (t) => {
  const clock = new VirtualClock();
  const client = {
    call: () => Promise.reject(new Error('never called')),
    ready: false,
    nodes: () => view,
  };
  let view = { registry: { state: 'pending' }, nodes: [] as unknown[] };
  const { url } = await testGateway(t, undefined, { client, clock });
  const readiness = async () => {
    clock.advance(100);
    return (await fetch(`${url}/readyz`)).status;
  };
  assert.equal(await readiness(), 503);
  assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), {
    problems: [{ name: 'connecting', message: 'no server was reached yet' }],
  });
  view = { registry: { state: 'known' }, nodes: [{}] };
  assert.equal(await readiness(), 503);
  client.ready = true;
  assert.equal(await readiness(), 200);
  client.ready = false;
  view = { registry: { state: 'failed' }, nodes: [] };
  assert.equal(await readiness(), 200);
  assert.equal(clock.pending, 0);
});

test('it is ready when the registry says that there is no server', async (t) => {
  const client = {
    call: () => Promise.reject(new Error('never called')),
    ready: false,
    nodes: () => ({ registry: { state: 'known' }, nodes: [] }),
  };
  const { url } = await testGateway(t, undefined, { client });
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test('a port in use is explained', async (t) => {
  const { gateway } = await testGateway(t);
  const clock = new VirtualClock();
  const client = {
    call: () => Promise.reject(new Error('never called')),
    ready: false,
    nodes: () => ({ registry: { state: 'pending' }, nodes: [] }),
  };
  await assert.rejects(
    testGateway(t, undefined, { listen: { host: '127.0.0.1', port: gateway.port }, client, clock }),
    /the gateway cannot listen on 127\.0\.0\.1:\d+: the port is in use \(EADDRINUSE\)\. Another address is set by --listen/,
  );
  assert.equal(clock.pending, 0);
  await assert.rejects(testGateway(t, undefined, { limits: { body: 1 } }), /limit "body" is 1: expected/);
});

test('requests sent in one go are answered in order', async (t) => {
  const { gateway } = await testGateway(t, async (call) => {
    const n = Number(inputText(call));
    for (let i = n; i < 3; i++) await new Promise(setImmediate);
    return { output: n };
  });
  const socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write([1, 2, 3].map((n) => `POST /call/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n${n}`).join(''));
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if ((text.match(/HTTP\/1\.1 200/g) ?? []).length === 3 && text.endsWith('3')) break;
  }
  assert.deepEqual(
    [...text.matchAll(/\r\n\r\n(\d)/g)].map((m) => m[1]),
    ['1', '2', '3'],
  );
});

test('a failure of the gateway itself is logged, and not told outside', async (t) => {
  const logged: string[] = [];
  const log = { ...silentLog, error: (_facts: object, message: string) => void logged.push(message) };
  const { url } = await testGateway(t, undefined, {
    log,
    client: {
      ready: true,
      call: () => Promise.reject(new Error('never called')),
      nodes: () => {
        throw new Error('inside');
      },
    },
  });
  const response = await fetch(`${url}/nodes`);
  assert.equal(response.status, 500);
  assert.doesNotMatch(JSON.stringify(await errorOf(response)), /inside/);
  assert.deepEqual(logged, ['a request failed in the gateway']);
});
