/** The contenders, side by side: each has its turn in every round, so that what disturbs the machine disturbs all. */
import { availableParallelism } from 'node:os';
import { type ContenderName, contenders, type Level, levels } from './contender.ts';
import type { Options } from './options.ts';
import { Child } from './process/child.ts';
import type { FromDriver, Job, Measured } from './process/driver.ts';
import type { Question } from './process/server.ts';
import { type Spread, spread } from './spread.ts';

export interface EchoFigures {
  contender: ContenderName;
  inFlight: Level;
  connections: number;
  /** Calls per second. */
  rate: Spread;
  /** Rate by the reference's rate in the same round. */
  ratio?: Spread;
  /** ms */
  p50: Spread;
  /** p50 by the reference's p50 in the same round. */
  p50Ratio?: Spread;
  /** ms */
  p99: Spread;
  /** CPU time of client and server together, microseconds per call. */
  cpu: Spread;
}

interface Sample extends Measured {
  contender: ContenderName;
  inFlight: Level;
  round: number;
  /** Microseconds per call, both processes. */
  cpuPerCall: number;
}

export async function measureEcho(options: Options, say: (line: string) => void): Promise<EchoFigures[]> {
  const samples: Sample[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const contender of options.contenders) {
      const turn = await takeTurn(contender, round, options);
      samples.push(...turn);
      const rates = turn.map(({ inFlight, rate }) => `${inFlight}: ${Math.round(rate)}/s`);
      say(`round ${round}/${options.rounds}  ${contender.padEnd(17)} ${rates.join('  ')}`);
    }
  }
  return options.contenders.flatMap((contender) => levels.map((inFlight) => summarise(samples, contender, inFlight)));
}

/** Fresh processes for every turn, so that no heap carries over. */
async function takeTurn(contender: ContenderName, round: number, options: Options): Promise<Sample[]> {
  const server = new Child('./server.ts', [contender]);
  let driver: Child | undefined;
  try {
    const port = await server.next<number>();
    driver = new Child('./driver.ts', [contender, String(port)]);
    await driver.next();
    if (availableParallelism() > 1) await Promise.all([server.pin(0), driver.pin(1)]);
    const samples: Sample[] = [];
    for (const inFlight of levels) {
      const job: Job = { inFlight, warmUp: options.warmUp, measure: options.measure };
      driver.send(job);
      await driver.next<FromDriver>();
      const before = await cpuOf(server);
      const measured = await driver.next<Measured>();
      const cpu = (await cpuOf(server)) - before + measured.cpu;
      samples.push({ ...measured, contender, inFlight, round, cpuPerCall: cpu / measured.calls });
    }
    return samples;
  } finally {
    await driver?.close();
    await server.close();
  }
}

const cpuOf = (server: Child) => server.ask<number>('cpu' satisfies Question);

function summarise(all: readonly Sample[], contender: ContenderName, inFlight: Level): EchoFigures {
  const samples = all.filter((sample) => sample.contender === contender && sample.inFlight === inFlight);
  const reference = (round: number) =>
    all.find((one) => one.contender === contenders[0] && one.inFlight === inFlight && one.round === round);
  const figures: EchoFigures = {
    contender,
    inFlight,
    connections: samples[0]!.connections,
    rate: spread(samples.map(({ rate }) => rate)),
    p50: spread(samples.map(({ p50 }) => p50)),
    p99: spread(samples.map(({ p99 }) => p99)),
    cpu: spread(samples.map(({ cpuPerCall }) => cpuPerCall)),
  };
  if (reference(1) === undefined) return figures;
  figures.ratio = spread(samples.map(({ rate, round }) => rate / reference(round)!.rate));
  figures.p50Ratio = spread(samples.map(({ p50, round }) => p50 / reference(round)!.p50));
  return figures;
}
