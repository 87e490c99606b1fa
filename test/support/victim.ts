/** A server in a process of its own that gets bad input, and witnesses who see that it serves others all the while. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { systemClock } from '../../src/core/clock.ts';
import { tcp } from '../../src/transport/network.ts';
import type { Limits } from '../../src/wire/limits.ts';
import { RawPeer } from './raw-peer.ts';
import { until } from './until.ts';
import type { Report } from './victim-process.ts';
import { victim } from './victim-service.ts';

export class Victim {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #stderr: string[] = [];
  #questions = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    child.stderr!.on('data', (text) => void this.#stderr.push(String(text)));
  }

  static async start(t: TestContext, limits: Partial<Limits> = {}): Promise<Victim> {
    const file = new URL('./victim-process.ts', import.meta.url);
    const child = fork(file, [JSON.stringify(limits)], { execArgv: [], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    t.after(async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Victim(child, port);
  }

  /** A client by hand. */
  knock(reads = true): RawPeer {
    return new RawPeer(tcp.connect('127.0.0.1', this.port), reads);
  }

  /** What it logged since it was asked last, and its memory. Fails if the process is not there any more. */
  async report(): Promise<Report> {
    this.assertAlive();
    const id = ++this.#questions;
    const answer = Promise.withResolvers<Report>();
    const listener = (message: { id: number; report: Report }) => {
      if (message.id === id) answer.resolve(message.report);
    };
    this.#child.on('message', listener);
    this.#child.send({ id, of: 'facts' });
    let report: Report | undefined;
    void answer.promise.then((value) => {
      report = value;
    });
    await until(() => {
      this.assertAlive();
      return report !== undefined;
    }, 'the report of the victim');
    this.#child.off('message', listener);
    return report!;
  }

  assertAlive(): void {
    const { exitCode, signalCode } = this.#child;
    assert.ok(
      exitCode === null && signalCode === null,
      `the server is gone: ${exitCode ?? signalCode} ${this.#stderr}`,
    );
  }

  /** Calls it over and over, framed and classic, until it is asked what came of it. */
  witness(t: TestContext): { settle(): Promise<void> } {
    let calls = 0;
    const failures: unknown[] = [];
    const stop = new AbortController();
    const watch = async (protocol: 'framed' | 'classic') => {
      await using client = connect(victim, {
        registry: `static:127.0.0.1:${this.port};protocol=${protocol}`,
        timeout: 30_000,
        attempts: 1,
        hedging: false,
      });
      while (!stop.signal.aborted) {
        try {
          const n = calls++;
          assert.equal(await client.double(n), 2 * n);
        } catch (error) {
          failures.push(error);
        }
        await systemClock.sleep(5);
      }
    };
    const watching = Promise.all([watch('framed'), watch('classic')]);
    const settle = async () => {
      stop.abort();
      await watching;
      assert.deepEqual(failures, []);
      assert.ok(calls >= 2, `${calls} calls`);
      this.assertAlive();
    };
    t.after(() => stop.abort());
    return { settle };
  }
}
