/** `npm run bench [-- --only NAMES] [--rounds N] [--quick] [--json FILE]`: evenkeel and its peers, side by side. */
import { writeFileSync } from 'node:fs';
import { measureEcho } from './echo.ts';
import { environment } from './environment.ts';
import type { Figures } from './figures.ts';
import { measureIdle } from './idle.ts';
import { readOptions } from './options.ts';
import { measurePi } from './pi.ts';
import { measurePicks } from './picks.ts';
import { print } from './print.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

const options = readOptionsOrExit();
const figures: Figures = { environment: environment(), rounds: options.rounds, measure: options.measure };
if (options.contenders.length > 0) figures.echo = await measureEcho(options, say);
if (options.extras.includes('pi')) figures.pi = await measurePi(options);
if (options.extras.includes('picks')) figures.picks = measurePicks(options);
if (options.extras.includes('idle')) figures.idle = await measureIdle(options);
process.stdout.write(print(figures));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);

function readOptionsOrExit() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    say((error as Error).message);
    process.exit(2);
  }
}
