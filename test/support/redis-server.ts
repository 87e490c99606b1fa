/** A real redis-server as a process: killed, frozen, restarted. What it has is on disk, so that a restart keeps it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './apache-zookeeper.ts';
import { until } from './until.ts';

/** Why it cannot be started here; undefined where it can. */
export function redisMissing(): string | undefined {
  const { error } = spawnSync('redis-server', ['--version']);
  return error === undefined ? undefined : `there is no redis-server on PATH (${error.message})`;
}

export class RedisServer {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'evenkeel-redis-'));
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  /** One that ends with the test. */
  static async start(t: TestContext): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    t.after(() => server.#end());
    await server.restart();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  async restart(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#directory];
    // Its log goes to stdout; what it will not start with, to stderr.
    const log = openSync(this.#logFile, 'a');
    const child = spawn('redis-server', [...args, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#process = child;
    await until(
      async () => {
        const answers = await this.#answers();
        // Someone else may have taken the port meanwhile.
        if (child.exitCode !== null) throw new Error(`redis-server exited on port ${this.port}:\n${this.#said()}`);
        return answers;
      },
      () => `redis-server on port ${this.port}:\n${this.#said()}`,
    );
  }

  get #logFile(): string {
    return join(this.#directory, 'redis.log');
  }

  /** The end of what it said. */
  #said(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-25).join('\n');
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    const gone = once(this.#process!, 'exit');
    this.#process!.kill('SIGKILL');
    await gone;
  }

  freeze(): void {
    this.#process!.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process!.kill('SIGCONT');
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      const done = (value: boolean) => {
        socket.destroy();
        resolve(value);
      };
      socket.on('connect', () => socket.write('PING\r\n'));
      socket.on('data', (data) => done(data.toString().startsWith('+PONG')));
      socket.on('error', () => done(false));
      socket.on('close', () => done(false));
    });
  }

  async #end(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
