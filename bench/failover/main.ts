/** `npm run bench:failover [-- --only NAMES] [--deadline MS,MS] [--json FILE] [--quick]`: what callers feel of faults, side by side. */
import { writeFileSync } from 'node:fs';
import { ProcessGuard } from '../../src/load/local/guard.ts';
import { environment } from '../environment.ts';
import { doubts, type FailoverFigures } from './figures.ts';
import { type FailoverOptions, readFailoverOptions } from './options.ts';
import { play } from './play.ts';
import { printFailover } from './print.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

const { contenders, deadlines, scenario, json } = readOptionsOrExit();
const figures: FailoverFigures = { environment: environment(), scenario, runs: [] };
// It ends all servers when this process does, however it does.
const guard = new ProcessGuard();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    // What is being played ends in errors now.
    process.on('uncaughtException', () => {});
    guard.close().then(() => process.exit(130));
  });
}
for (const deadline of deadlines) {
  for (const contender of contenders) {
    say(`${contender}, deadline ${deadline} ms`);
    figures.runs.push(await play(contender, deadline, scenario, guard));
  }
}
await guard.close();
process.stdout.write(printFailover(figures));
if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
if (figures.runs.some((run) => doubts(run).length > 0)) process.exitCode = 1;

function readOptionsOrExit(): FailoverOptions {
  try {
    return readFailoverOptions(process.argv.slice(2));
  } catch (error) {
    say((error as Error).message);
    process.exit(2);
  }
}
