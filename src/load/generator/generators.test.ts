import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { failure, rightAnswer, stubGateway } from '../../../test/support/http-stub.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { expectedPi } from '../expected.ts';
import type { LoadPlan } from '../plan.ts';
import { SampleBook } from '../sample.ts';
import { within } from '../within.ts';
import { builtInGenerator } from './built-in.ts';
import type { LoadGenerator } from './generator.ts';
import { findK6, k6Generator } from './k6.ts';

const k6 = findK6();
const skipK6 = k6 === undefined && 'k6 is not on PATH';

/** Calls 10, 30 and 50 go wrong, each in a way of its own. */
async function gateway() {
  const seen = new Map<string, number>();
  const stub = await stubGateway(({ method, input, id }, response) => {
    if (id !== undefined) seen.set(id, (seen.get(id) ?? 0) + 1);
    const value = method === 'pi' ? expectedPi(input as number) : input;
    if (id === 'run-10') return rightAnswer(response, Number(value) + 1e-9);
    if (id === 'run-30') return failure(response, 'UNAVAILABLE', true);
    if (id === 'run-50') return void response.destroy();
    rightAnswer(response, value);
  });
  return { ...stub, seen };
}

const proof = (url: string): LoadPlan => ({
  load: {
    kind: 'proof',
    startRate: 20,
    stages: [
      { target: 100, duration: 500 },
      { target: 100, duration: 60_000 },
    ],
  },
  ...{ url, run: 'run', n: 93, unsafe: 0.05, deadline: 2000 },
});

const kinds: [name: string, make: (directory: string) => Promise<LoadGenerator>, skip: string | false][] = [
  ['the built-in generator', async (directory) => builtInGenerator(directory), false],
  ['k6', () => k6Generator({ command: k6! }), skipK6],
];

for (const [name, make, skip] of kinds) {
  describe(name, { skip }, () => {
    let directory: string;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    });
    after(() => rmSync(directory, { recursive: true, force: true }));

    it('makes the calls of the plan, writes each down, and judges the answers', async (t) => {
      const stub = await gateway();
      t.after(stub.close);
      const book = new SampleBook();
      const generator = await make(directory);
      const load = await generator.start(proof(stub.url), (record) => book.add(record));
      t.after(() => load.kill());
      const deadline = systemClock.now() + 30_000;
      while (book.size < 120 && systemClock.now() < deadline) await systemClock.sleep(50);
      load.stop();
      const end = await within(systemClock, 30_000, load.ended);
      assert.equal(end?.state, 'finished');
      const { samples } = book;
      assert.deepEqual(book.contradictions, []);
      assert.ok(samples.length >= 120, `${samples.length} calls`);
      assert.equal(end?.state === 'finished' && end.record.due, samples.length);
      assert.deepEqual(
        samples.map(({ id }) => id).sort(),
        Array.from({ length: samples.length }, (_, index) => `run-${index}`).sort(),
        'no number is left out',
      );
      for (const { id } of samples) {
        // k6 cuts off what is in flight when it is told to stop.
        if (samples.find((one) => one.id === id)!.end !== undefined)
          assert.equal(stub.seen.get(id), 1, `${id} was sent once`);
      }
      const outcome = (index: number) => samples.find(({ id }) => id === `run-${index}`)!.end!;
      assert.equal(outcome(9).outcome, 'ok');
      assert.equal(outcome(9).attempts, 2);
      assert.equal(outcome(9).node, 'node-1');
      assert.equal(outcome(10).outcome, 'WRONG');
      assert.equal(outcome(30).outcome, 'UNAVAILABLE');
      assert.equal(outcome(30).mayHaveExecuted, true);
      assert.match(outcome(50).outcome, /^NO_ANSWER\//);
      assert.equal(samples.find(({ id }) => id === 'run-19')!.unsafe, true);
      for (const { intended, sent, end } of samples) {
        // k6 gives whole milliseconds.
        assert.ok(intended <= sent + 1 && sent <= (end?.at ?? sent) + 1, JSON.stringify({ intended, sent, end }));
      }
      const [first, last] = [samples[59]!, samples[109]!];
      const spacing = (last.intended - first.intended) / 50;
      assert.ok(Math.abs(spacing - 10) < 0.5, `calls are due every ${spacing} ms`);
    });

    it('leaves behind what it did when it is killed', async (t) => {
      const stub = await gateway();
      t.after(stub.close);
      const book = new SampleBook();
      const load = await (await make(directory)).start(proof(stub.url), (record) => book.add(record));
      t.after(() => load.kill());
      const deadline = systemClock.now() + 30_000;
      while (book.size < 30 && systemClock.now() < deadline) await systemClock.sleep(50);
      process.kill(load.pid!, 'SIGKILL');
      const end = await within(systemClock, 30_000, load.ended);
      assert.equal(end?.state, 'died');
      assert.match(end?.state === 'died' ? end.how : '', /SIGKILL/);
      assert.ok(book.size >= 30);
    });

    it('says that it ended before its time when it cannot even begin', async () => {
      const plan: LoadPlan = { ...proof('not-a-url'), run: 'run' };
      const load = await (await make(directory)).start(plan, () => {});
      await within(systemClock, 2000, load.ended);
      load.stop();
      const end = await within(systemClock, 30_000, load.ended);
      const why = name === 'k6' ? /exit code 107: URL="not-a-url": expected the URL of a gateway/ : /Invalid URL/;
      assert.match(end?.state === 'died' ? end.how : '', why);
    });
  });
}

