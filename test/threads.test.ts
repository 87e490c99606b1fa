/** `evenkeel serve --threads`: a server that computes still shows that it lives. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RpcError } from '../src/core/error.ts';
import { BookWorld } from './support/book-world.ts';
import { until } from './support/until.ts';

/** Longer than a client with these heartbeats believes in a silent server. */
const burn = 3_000;
const heartbeat = { pingAfter: 200, deadAfter: 1_000 };

describe('a server whose only handler thread computes', { concurrency: true }, () => {
  it('answers health, inline methods and heartbeats meanwhile', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--threads', '1']);
    const client = world.client({ heartbeat });
    await client.quick(null);
    const order: string[] = [];
    const burning = client.burn(burn, { timeout: 30_000 }).then((pid) => order.push('burn') && pid);
    const health = (await client.health()) as { status: string; pid: number; thread: number };
    order.push(health.status);
    assert.equal(health.thread, 0, 'beside the event loop');
    assert.equal(await client.quick(null), await burning, 'one process did both');
    assert.equal(health.pid, await burning);
    assert.deepEqual(order, ['ok', 'burn']);
    assert.equal(client.nodes().nodes[0]!.lastCause, 'joined', 'the connection was never in doubt');
    server.signal('SIGTERM');
    assert.equal(await server.over(), 0);
  });

  it('would seem dead without threads', async (test) => {
    const world = await BookWorld.start(test);
    await world.server();
    const client = world.client({ heartbeat });
    await client.quick(null);
    await assert.rejects(client.burn(burn, { timeout: 30_000 }), (error: RpcError) => {
      assert.match(error.message, /no sign of life/);
      return error.mayHaveExecuted;
    });
  });

  it('hands on errors, log lines and the deadline', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--threads', '1', '--processes', '2']);
    const client = world.client();
    await assert.rejects(client.fail('rpc'), { code: 'NOT_FOUND', reason: 'NO_THING', message: 'no such thing' });
    await assert.rejects(client.fail('error'), {
      code: 'INTERNAL',
      reason: 'UNHANDLED',
      message: 'the handler failed',
    });
    await until(() => server.stdout.includes('a secret detail'), 'the error in the log');
    await client.say('hello from a thread');
    const line = await server.line('a handler speaks');
    assert.equal(line.text, 'hello from a thread');
    assert.equal(typeof line.worker, 'number');

    const lingering = client.linger('over', { timeout: 1_000 });
    await assert.rejects(lingering, { code: 'DEADLINE_EXCEEDED', mayHaveExecuted: true });
    await until(
      () => world.book.includes('over DEADLINE_EXCEEDED') || world.book.includes('over CANCELLED'),
      'the handler to hear of it',
    );
    const leaving = new AbortController();
    const left = client.linger('left', { signal: leaving.signal });
    await world.begun('left');
    leaving.abort();
    await assert.rejects(left, { code: 'CANCELLED' });
    await until(() => world.book.includes('left CANCELLED'), 'the handler to hear of it');
  });

  for (const threads of ['0', '1']) {
    it(`is not to blame for a handler that heeds its signal, with --threads ${threads}`, async (test) => {
      const world = await BookWorld.start(test);
      const server = await world.server(['--threads', threads, '--log-level', 'debug']);
      const client = world.client();
      await client.quick(null);
      for (let i = 0; i < 3; i++) {
        const late = client.heed(`late${i}`, { timeout: 1_000 });
        await assert.rejects(late, { code: 'DEADLINE_EXCEEDED', mayHaveExecuted: true });
      }
      const leaving = new AbortController();
      const left = client.heed('left', { signal: leaving.signal });
      await world.begun('left');
      leaving.abort();
      await assert.rejects(left, { code: 'CANCELLED' });
      await until(() => world.book.includes('left AbortError CANCELLED'), 'the handler to hear of it');
      // Both sides have the deadline: whose word the handler hears is a matter of a moment.
      const heard = () => world.book.filter((line) => /^late. AbortError (CANCELLED|DEADLINE_EXCEEDED)$/.test(line));
      await until(() => heard().length === 3, 'the handlers to hear of their deadlines');
      server.signal('SIGTERM');
      assert.equal(await server.over(), 0);
      assert.deepEqual(
        server.lines.filter(({ level }) => level === 'error' || level === 'warn'),
        [],
      );
    });
  }

  it('ends a call that runs when it goes away, and its threads with it', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--threads', '2']);
    const client = world.client();
    const writing = client.write({ id: 'last', ms: 1_500 });
    await world.begun('last');
    server.signal('SIGTERM');
    assert.equal((await writing).id, 'last');
    assert.equal(await server.over(), 0);
    assert.deepEqual(server.members, []);
  });
});
