/** `evenkeel serve recorded-pi` and `evenkeel ledger` beside it, as in a pod of a load test: what it takes to lose nothing. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { finalPatience } from '../src/load/ledger-protocol.ts';
import { LedgerReader } from '../src/load/ledger-reader.ts';
import { EvenkeelGroup } from './support/evenkeel-group.ts';
import { until } from './support/until.ts';

const free = ['--listen', '127.0.0.1:0'];

/** A pod: a folder, a server that writes there, and who serves that. */
class Pod {
  readonly #test: TestContext;
  readonly folder: string;
  readonly #env: Record<string, string>;

  constructor(test: TestContext) {
    this.#test = test;
    const parent = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    test.after(() => rmSync(parent, { recursive: true, force: true }));
    // Nobody has made it: who comes first does.
    this.folder = join(parent, 'calls');
    this.#env = { EVENKEEL_LEDGER: this.folder, POD_NAME: 'pod-1' };
  }

  async ledger() {
    const group = EvenkeelGroup.start(this.#test, ['ledger', ...free], { env: this.#env });
    const reader = new LedgerReader(`http://${(await group.line('the ledger is served')).listen}`, 'pod-1');
    this.#test.after(() => reader.close());
    return { group, reader };
  }

  /** A server, and what makes calls of it with these ids, through a gateway. */
  async server() {
    const args = ['serve', 'recorded-pi', ...free, '--processes', '2', '--drain-delay', '0ms'];
    const group = EvenkeelGroup.start(this.#test, args, { env: this.#env });
    const { listen } = await group.line('serving');
    const gateway = EvenkeelGroup.start(this.#test, ['gateway', '--registry', `static:${listen}`, ...free]);
    const url = `http://${(await gateway.line('the gateway serves')).listen}`;
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, 'readiness');
    const call = (id: string) =>
      fetch(`${url}/call/append`, {
        method: 'POST',
        headers: { 'evenkeel-meta-call-id': id, 'content-type': 'application/json' },
        body: JSON.stringify(id),
      });
    return { group, call };
  }
}

/** Stops all processes of a server that works on a call, for good: a call takes 40 ms, so it takes some tries on a slow machine. */
async function caught({ group, call }: Awaited<ReturnType<Pod['server']>>, reader: LedgerReader) {
  for (let tries = 1; tries <= 100; tries++) {
    const id = `b-${tries}`;
    const execution = () => reader.executions.find((one) => one.id === id);
    const answer = call(id).catch(() => {});
    await until(async () => {
      await reader.read();
      return execution() !== undefined;
    }, 'the call to begin');
    group.signalGroup('SIGSTOP');
    await reader.read();
    if (execution()!.ended === undefined) return { id, answer };
    group.signalGroup('SIGCONT');
    await answer;
  }
  throw new Error('no call was caught');
}

describe('the ledger of a pod', () => {
  it('has what a server wrote that was killed, then what its successor did, and stays for the last lines', async (test) => {
    const pod = new Pod(test);
    const { group, reader } = await pod.ledger();
    await reader.read();
    assert.equal(existsSync(pod.folder), false, 'it makes nothing itself');

    const first = await pod.server();
    assert.equal(await (await first.call('a')).json(), 'a');
    const cut = await caught(first, reader);
    first.group.signalGroup('SIGKILL');
    await cut.answer;

    const second = await pod.server();
    for (const id of ['c', 'd']) await (await second.call(id)).json();
    second.group.signal('SIGTERM');
    assert.equal(await second.group.over(), 0);

    group.signal('SIGTERM');
    await until(async () => {
      await reader.read();
      return reader.complete;
    }, 'the end');
    assert.equal(await group.over(), 0);
    assert.deepEqual((await group.line('gone')).read, true);
    for (const { method, writer } of reader.executions) assert.deepEqual([method, writer.server], ['append', 'pod-1']);
    const ended = new Map(reader.executions.map((execution) => [execution.id, execution.ended !== undefined]));
    for (const id of ['a', 'c', 'd']) assert.equal(ended.get(id), true, id);
    assert.equal(ended.get(cut.id), false, 'the call it was killed on');
  });

  it('does not wait for ever for a reader', async (test) => {
    const { group } = await new Pod(test).ledger();
    group.signal('SIGTERM');
    assert.equal(await group.over(finalPatience + 20_000), 0);
    assert.deepEqual((await group.line('gone')).read, false);
  });

  it('asks for a folder, and so does recorded-pi', async () => {
    const ledger = await EvenkeelGroup.run(['ledger']);
    assert.equal(ledger.stderr, 'evenkeel: say where the calls are written: --ledger DIR, or EVENKEEL_LEDGER\n');
    const server = await EvenkeelGroup.run(['serve', 'recorded-pi']);
    assert.equal(
      server.stderr,
      'evenkeel: recorded-pi writes its calls down: say in which folder by EVENKEEL_LEDGER\n',
    );
    assert.deepEqual([ledger.end?.code, server.end?.code], [2, 2]);
  });
});
