/** `pi-driver.ts`: the generator. Plays each job it is sent and reports calls per second. Ends with its parent. */
import { systemClock as clock } from '../../src/core/clock.ts';
import { connect } from '../../src/index.ts';
import { pi } from '../../src/pi/contract.ts';
import { host } from '../contender.ts';
import { connectBare } from '../contenders/bare/client.ts';

export interface PiJob {
  /** `plain`: a port for each process. `evenkeel`: one for all of them. */
  ports: number[];
  kind: 'plain' | 'evenkeel';
  processes: number;
  n: number;
  /** ms */
  warmUp: number;
  /** ms */
  measure: number;
}

/** Calls in flight for each process: one at work, one that waits, so that no process waits for the generator. */
const inFlight = 2;

interface Caller {
  calls: ((n: number) => Promise<unknown>)[];
  close(): Promise<unknown>;
}

async function callers({ kind, ports, processes }: PiJob): Promise<Caller> {
  if (kind === 'plain') {
    const clients = await Promise.all(ports.map((port) => connectBare<number, number>(port)));
    return {
      calls: clients.flatMap((client) => Array.from({ length: inFlight }, () => client.call)),
      close: () => Promise.all(clients.map((client) => client.close())),
    };
  }
  // The servers are still starting.
  const registry = `static:${host}:${ports[0]};workers=${processes}`;
  const client = connect(pi, { registry, connectTimeout: 30_000 });
  const call = (n: number) => client.pi(n, { timeout: 30_000 });
  return { calls: Array.from({ length: inFlight * processes }, () => call), close: () => client.close(0) };
}

async function play(job: PiJob): Promise<number> {
  const { calls, close } = await callers(job);
  const loop = async (ms: number) => {
    const begin = clock.now();
    let done = 0;
    await Promise.all(
      calls.map(async (call) => {
        while (clock.now() - begin < ms) {
          await call(job.n);
          done++;
        }
      }),
    );
    return (done * 1_000) / (clock.now() - begin);
  };
  await loop(job.warmUp);
  const rate = await loop(job.measure);
  await close();
  return rate;
}

process.on('disconnect', () => process.exit());
process.on('message', (job: PiJob) => {
  play(job).then(
    (rate) => process.send!(rate),
    (cause) => {
      process.stderr.write(`${cause.stack}\n`);
      process.exit(1);
    },
  );
});
process.send!('ready');
