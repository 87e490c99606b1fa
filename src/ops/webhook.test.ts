import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { Events } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import { makeMetrics } from './metrics.ts';
import { type WebhookOptions, webhook, webhookUrl } from './webhook.ts';

type Told = { notice: { event: string; [fact: string]: unknown } };
type Answer = (response: ServerResponse, body: Record<string, unknown>, request: IncomingMessage) => void;

const takes: Answer = (response) => response.writeHead(204).end();
const answers =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status).end('{"no": "thanks"}');

/** A receiver on a port of its own, and what it was sent. */
async function receiver(test: TestContext, answer: Answer = takes, port = 0) {
  const got: Record<string, unknown>[] = [];
  const requests: IncomingMessage[] = [];
  const it = { got, requests, answer, url: '' };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    got.push(body);
    requests.push(request);
    it.answer(response, body, request);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  it.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return it;
}

/** A port where nobody listens. */
async function nobody(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** A webhook of events that a test makes, and what its log says. */
function sending(test: TestContext, url: string, options: WebhookOptions = {}) {
  const events = new Events<Told>();
  const lines: string[] = [];
  const say = (level: string) => (facts: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(facts)}`);
  const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error'), child: () => log };
  const hook = webhook(events, url, { source: 'gateway-1', pause: 1, log, ...options });
  test.after(() => hook.close(0));
  const tell = (event: string, facts: object = {}) => events.emit('notice', { event, ...facts });
  const over = (count: number) =>
    until(() => {
      const { sent, failed, dropped } = hook.counts();
      return sent + failed + dropped === count;
    }, `${count} notices to be over`);
  return { hook, tell, lines, over };
}

const names = (got: readonly Record<string, unknown>[]) => got.map(({ event }) => event);

test('a notice arrives as JSON, with its version and who says it', async (t) => {
  const { url, got, requests } = await receiver(t);
  const { tell, over, hook, lines } = sending(t, `${url}/services/T0/B1?key=x`);
  const at = '2026-01-01T00:00:00.000Z';
  tell('suspended', { at, skipped: 0, node: 'a', cause: 'lost', for: 1_000, attempt: null });
  await over(1);
  assert.deepEqual(got, [
    {
      version: 1,
      source: 'gateway-1',
      event: 'suspended',
      at,
      skipped: 0,
      node: 'a',
      cause: 'lost',
      for: 1_000,
      attempt: null,
    },
  ]);
  const { method, url: path, headers } = requests[0]!;
  assert.deepEqual([method, path, headers['content-type']], ['POST', '/services/T0/B1?key=x', 'application/json']);
  assert.equal(headers.authorization, undefined);
  assert.deepEqual([hook.counts(), lines], [{ sent: 1, failed: 0, dropped: 0 }, []]);
});

test('notices arrive one after the other, in order', async (t) => {
  let open = 0;
  const receiving = await receiver(t, async (response) => {
    assert.equal(++open, 1);
    await systemClock.sleep(2);
    open--;
    response.writeHead(200).end();
  });
  const { tell, over } = sending(t, receiving.url);
  const told = Array.from({ length: 20 }, (_, i) => `e${i}`);
  for (const event of told) tell(event);
  await over(20);
  assert.deepEqual(names(receiving.got), told);
});

test('user and password of the URL go as Basic, and no secret of it to the log', async (t) => {
  const { url, requests, ...it } = await receiver(t, answers(500));
  const secret = url.replace('http://', 'http://me:a%40secret%zz@');
  const { tell, over, lines } = sending(t, `${secret}/hidden?key=hidden`, { attempts: 2 });
  tell('panic');
  await over(1);
  const [kind, code] = requests[0]!.headers.authorization!.split(' ');
  assert.deepEqual([kind, Buffer.from(code!, 'base64').toString()], ['Basic', 'me:a%40secret%zz']);
  assert.equal(it.got.length, 2);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^warn the webhook does not take a notice \{"host":"127\.0\.0\.1:\d+","cause":"HTTP 500"\}$/);
  const well = await receiver(t);
  const other = sending(t, well.url.replace('http://', 'http://me:a%40b@'));
  other.tell('panic');
  await other.over(1);
  assert.equal(Buffer.from(well.requests[0]!.headers.authorization!.slice(6), 'base64').toString(), 'me:a@b');
});

test('a receiver that fails is tried again, and said to fail and to be back once', async (t) => {
  const receiving = await receiver(t, (response) => answers(receiving.got.length < 3 ? 500 : 200)(response, {}, null!));
  const { tell, over, hook, lines } = sending(t, receiving.url);
  tell('panic');
  await over(1);
  assert.deepEqual(names(receiving.got), ['panic', 'panic', 'panic']);
  assert.deepEqual(hook.counts(), { sent: 1, failed: 0, dropped: 0 });
  assert.deepEqual(
    lines.map((line) => line.split(' {')[0]),
    ['warn the webhook does not take a notice', 'info the webhook takes notices again'],
  );
});

test('a receiver that only fails is tried four times for each notice, and no longer', async (t) => {
  const receiving = await receiver(t, answers(503));
  const { tell, over, hook, lines } = sending(t, receiving.url);
  tell('a');
  tell('b');
  await over(2);
  assert.deepEqual(names(receiving.got), [...'aaaabbbb']);
  assert.deepEqual(hook.counts(), { sent: 0, failed: 2, dropped: 0 });
  assert.equal(lines.length, 1, 'said once');
});

test('the pause before it is tried again is doubled each time', async (t) => {
  const { url } = await receiver(t, answers(500));
  const pauses: number[] = [];
  const timer: Clock['timer'] = (ms, callback) => {
    if (ms === 5_000) return systemClock.timer(ms, callback);
    pauses.push(ms);
    return systemClock.timer(0, callback);
  };
  const { tell, over } = sending(t, url, { clock: { ...systemClock, timer }, pause: 100, random: () => 0.5 });
  tell('panic');
  await over(1);
  assert.deepEqual(pauses, [100, 200, 400]);
});

test('what is refused for good is not tried again: 4xx, and a redirect; 408 and 429 are about the moment', async (t) => {
  for (const [status, times] of [
    [400, 1],
    [404, 1],
    [302, 1],
    [408, 4],
    [429, 4],
  ] as const) {
    const receiving = await receiver(t, (response) => response.writeHead(status, { location: '/' }).end());
    const { tell, over, hook } = sending(t, receiving.url);
    tell('panic');
    await over(1);
    assert.deepEqual([receiving.got.length, hook.counts().failed], [times, 1], `${status}`);
  }
});

test('a receiver that hangs is given up after the timeout, whether it never answers or never ends its answer', async (t) => {
  const hanging = await receiver(t, () => {});
  const silent = sending(t, hanging.url, { timeout: 1_000, attempts: 2 });
  silent.tell('panic');
  await silent.over(1);
  assert.equal(hanging.got.length, 2);
  assert.match(silent.lines[0]!, /"cause":"no answer within 1000 ms"/);

  const endless = await receiver(t, (response) => void response.writeHead(200).write('{'));
  const taken = sending(t, endless.url, { timeout: 1_000 });
  taken.tell('a');
  taken.tell('b');
  await taken.over(2);
  assert.deepEqual(taken.hook.counts(), { sent: 2, failed: 0, dropped: 0 }, 'the status is the answer');
});

test('a receiver that is down costs the client nothing, and gets what is new when it is up', async (t) => {
  const url = await nobody();
  const { tell, over, hook, lines } = sending(t, url, { attempts: 2 });
  tell('panic');
  await over(1);
  assert.deepEqual(hook.counts(), { sent: 0, failed: 1, dropped: 0 });
  assert.match(lines[0]!, /"cause":"ECONNREFUSED"/);
  const { got } = await receiver(t, takes, Number(new URL(url).port));
  tell('tier');
  await over(2);
  assert.deepEqual(names(got), ['tier']);
});

test('while the receiver hangs the oldest notices make room for new ones, and are counted', async (t) => {
  const receiving = await receiver(t, () => {});
  const metrics = makeMetrics({ process: false });
  const { tell, over, hook } = sending(t, receiving.url, { queue: 3, metrics });
  tell('first');
  await until(() => receiving.got.length === 1, 'the first to be on its way');
  const before = systemClock.now();
  for (let i = 0; i < 1_000; i++) tell(`e${i}`);
  assert.ok(systemClock.now() - before < 1_000, 'nobody waits');
  assert.deepEqual(hook.counts(), { sent: 0, failed: 0, dropped: 997 });
  receiving.answer = takes;
  receiving.requests[0]!.socket.destroy();
  await over(1_001);
  assert.deepEqual(names(receiving.got), ['first', 'first', 'e997', 'e998', 'e999']);
  assert.match(await metrics.text(), /^evenkeel_webhook_notices_total\{outcome="dropped"\} 997$/m);
  assert.match(await metrics.text(), /^evenkeel_webhook_notices_total\{outcome="sent"\} 4$/m);
});

test('closing sends what waits if that is quick, and hears nothing more', async (t) => {
  const receiving = await receiver(t);
  const { tell, hook } = sending(t, receiving.url);
  for (const event of ['a', 'b', 'c']) tell(event);
  await hook.close(30_000);
  tell('d');
  await systemClock.sleep(20);
  assert.deepEqual(names(receiving.got), ['a', 'b', 'c']);
  assert.deepEqual(hook.counts(), { sent: 3, failed: 0, dropped: 0 });
  await hook.close();
});

test('closing gives up on a receiver that hangs, or that is tried again later', async (t) => {
  const hanging = await receiver(t, () => {});
  const failing = await receiver(t, answers(500));
  for (const { url, got } of [hanging, failing]) {
    const { tell, hook } = sending(t, url, { pause: 60_000, timeout: 60_000 });
    for (const event of ['a', 'b', 'c']) tell(event);
    await until(() => got.length === 1, 'the first to be on its way');
    const since = systemClock.now();
    await hook.close(20);
    assert.ok(systemClock.now() - since < 20_000);
    assert.deepEqual(hook.counts(), { sent: 0, failed: 0, dropped: 3 });
    assert.equal(got.length, 1);
  }
});

test('closing one that never had anything to say is at once', async (t) => {
  const { hook } = sending(t, 'http://127.0.0.1:1/');
  await using _again = hook;
  await hook.close();
});

test('a URL that is none, or not of HTTP, is refused without being repeated; options out of range by their names', (t) => {
  for (const url of ['secret', 'ftp://secret', '//secret/x', '']) {
    assert.throws(
      () => webhookUrl(url),
      (error: Error) => error instanceof TypeError && !error.message.includes('secret') && /http:/.test(error.message),
    );
  }
  for (const name of ['timeout', 'attempts', 'pause', 'queue'] as const) {
    for (const value of [0, -1, 0.5, Number.NaN, 1e9]) {
      assert.throws(() => sending(t, 'http://h/', { [name]: value }), new RegExp(`"${name}" is ${value}: expected`));
    }
  }
});