it('what a killed k6 left torn is no call', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const command = join(directory, 'k6');
  const sent = `{"metric":"evenkeel_sent","data":{"value":1,"tags":{"call":"pi"},"metadata":{"id":"run-0","began":"1"}}}`;
  const program = `[ "$1" = version ] && exec echo 'k6 v1.8.1'\nprintf '%s\\n%s' '${sent}' '${sent.slice(0, 60)}'\nkill -KILL $$\n`;
  writeFileSync(command, `#!/bin/sh\n${program}`, { mode: 0o755 });
  const book = new SampleBook();
  const load = await (await k6Generator({ command })).start(proof('http://127.0.0.1:1'), (record) => book.add(record));
  const end = await within(systemClock, 30_000, load.ended);
  assert.equal(end?.state === 'died' ? end.how : '', 'SIGKILL');
  assert.deepEqual(
    book.samples.map(({ id }) => id),
    ['run-0'],
  );
});

it('k6 and the built-in generator see the same, at the same time, on the same servers', {
  skip: skipK6,
}, async (t) => {
  let stall: { until: Promise<void> } | undefined;
  const stub = await stubGateway(async ({ method, input }, response) => {
    await systemClock.sleep(100);
    await stall?.until;
    rightAnswer(response, method === 'pi' ? expectedPi(input as number) : input);
  });
  t.after(stub.close);
  const runs = await Promise.all(
    kinds.map(async ([name, make]) => {
      const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
      t.after(() => rmSync(directory, { recursive: true, force: true }));
      const book = new SampleBook();
      const stages = [{ target: 50, duration: 60_000 }];
      const plan: LoadPlan = { ...proof(stub.url), run: name, load: { kind: 'proof', startRate: 50, stages } };
      const load = await (await make(directory)).start(plan, (record) => book.add(record));
      t.after(() => load.kill());
      return { name, book, load };
    }),
  );
  const made = (count: number) => runs.every(({ book }) => book.size >= count);
  await until(() => made(50), 'both to be under way');
  // A second in which nothing is answered: who counts from the sending, or waits with the next call, sees less of it.
  const going = Promise.withResolvers<void>();
  stall = { until: going.promise };
  await systemClock.sleep(1_000);
  stall = undefined;
  going.resolve();
  const before = Math.max(...runs.map(({ book }) => book.size));
  await until(() => made(before + 50), 'both to go on');
  const [one, other] = await Promise.all(
    runs.map(async ({ name, book, load }) => {
      load.stop();
      assert.equal((await within(systemClock, 30_000, load.ended))?.state, 'finished', name);
      const answered = book.samples.filter(({ end }) => end?.outcome === 'ok');
      const latencies = answered.map(({ intended, end }) => end!.at - intended).sort((a, b) => a - b);
      const slow = latencies.filter((ms) => ms > 400).length;
      return { median: latencies[latencies.length >> 1]!, longest: latencies.at(-1)!, slow };
    }),
  );
  const seen = JSON.stringify({ one, other });
  for (const figure of ['median', 'longest', 'slow'] as const) {
    const ratio = one![figure] / other![figure];
    assert.ok(ratio > 0.7 && ratio < 1.4, `${figure}: ${seen}`);
  }
  assert.ok(one!.slow > 20, `as many calls as were due in that second: ${seen}`);
  t.diagnostic(seen);
});

it('users of a capacity load call again as soon as they are answered', async (t) => {
  let atOnce = 0;
  let most = 0;
  const stub = await stubGateway(async ({ input }, response) => {
    most = Math.max(most, ++atOnce);
    await systemClock.sleep(20);
    atOnce--;
    rightAnswer(response, expectedPi(input as number));
  });
  t.after(stub.close);
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const book = new SampleBook();
  const plan: LoadPlan = { ...proof(stub.url), unsafe: 0, load: { kind: 'capacity', users: 4, duration: 500 } };
  const load = await builtInGenerator(directory).start(plan, (record) => book.add(record));
  const end = await within(systemClock, 30_000, load.ended);
  assert.equal(end?.state, 'finished');
  assert.equal(most, 4);
  assert.ok(book.size >= 8, `${book.size} calls`);
  assert.ok(book.samples.every((sample) => sample.end?.outcome === 'ok'));
});

it('holds all the calls of a deadline when nobody answers, drops none of them, and ends', async (t) => {
  const stub = await stubGateway(() => {});
  t.after(stub.close);
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const book = new SampleBook();
  const plan: LoadPlan = {
    ...proof(stub.url),
    deadline: 1000,
    load: {
      kind: 'proof',
      startRate: 10,
      stages: [
        { target: 10, duration: 0 },
        { target: 40, duration: 1000 },
      ],
    },
  };
  const load = await builtInGenerator(directory).start(plan, (record) => book.add(record));
  t.after(() => load.kill());
  const end = await within(systemClock, 30_000, load.ended);
  const dropped = book.dropped.reduce((sum, { count }) => sum + count, 0);
  assert.equal(dropped, 0);
  assert.equal(end?.state === 'finished' && end.record.due, 25);
  assert.ok(book.samples.every((sample) => sample.end?.outcome.startsWith('NO_ANSWER/')));
});
