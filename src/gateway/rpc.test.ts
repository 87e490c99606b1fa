import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { connect } from '../client/connect.ts';
import { connectRaw } from '../client/connect-raw.ts';
import { systemClock } from '../core/clock.ts';
import { method, service } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { silentLog } from '../core/log.ts';
import { serve } from '../server/serve.ts';
import { startRpcEntry } from './rpc.ts';

const store = service('store', {
  echo: method({ idempotent: true }),
  add: method(),
  wait: method({ idempotent: true }),
});

/** Clients - entry - gateway's client - server, all real. Says what the server saw. */
async function stack(t: TestContext) {
  const seen: { metadata: object; left: number }[] = [];
  const waiting: AbortSignal[] = [];
  const handlers = {
    echo: (input: unknown, { metadata, deadline }: { metadata: object; deadline: number }) => {
      seen.push({ metadata: { ...metadata }, left: deadline - systemClock.now() });
      return input;
    },
    add: () => {
      throw new RpcError('FAILED_PRECONDITION', 'the store is shut', { reason: 'SHUT' });
    },
    wait: (_input: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        waiting.push(signal);
      }),
  };
  const server = await serve(store, handlers, { listen: '127.0.0.1:0', drainDelay: 0 });
  const inner = connectRaw(undefined, { registry: `static:127.0.0.1:${server.port}` });
  const entry = await startRpcEntry({
    listen: { host: '127.0.0.1', port: 0 },
    client: inner,
    service: () => inner.service ?? '',
    clock: systemClock,
    log: silentLog,
  });
  // The entry says in HELLO what the servers have said: it needs to have met one.
  await inner.call({ method: 'echo', input: 0 });
  seen.length = 0;
  const client = (suffix = '') => {
    const made = connect(store, { registry: `static:127.0.0.1:${entry.port}${suffix}` });
    t.after(() => made.close());
    return made;
  };
  t.after(async () => {
    entry.destroy();
    await inner.close();
    await server.close();
  });
  return { client, entry, seen, waiting };
}

test('framed calls pass the entry with all that is theirs', async (t) => {
  const { client, seen } = await stack(t);
  const face = client();
  assert.deepEqual(await face.echo({ a: ['ä', null] }, { metadata: { tenant: 'blue' }, timeout: 2_000 }), {
    a: ['ä', null],
  });
  assert.deepEqual(seen[0]?.metadata, { tenant: 'blue' });
  assert.ok(seen[0]!.left > 0 && seen[0]!.left <= 2_000, `the deadline went along: ${seen[0]?.left}`);
  await assert.rejects(async () => face.add(1), {
    code: 'FAILED_PRECONDITION',
    reason: 'SHUT',
    message: 'the store is shut',
  });
});

test('classic calls pass the entry', async (t) => {
  const { client } = await stack(t);
  const face = client(';protocol=classic');
  assert.deepEqual(await face.echo([1, 'two']), [1, 'two']);
  await assert.rejects(async () => face.add(1), { code: 'FAILED_PRECONDITION', message: 'the store is shut' });
});

test('a cancel goes all the way', async (t) => {
  const { client, waiting } = await stack(t);
  const controller = new AbortController();
  const call = client().wait(null, { signal: controller.signal, timeout: 60_000 });
  await until(() => waiting.length > 0, 'the call to reach the server');
  controller.abort();
  await assert.rejects(call, { code: 'CANCELLED' });
  await until(() => waiting.every(({ aborted }) => aborted), 'the cancel to reach the server');
});

test('an entry drains like a server: what is at work is answered, what is new is refused', async (t) => {
  const { client, entry } = await stack(t);
  const face = client();
  const running = Promise.all(Array.from({ length: 50 }, (_, i) => face.echo(i)));
  await face.echo('connected');
  entry.drain();
  await entry.refuse();
  assert.deepEqual(
    await running,
    Array.from({ length: 50 }, (_, i) => i),
  );
  await entry.finish(5_000);
  await assert.rejects(async () => face.echo('late', { timeout: 300 }), { code: 'UNAVAILABLE', reason: 'NO_NODES' });
});
