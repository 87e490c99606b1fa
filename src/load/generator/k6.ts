import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { ProcessGuard } from '../local/guard.ts';
import { type LoadPlan, lengthOf } from '../plan.ts';
import type { LoadEnd } from '../recording.ts';
import { WholeLines } from '../whole-lines.ts';
import type { LoadGenerator } from './generator.ts';
import { K6Reader } from './k6-reader.ts';

/** Path of the k6 on PATH, if there is one. */
export function findK6(path = process.env.PATH ?? ''): string | undefined {
  const name = process.platform === 'win32' ? 'k6.exe' : 'k6';
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** What k6 exits with when its thresholds were crossed (they are not ours), and when it was told to stop. */
const crossed = 99;
const aborted = 105;

export interface K6Options {
  /** Path of k6. */
  command: string;
  /** Ends k6 should this process die. */
  guard?: ProcessGuard;
  clock?: Clock;
}

/** k6 with loadtest/pi.ts. Throws a sentence when that k6 does not run. */
export async function k6Generator(options: K6Options): Promise<LoadGenerator> {
  const { command, guard, clock = systemClock } = options;
  const { stdout } = await promisify(execFile)(command, ['version'], { timeout: 20_000 }).catch((cause: Error) => {
    throw new Error(`${command} does not run: ${cause.message.split('\n')[0]}`, { cause });
  });
  return {
    name: /k6 v?\d\S*/.exec(stdout)?.[0].replace(' v', ' ') ?? 'k6',
    async start(plan, listener) {
      const script = fileURLToPath(new URL('../../../loadtest/pi.ts', import.meta.url));
      const child = spawn(command, [...fixedArguments, ...settings(plan), script], {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let complaint = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaint = (complaint + text).slice(-2000);
      });
      const exited = new Promise<number | string>((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('close', (code, signal) => resolve(signal ?? code ?? 'unknown'));
      });
      const reader = new K6Reader(plan, listener);
      // A line for each figure of each call, some 4 KiB a call: a pipe, as a file would fill a disk. What a killed k6 wrote is read.
      const lines = new WholeLines();
      child.stdout.on('data', (bytes: Buffer) => {
        for (const line of lines.add(bytes)) reader.line(line);
      });
      let toldAt: number | undefined;
      const ended = (async (): Promise<LoadEnd> => {
        const how = await exited;
        const at = clock.wallTime();
        if (child.pid !== undefined) guard?.release(child.pid);
        const wasTold = how === aborted && toldAt !== undefined;
        const record = reader.finish(toldAt ?? at);
        if (wasTold || how === 0 || how === crossed) {
          return { state: 'finished', record, ...(wasTold && { cutAt: toldAt! }) };
        }
        const code = typeof how === 'number' ? `exit code ${how}` : how;
        return { state: 'died', at, how: complaint === '' ? code : `${code}: ${message(complaint)}` };
      })();
      await once(child, 'spawn');
      guard?.watch(child.pid!);
      return {
        pid: child.pid,
        ended,
        stop() {
          toldAt ??= clock.wallTime();
          child.kill('SIGINT');
        },
        kill: () => child.kill('SIGKILL'),
      };
    },
  };
}

/** Nothing but samples goes to standard output. */
const fixedArguments = [
  'run',
  '--quiet',
  '--no-color',
  '--no-usage-report',
  '--summary-mode=disabled',
  '--out',
  'json=-',
];

function settings(plan: LoadPlan): string[] {
  const { load } = plan;
  const kind =
    load.kind === 'proof' ? { RATE: load.startRate, STAGES: JSON.stringify(load.stages) } : { USERS: load.users };
  const all = {
    KIND: load.kind,
    ...kind,
    DURATION: lengthOf(load) / 1000,
    URL: plan.url,
    N: plan.n,
    UNSAFE: plan.unsafe,
    DEADLINE: plan.deadline,
    RUN: plan.run,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
}

/** The message within a line of k6's log, without where in the script it came from. */
function message(log: string): string {
  const last = log.split('\n').findLast((line) => line.includes('level=error')) ?? log.trim().split('\n').at(-1) ?? '';
  const quoted = /msg=("(?:[^"\\]|\\.)*")/.exec(last)?.[1];
  if (quoted === undefined) return last;
  try {
    return (JSON.parse(quoted) as string).split('\n')[0]!.replace(/^Error: /, '');
  } catch {
    return quoted;
  }
}
