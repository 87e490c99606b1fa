/** Work that keeps a core busy: what k processes of evenkeel get done, against k plain loops under the same generator. */
import { systemClock as clock } from '../src/core/clock.ts';
import { approximatePi } from '../src/pi/pi.ts';
import type { Options } from './options.ts';
import { Child } from './process/child.ts';
import type { PiJob } from './process/pi-driver.ts';
import { type Spread, spread } from './spread.ts';

export interface PiFigures {
  processes: number;
  n: number;
  /** ms that one call takes in a plain loop */
  work: number;
  /** Calls per second. */
  plain: Spread;
  evenkeel: Spread;
  /** evenkeel by plain, in the same round. */
  ratio: Spread;
}

/** What one call shall take at least, ms. */
const work = 5;

export async function measurePi(options: Options): Promise<PiFigures[]> {
  const { n, ms } = calibrate();
  const sizes = [1, 2].map((processes) => ({ processes, plain: [] as number[], evenkeel: [] as number[] }));
  for (let round = 0; round < options.rounds; round++) {
    for (const { processes, plain, evenkeel } of sizes) {
      const job = { processes, n, warmUp: options.warmUp, measure: options.measure };
      plain.push(await run({ ...job, kind: 'plain' }));
      evenkeel.push(await run({ ...job, kind: 'evenkeel' }));
    }
  }
  return sizes.map(({ processes, plain, evenkeel }) => ({
    processes,
    n,
    work: ms,
    plain: spread(plain),
    evenkeel: spread(evenkeel),
    ratio: spread(evenkeel.map((rate, round) => rate / plain[round]!)),
  }));
}

async function run(job: Omit<PiJob, 'ports'>): Promise<number> {
  const { kind, processes } = job;
  const servers =
    kind === 'plain'
      ? Array.from({ length: processes }, () => new Child('./pi-server.ts', ['plain']))
      : [new Child('./pi-server.ts', ['evenkeel', String(processes)])];
  const driver = new Child('./pi-driver.ts');
  try {
    await driver.next();
    const ports = await Promise.all(servers.map((server) => server.next<number>()));
    return await driver.ask<number>({ ...job, ports });
  } finally {
    await driver.close();
    await Promise.all(servers.map((server) => server.close()));
  }
}

/** The smallest n of the form 10^6 x 2^i whose work is long enough here, and how long it takes. */
function calibrate(): { n: number; ms: number } {
  approximatePi(1e6);
  for (let n = 1e6; ; n *= 2) {
    const begin = clock.now();
    approximatePi(n);
    const ms = clock.now() - begin;
    if (ms >= work) return { n, ms: Math.round(ms * 10) / 10 };
  }
}
