import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { LocalCluster } from './local/cluster.ts';
import { ProcessGuard } from './local/guard.ts';
import { type RunOptions, type RunResult, run } from './run.ts';

export interface DemoOptions
  extends Pick<RunOptions, 'scenario' | 'load' | 'report' | 'view' | 'signal' | 'deadline' | 'clock' | 'onMoment'> {
  /** How evenkeel is run: program and first arguments, e.g. `[process.execPath, '/app/src/cli/main.ts']`. */
  command: readonly string[];
  /** Path of the module that the servers serve: it keeps a ledger (ledger.ts) and has the method `append`. */
  module: string;
  /** A ZooKeeper that runs already. Default: the embedded one. */
  zookeeper?: { host: string; port: number } | undefined;
  /** Worker processes of each server. Default 2. */
  processes?: number;
  /** More arguments for `evenkeel serve` and `evenkeel gateway`: tests switch protection off with them. */
  serverArguments?: readonly string[];
  gatewayArguments?: readonly string[];
}

/** Plays a scenario on processes of this machine. Whatever happens, nothing that it started is left. */
export async function runDemo(options: DemoOptions): Promise<RunResult> {
  const { scenario, clock = systemClock, processes = 2 } = options;
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-demo-'));
  const guard = new ProcessGuard();
  guard.tidy(directory);
  try {
    return await run({
      ...options,
      ...{ directory, guard, clock, interrupted: 'discard', title: 'evenkeel demo' },
      cluster: new LocalCluster({ ...options, processes, ledger: directory, guard, clock }),
      starting: `Starting ZooKeeper, ${scenario.servers} servers with ${processes} processes each, and a gateway ...`,
    });
  } finally {
    // It ends what might still be there, and deletes the folder; the second is done here too, for where it could not start.
    await guard.close();
    await rm(directory, { recursive: true, force: true });
  }
}
