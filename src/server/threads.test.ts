/** Handlers in worker threads: who waits, who does not, and what crosses from one thread to the other. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { bookModule } from '../../test/support/book-world.ts';
import { until } from '../../test/support/until.ts';
import { OutgoingCall } from '../core/call.ts';
import { systemClock } from '../core/clock.ts';
import type { HandlerContext, ServiceModule } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { runFor } from '../core/inherit.ts';
import { type Log, silentLog } from '../core/log.ts';
import { threadRunner } from './threads.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-threads-'));
after(() => rmSync(folder, { recursive: true }));

/** The book that the module in the threads writes: their environment is a copy of ours. */
const bookFile = join(folder, 'book');
process.env.EVENKEEL_TEST_BOOK = bookFile;

interface Line {
  level: string;
  facts: Record<string, unknown>;
  message: string;
}

async function start(test: TestContext, threads: number, moduleUrl = pathToFileURL(bookModule).href) {
  const lines: Line[] = [];
  const line = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts: { ...facts }, message });
  const log: Log = { ...silentLog, debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const broken: Error[] = [];
  const module: ServiceModule = (await import(moduleUrl)).default;
  const runner = await threadRunner({
    moduleUrl,
    module,
    threads,
    now: systemClock.now,
    log,
    onBroken: (cause) => broken.push(cause),
  });
  const { invoke } = runner;
  test.after(() => runner.close());

  /** Makes a call as `dispatch` does. */
  const start = (method: string, input: unknown, { timeout = 30_000, metadata = {}, attempt = 1 } = {}) => {
    const since = systemClock.now();
    const deadline = since + timeout;
    const call = new OutgoingCall({
      service: 'book',
      method,
      input,
      since,
      deadline,
      repeatable: false,
      metadata,
      attempt,
    });
    const context: HandlerContext = {
      get signal() {
        return call.signal;
      },
      deadline,
      metadata,
      peer: { address: '192.0.2.1:5' },
      log,
    };
    return { call, result: runFor(call, () => invoke(method, input, context)) as Promise<unknown> };
  };
  return { start, call: async (...args: Parameters<typeof start>) => start(...args).result, lines, broken, runner };
}

