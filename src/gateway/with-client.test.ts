import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { connectRaw } from '../client/connect-raw.ts';
import { silentLog } from '../core/log.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { pi } from '../pi/contract.ts';
import { handlers } from '../pi/pi.ts';
import { serve } from '../server/serve.ts';
import { startGateway } from './gateway.ts';

const listen = { host: '127.0.0.1', port: 0 };

/** A server, a client that knows no contract, and a gateway before it: all real. */
async function stack(t: TestContext, suffix = '') {
  const server = await serve(pi, handlers, { listen: '127.0.0.1:0', drainDelay: 0 });
  t.after(() => server.close());
  const client = connectRaw(undefined, { registry: `static:127.0.0.1:${server.port}${suffix}` });
  t.after(() => client.close());
  const metrics = makeMetrics({ process: false });
  const gateway = await startGateway({ listen, client, log: silentLog, metrics });
  t.after(() => gateway.close());
  const url = `http://127.0.0.1:${gateway.port}`;
  const post = (path: string, body?: string) =>
    fetch(`${url}${path}`, { method: 'POST', ...(body === undefined ? {} : { body }) });
  return { url, post };
}

for (const [protocol, suffix] of [
  ['framed', ''],
  ['classic', ';protocol=classic'],
] as const) {
  test(`a call goes all the way, over ${protocol}`, async (t) => {
    const { url, post } = await stack(t, suffix);
    const response = await post('/call/pi', '98');
    assert.equal(response.status, 200);
    assert.equal(await response.text(), String(handlers.pi(98, undefined as never)));
    assert.equal(response.headers.get('evenkeel-attempts'), '1');
    assert.ok(response.headers.get('evenkeel-node'));
    assert.equal(await (await post('/call/ping', '{"a":["ä",null]}')).text(), '{"a":["ä",null]}');
    assert.equal((await fetch(`${url}/call/divide?input={"a":1,"b":4}`)).status, 405);
    const got = await fetch(`${url}/call/ping?input=0.25`);
    // A classic server does not say what is idempotent.
    if (protocol === 'framed') assert.equal(await got.text(), '0.25');
    else assert.equal(got.status, 405);
    assert.equal(await (await post('/call/divide', '[1,8]')).text(), '0.125');
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, 'the gateway to be ready');
  });

  test(`errors come through with their code, over ${protocol}`, async (t) => {
    const { post } = await stack(t, suffix);
    const failing: [string, string, number, string][] = [
      ['/call/divide', '{"a":1,"b":0}', 400, 'INVALID_ARGUMENT'],
      ['/call/pi', '"x"', 400, 'INVALID_ARGUMENT'],
      ['/call/nothing', '1', 501, 'UNIMPLEMENTED'],
    ];
    for (const [path, body, status, code] of failing) {
      const response = await post(path, body);
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      assert.deepEqual([response.status, error.code], [status, code], error.message);
    }
  });
}

test('a body as large as the limit of a message goes all the way', async (t) => {
  const { post } = await stack(t);
  const text = JSON.stringify('x'.repeat(4 * 1_024 * 1_024 - 2));
  const response = await post('/call/ping', text);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), text);
  assert.equal((await post('/call/ping', `${text} `)).status, 413);
});
