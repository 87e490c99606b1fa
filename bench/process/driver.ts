/** `driver.ts NAME PORT`: the client of a contender. Plays each job it is sent and reports it. Ends with its parent. */
import { deepStrictEqual } from 'node:assert/strict';
import { systemClock as clock } from '../../src/core/clock.ts';
import { type Client, type Connect, type ContenderName, type Level, message } from '../contender.ts';

export interface Job {
  inFlight: Level;
  /** ms */
  warmUp: number;
  /** ms */
  measure: number;
}

/** `begun`: warm. The measured time starts now. */
export type FromDriver = { begun: true } | Measured;

export interface Measured {
  /** Calls per second. */
  rate: number;
  /** ms */
  p50: number;
  /** ms */
  p99: number;
  connections: number;
  calls: number;
  /** Microseconds of CPU time of this process while it measured. */
  cpu: number;
}

/** Durations of the newest calls, ms: enough for what is measured, and no allocation meanwhile. */
const durations = new Float64Array(1 << 21);

async function play(connect: Connect, port: number, job: Job): Promise<Measured> {
  const client = await connect(port, job.inFlight);
  deepStrictEqual(structuredClone(await client.call(message)), message);
  await closedLoop(client, job.inFlight, job.warmUp);
  process.send!({ begun: true } satisfies FromDriver);
  const before = process.cpuUsage();
  const { calls, took } = await closedLoop(client, job.inFlight, job.measure);
  const { user, system } = process.cpuUsage(before);
  const sorted = durations.subarray(0, Math.min(calls, durations.length)).sort();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!;
  const { connections } = client;
  await client.close();
  return { rate: (calls * 1_000) / took, p50: at(0.5), p99: at(0.99), connections, calls, cpu: user + system };
}

/** Keeps `inFlight` calls on their way for so long. */
async function closedLoop(client: Client, inFlight: number, ms: number): Promise<{ calls: number; took: number }> {
  let calls = 0;
  const begin = clock.now();
  const loop = async () => {
    for (let sent = clock.now(); sent - begin < ms; ) {
      await client.call(message);
      const now = clock.now();
      durations[calls++ & (durations.length - 1)] = now - sent;
      sent = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return { calls, took: clock.now() - begin };
}

process.on('disconnect', () => process.exit());
const name = process.argv[2] as ContenderName;
const { connect } = (await import(`../contenders/${name}/client.ts`)) as { connect: Connect };
process.on('message', (job: Job) => {
  play(connect, Number(process.argv[3]), job).then(
    (measured) => process.send!(measured satisfies FromDriver),
    (cause) => {
      process.stderr.write(`${name}: ${cause.stack}\n`);
      process.exit(1);
    },
  );
});
process.send!({ ready: true });