describe('a handler in a worker thread', () => {
  it('leaves the others, and the event loop, their time', async (test) => {
    const { call } = await start(test, 2);
    const order: string[] = [];
    const note = (what: string) => () => order.push(what);
    const long = call('burn', 1_500).then(note('long'));
    let beats = 0;
    const beat = async () => {
      while (order.length < 3) {
        await systemClock.sleep(5);
        beats++;
      }
    };
    const beating = beat();
    await Promise.all([
      long,
      call('burn', 10).then(note('short, on the other thread')),
      call('quick', null).then(note('inline')),
      beating,
    ]);
    assert.deepEqual(order, ['inline', 'short, on the other thread', 'long']);
    assert.ok(beats > 20, `the event loop turned ${beats} times`);
  });

  it('waits for its turn, in the order in which calls came', async (test) => {
    const { call } = await start(test, 1);
    const order: number[] = [];
    await Promise.all([30, 1, 1, 1].map((ms, i) => call('burn', ms).then(() => order.push(i))));
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  it('is counted while it waits', async (test) => {
    const { call, runner } = await start(test, 2);
    assert.deepEqual([runner.threads, runner.waiting], [2, 0]);
    const calls = Array.from({ length: 5 }, () => call('burn', 200));
    await systemClock.sleep(0);
    assert.equal(runner.waiting, 3);
    await call('quick', null);
    await Promise.all(calls);
    assert.equal(runner.waiting, 0);
  });

  it('does not start when nobody waits for it any more', async (test) => {
    const { start: begin, call } = await start(test, 1);
    const first = call('burn', 100);
    const second = begin('read', { id: 'cancelled', ms: 0 });
    const third = call('read', { id: 'third', ms: 0 });
    const cause = new RpcError('CANCELLED', 'never mind');
    second.call.cancel(cause);
    await assert.rejects(second.result, cause);
    await Promise.all([first, third]);
    const book = readFileSync(bookFile, 'utf8');
    assert.match(book, /^third /m);
    assert.doesNotMatch(book, /^cancelled /m);
  });

  it('does not start after its deadline, and has what remains of it when it starts', async (test) => {
    const { call } = await start(test, 1);
    const first = call('burn', 300);
    const late = call('read', { id: 'late', ms: 0 }, { timeout: 100 });
    const seen = call('context', null, { timeout: 10_000 });
    await assert.rejects(late, { code: 'DEADLINE_EXCEEDED', message: /waited for a thread/, mayHaveExecuted: false });
    await first;
    const { remaining } = (await seen) as { remaining: number };
    assert.ok(remaining > 0 && remaining <= 9_700, `${remaining} ms`);
    assert.doesNotMatch(readFileSync(bookFile, 'utf8'), /^late /m);
  });

  it('hears that its caller has cancelled, or that its time is over', async (test) => {
    const { start: begin } = await start(test, 2);
    const book = (line: string) => until(() => readFileSync(bookFile, 'utf8').includes(`${line}\n`), line);
    const lingering = begin('linger', 'left');
    const ended = assert.rejects(lingering.result, { code: 'CANCELLED', mayHaveExecuted: true });
    await book('left began');
    lingering.call.cancel(new RpcError('CANCELLED', 'never mind'));
    await book('left CANCELLED');
    await ended;
    const timed = begin('linger', 'timed');
    await book('timed began');
    timed.call.cancel(new RpcError('DEADLINE_EXCEEDED', 'the handler did not finish in time'));
    await assert.rejects(timed.result, { code: 'DEADLINE_EXCEEDED', mayHaveExecuted: true });
    await book('timed DEADLINE_EXCEEDED');
  });

  it('sees the facts of its call', async (test) => {
    const { call } = await start(test, 1);
    const seen = (await call('context', null, { metadata: { tenant: 'a' } })) as Record<string, unknown>;
    assert.deepEqual(seen.metadata, { tenant: 'a' });
    assert.equal(seen.peer, '192.0.2.1:5');
  });

  it('throws an RpcError that arrives whole, and anything else without a word to the caller', async (test) => {
    const { call } = await start(test, 1);
    await assert.rejects(call('fail', 'rpc'), (error: RpcError) => {
      const { code, reason, message, retryAfter, stage } = error;
      assert.deepEqual(
        { code, reason, message, retryAfter, stage },
        { code: 'NOT_FOUND', reason: 'NO_THING', message: 'no such thing', retryAfter: 70, stage: 'answered' },
      );
      return RpcError.is(error);
    });
    // What it says is for the log: `dispatch` makes UNHANDLED of what is no RpcError.
    await assert.rejects(call('fail', 'error'), (error: Error) => {
      assert.equal(String(error), 'Error: a secret detail');
      assert.match(error.stack!, /^Error: a secret detail\n +at .*book-service\.ts/);
      return !RpcError.is(error);
    });
    await assert.rejects(call('fail', 'text'), /a bare text/);
  });

  it('logs through the thread that has the log, whatever the facts are', async (test) => {
    const { call, lines } = await start(test, 1);
    await call('say', 'hello');
    await until(() => lines.length > 0, 'the line');
    const facts = { method: 'say', peer: '192.0.2.1:5', text: 'hello', odd: '[Function: odd]' };
    assert.deepEqual(lines, [{ level: 'info', message: 'a handler speaks', facts }]);
  });

  it('that ends its thread fails alone, and the next has a new thread', async (test) => {
    const { call, broken } = await start(test, 1);
    await assert.rejects(call('fail', 'exit'), /exited/);
    assert.equal(typeof (await call('burn', 1)), 'number');
    assert.deepEqual(broken, []);
  });

  it('that throws when it is over ends its thread, not the process', async (test) => {
    const { call, lines } = await start(test, 1);
    await call('fail', 'later');
    await until(() => lines.some(({ message }) => message === 'a worker thread died'), 'the line');
    assert.equal(typeof (await call('burn', 1)), 'number');
  });
});

describe('the start of worker threads', () => {
  it('fails with the sentence of a module that does not load there', async (test) => {
    const file = join(folder, 'main-only.ts');
    writeFileSync(
      file,
      `import { isMainThread } from 'node:worker_threads';
       if (!isMainThread) throw new Error('not in a thread');
       export default { service: { name: 'x', methods: {} }, handlers: {} };`,
    );
    await assert.rejects(start(test, 2, pathToFileURL(file).href), /not in a thread/);
  });

  it('tells when no thread can be had any more', async (test) => {
    const file = join(folder, 'once.ts');
    const flag = join(folder, 'loaded');
    writeFileSync(
      file,
      `import { existsSync, writeFileSync } from 'node:fs';
       import { isMainThread } from 'node:worker_threads';
       if (!isMainThread && existsSync(${JSON.stringify(flag)})) throw new Error('only once');
       if (!isMainThread) writeFileSync(${JSON.stringify(flag)}, '');
       export default { service: { name: 'x', methods: { go: {} } }, handlers: { go: () => process.exit(1) } };`,
    );
    const { call, broken } = await start(test, 1, pathToFileURL(file).href);
    await assert.rejects(call('go', null), /exited/);
    await until(() => broken.length > 0, 'the news');
    assert.match(broken[0]!.message, /only once/);
  });
});
