/** The scripts of loadtest/ with real k6, through a real gateway to a real server: green when all is well, red when it is not. */
import assert from 'node:assert/strict';
import { type ExecFileException, execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectRaw } from '../src/client/connect-raw.ts';
import { systemClock } from '../src/core/clock.ts';
import type { Handlers } from '../src/core/contract.ts';
import { RpcError } from '../src/core/error.ts';
import { silentLog } from '../src/core/log.ts';
import { startGateway } from '../src/gateway/gateway.ts';
import { findK6 } from '../src/load/generator/k6.ts';
import { makeMetrics } from '../src/ops/metrics.ts';
import { pi } from '../src/pi/contract.ts';
import { handlers } from '../src/pi/pi.ts';
import { serve } from '../src/server/serve.ts';

const folder = fileURLToPath(new URL('../loadtest/', import.meta.url));
const scripts = ['pi', 'smoke', 'soak', 'spike'] as const;
type Script = (typeof scripts)[number];

const k6 = findK6();
const skip = k6 === undefined && 'k6 is not on PATH';

/** Settings that make each of them short. */
const short: Record<Script, Record<string, string>> = {
  pi: { RATE: '40', DURATION: '2' },
  smoke: { ROUNDS: '2' },
  soak: { RATE: '30', DURATION: '2' },
  spike: { RATE: '10', BEFORE: '1', PEAK: '1', AFTER: '1' },
};

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** `k6 run`, as one would type it. */
function run(script: string, settings: Record<string, string>): Promise<Run> {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const args = ['run', '--no-color', '--no-usage-report', '--quiet', '--address', 'localhost:0', ...flags, script];
  return new Promise((resolve) => {
    execFile(k6!, args, { timeout: 120_000 }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** The metrics whose thresholds were crossed. */
function crossed({ stderr }: Run): string[] {
  const [, names = ''] = /thresholds on metrics '([^']*)' have been crossed/.exec(stderr) ?? [];
  return names.split(', ').filter((name) => name !== '');
}

/** How many `what` the summary counts, such as `iterations`. */
function counted({ stdout }: Run, what: string): number {
  return Number(new RegExp(`^\\s*${what}\\.*: (\\d+)`, 'm').exec(stdout)?.[1]);
}

const right = (n: number) => handlers.pi(n, undefined as never);

/** A server with these handlers, and a gateway before it. */
async function stack(changes: Partial<Handlers<typeof pi.methods>> = {}) {
  const server = await serve(pi, { ...handlers, ...changes }, { listen: '127.0.0.1:0', drainDelay: 0 });
  const client = connectRaw(undefined, { registry: `static:127.0.0.1:${server.port}`, log: silentLog });
  const listen = { host: '127.0.0.1', port: 0 };
  const gateway = await startGateway({ client, log: silentLog, listen, metrics: makeMetrics({ process: false }) });
  return {
    URL: `http://127.0.0.1:${gateway.port}`,
    async close() {
      await gateway.close();
      await client.close(0);
      await server.close();
    },
  };
}

describe('the scripts of loadtest/', { skip, concurrency: 2 }, () => {
  const stacks = new Map<string, Awaited<ReturnType<typeof stack>>>();
  before(async () => {
    stacks.set('well', await stack());
    stacks.set('wrong', await stack({ pi: async (n) => (await right(n)) + (n === 95 ? 1e-10 : 0) }));
    stacks.set(
      'failing',
      await stack({
        pi(n) {
          if (n === 95) throw new RpcError('DATA_LOSS', 'it is gone');
          return right(n);
        },
      }),
    );
    stacks.set(
      'slow',
      await stack({
        async pi(n) {
          await systemClock.sleep(30);
          return right(n);
        },
      }),
    );
    stacks.set('silent', await stack({ pi: () => new Promise(() => {}) }));
  });
  after(async () => {
    for (const each of stacks.values()) await each.close();
  });

  const on = (name: string, script: Script, more: Record<string, string> = {}) =>
    run(join(folder, `${script}.ts`), { URL: stacks.get(name)!.URL, ...short[script], ...more });

  // A machine that is busy with other tests is no reason to be red here.
  const patient = { P95: '4000', P99: '5000' };

  for (const script of scripts) {
    it(`${script}: is green when all is well`, async () => {
      const result = await on('well', script, patient);
      assert.equal(result.code, 0, result.stderr + result.stdout);
      assert.ok(counted(result, 'checks_total') >= 30, result.stdout);
    });

    it(`${script}: is red when one digit is wrong`, async () => {
      const result = await on('wrong', script, patient);
      assert.equal(result.code, 99, result.stderr + result.stdout);
      assert.deepEqual(crossed(result), ['checks']);
      assert.match(result.stdout, /✗ the answer is right/);
    });

    it(`${script}: is red when a call fails`, async () => {
      const result = await on('failing', script, patient);
      assert.equal(result.code, 99, result.stderr + result.stdout);
      assert.deepEqual(crossed(result).sort(), ['checks', 'http_req_failed']);
    });

    it(`${script}: is red when it is slow`, async () => {
      const result = await on('slow', script, { P95: '5000', P99: '20' });
      assert.equal(result.code, 99, result.stderr + result.stdout);
      assert.deepEqual(crossed(result), ['evenkeel_call']);
      assert.match(result.stdout, /✗ 'p\(99\)<20'/);
    });
  }

  for (const script of ['pi', 'soak', 'spike'] as const) {
    it(`${script}: is red when calls that were due are not made`, async () => {
      const result = await on('silent', script, { ...patient, DEADLINE: '1000', CONCURRENCY: '5' });
      assert.equal(result.code, 99, result.stderr + result.stdout);
      assert.deepEqual(crossed(result).sort(), ['checks', 'dropped_iterations', 'http_req_failed']);
    });
  }

  it('pi: makes the calls that are due, and each has its own id', async () => {
    const result = await on('well', 'pi', {
      STAGES: '[{"target": 40, "duration": 0}, {"target": 40, "duration": 1000}]',
    });
    assert.equal(result.code, 0, result.stderr);
    assert.ok(Math.abs(counted(result, 'iterations') - 40) <= 1, result.stdout);
  });

  it('pi: makes calls without a pause as a capacity load', async () => {
    const result = await on('well', 'pi', { KIND: 'capacity', USERS: '3', DURATION: '1' });
    assert.equal(result.code, 0, result.stderr);
    assert.ok(counted(result, 'iterations') > 20, result.stdout);
  });

  it('spike: makes ten times as many calls at the peak', async () => {
    const result = await on('well', 'spike', {
      RATE: '8',
      BEFORE: '1',
      PEAK: '2',
      AFTER: '1',
      P95: '4000',
      P99: '5000',
    });
    // 8 + 160 + 8, and one more or less where k6 begins a stage.
    assert.ok(Math.abs(counted(result, 'iterations') - 176) <= 4, result.stdout);
  });

  const wrong: [script: Script, name: string, value: string, says: RegExp][] = [
    ['pi', 'URL', 'gateway:8080', /URL="gateway:8080": expected the URL of a gateway, such as http:/],
    ['pi', 'KIND', 'both', /KIND="both": expected one of proof, capacity/],
    ['pi', 'RATE', 'fast', /RATE="fast": expected a number of at least 1/],
    ['pi', 'UNSAFE', '1.5', /UNSAFE="1.5": expected a number from 0 to 1/],
    ['pi', 'N', '100000000', /N="100000000": expected a number from 0 to 99999994/],
    ['pi', 'STAGES', '10', /STAGES="10": expected JSON such as \[\{"target": 100, "duration": 5000\}\]/],
    ['pi', 'STAGES', '[{"target": 10}]', /expected JSON such as/],
    ['pi', 'DEADLINE', '2.5', /DEADLINE="2.5": expected a whole number/],
    ['smoke', 'ROUNDS', '0', /ROUNDS="0": expected a number from 1 to 10000/],
    ['soak', 'DURATION', '0', /DURATION="0": expected a number of at least 1/],
    ['soak', 'P95', 'x', /P95="x": expected a number of at least 1/],
    ['spike', 'FACTOR', '-1', /FACTOR="-1": expected a number from 1 to 1000/],
  ];
  for (const [script, name, value, says] of wrong) {
    it(`${script}: says what is wrong with ${name}=${value}`, async () => {
      const { code, stderr } = await run(join(folder, `${script}.ts`), { [name]: value });
      assert.match(stderr.replaceAll('\\"', '"'), says);
      assert.equal(code, 107, 'k6 says that the script threw');
    });
  }

  it('find what they share when they come from a ConfigMap, where each file is a link', async (t) => {
    const mounted = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    t.after(() => rmSync(mounted, { recursive: true, force: true }));
    mkdirSync(join(mounted, '..2026_11_21'));
    symlinkSync('..2026_11_21', join(mounted, '..data'));
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      cpSync(join(folder, file), join(mounted, '..2026_11_21', file));
      symlinkSync(`..data/${file}`, join(mounted, file));
    }
    const { URL } = stacks.get('well')!;
    const result = await run(join(mounted, 'smoke.ts'), { URL, ROUNDS: '1', ...patient });
    assert.equal(result.code, 0, result.stderr);
  });
});

describe('the heads of the scripts', () => {
  for (const script of scripts) {
    it(`of ${script}.ts lists every setting that it reads, and no other`, () => {
      const read = (name: string) => readFileSync(join(folder, `${name}.ts`), 'utf8');
      const [head = ''] = /\/\*\*[\s\S]*?\*\//.exec(read(script)) ?? [];
      const listed = [...head.matchAll(/^ \* {3}([A-Z\d]+(?:, [A-Z\d]+)*) {2,}\S/gm)].flatMap(([, names]) =>
        names!.split(', '),
      );
      const taken = (text: string) =>
        [...text.matchAll(/\b(?:setting|number|whole|word)\('([A-Z\d]+)'/g)].map(([, name]) => name!);
      // Read where it is needed, and a script of few calls does not need it.
      const shared = taken(read('shared')).filter(
        (name) => name !== 'CONCURRENCY' || read(script).includes('concurrency('),
      );
      const wanted = new Set([...taken(read(script)), ...shared]);
      assert.deepEqual(listed.sort(), [...wanted].sort());
    });
  }
});
