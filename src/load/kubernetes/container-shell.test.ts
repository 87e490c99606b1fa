import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { script } from './container-shell.ts';

/**
 * The script in a real shell, with a made-up table of processes, and signals that are only written down. The processes have
 * numbers that no system gives.
 */
class Shell {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    // The built-in gives way to a function of that name. What the script starts itself it may end.
    const prelude = `kill() { case "$*" in *-*) echo "$*" >> ${folder}/signals;; *) command kill "$@";; esac; }; read -r go\n`;
    this.#child = spawn('sh', ['-c', prelude + script.replaceAll('/proc/', `${folder}/`)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  static async start(t: TestContext): Promise<Shell> {
    const folder = await mkdtemp(join(tmpdir(), 'evenkeel-test-'));
    const shell = new Shell(folder);
    t.after(async () => {
      shell.#child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    });
    await shell.process(shell.pid, { state: 'S' });
    shell.#child.stdin.write('go\n');
    return shell;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async process(
    pid: number,
    { group = 'own', state = 'S', parent = 0 }: { group?: string; state?: string; parent?: number },
  ) {
    await mkdir(join(this.#folder, String(pid)), { recursive: true });
    await writeFile(join(this.#folder, String(pid), 'cgroup'), `2:cpu:/pod/${group}\n1:memory:/pod/${group}\n`);
    await writeFile(join(this.#folder, String(pid), 'stat'), `${pid} (a (strange) name) ${state} ${parent} 1 2 3\n`);
  }

  async ask(command: string): Promise<string[]> {
    this.#child.stdin.write(`${command}\n`);
    const lines: string[] = [];
    for (;;) {
      const { done, value } = await this.#lines.next();
      assert.ok(!done, 'the shell ended');
      if (value === '.') return lines;
      lines.push(value);
    }
  }

  async signals(): Promise<string[]> {
    const text = await readFile(join(this.#folder, 'signals'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

describe('the shell beside a server', () => {
  it('knows the processes of its container, and no others', async (t) => {
    const shell = await Shell.start(t);
    await shell.process(9000001, { group: 'pause' });
    await shell.process(9000007, {});
    await shell.process(9000020, { state: 'R', parent: 9000007 });
    await shell.process(9000021, { state: 'Z', parent: 9000007 });
    await shell.process(9000030, { group: 'ledger' });
    await shell.process(9000040, { parent: shell.pid });
    assert.deepEqual((await shell.ask('list')).toSorted(), ['9000007 S', '9000020 R']);
  });

  it('kills them', async (t) => {
    const shell = await Shell.start(t);
    await shell.process(9000007, {});
    await shell.process(9000020, { parent: 9000007 });
    await shell.ask('list');
    await shell.ask('kill');
    assert.deepEqual(await shell.signals(), ['-KILL 9000007 9000020']);
  });

  it('stops them, and lets them go on when told to', async (t) => {
    const shell = await Shell.start(t);
    await shell.process(9000007, {});
    await shell.ask('list');
    await shell.ask('stop 60');
    // Again, for some that came late: there is still one guard.
    await shell.ask('stop 60');
    assert.deepEqual(await shell.signals(), ['-STOP 9000007', '-STOP 9000007']);
    await shell.ask('continue');
    await shell.end();
    assert.deepEqual(await shell.signals(), ['-STOP 9000007', '-STOP 9000007', '-CONT 9000007', '-CONT 9000007']);
  });

  it('lets them go on when nobody is there any more', async (t) => {
    const shell = await Shell.start(t);
    await shell.process(9000007, {});
    await shell.ask('list');
    await shell.ask('stop 60');
    await shell.end();
    assert.deepEqual(await shell.signals(), ['-STOP 9000007', '-CONT 9000007']);
  });

  it('lets them go on after their time, though the connection hangs', async (t) => {
    const shell = await Shell.start(t);
    await shell.process(9000007, {});
    await shell.ask('list');
    await shell.ask('stop 1');
    await until(async () => (await shell.signals()).length === 2, 'it to go on');
    assert.deepEqual(await shell.signals(), ['-STOP 9000007', '-CONT 9000007']);
  });

  it('is not let go by the guard of an earlier stop', async (t) => {
    const shell = await Shell.start(t);
    await shell.process(9000007, {});
    await shell.ask('list');
    await shell.ask('stop 3');
    await shell.ask('continue');
    await shell.ask('stop 60');
    await systemClock.sleep(3_500);
    assert.deepEqual(await shell.signals(), ['-STOP 9000007', '-CONT 9000007', '-STOP 9000007']);
    // Killed, it would leave its guard for a minute, and whoever runs the tests would wait for that.
    await shell.end();
  });

  it('does nothing when there is nobody', async (t) => {
    const shell = await Shell.start(t);
    assert.deepEqual(await shell.ask('list'), []);
    await shell.ask('kill');
    await shell.end();
    assert.deepEqual(await shell.signals(), []);
  });
});
