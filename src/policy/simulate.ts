import { seeded } from '../core/random.ts';
import { Agenda } from './simulate/agenda.ts';
import { Client } from './simulate/client.ts';
import type { Contender, MakeContender } from './simulate/contender.ts';
import { Evenkeel } from './simulate/evenkeel.ts';
import { exponential } from './simulate/latency.ts';
import { Recorder, type Result, step } from './simulate/recorder.ts';
import type { Scenario } from './simulate/scenario.ts';
import { Servers } from './simulate/servers.ts';

export interface SimulateOptions {
  /** Calls a second, of all clients together; they do not wait for each other. Above 0. */
  rate: number;
  /** One seed, one run. Default 1. */
  seed?: number;
  /** What decides in each client, and its name. Default: evenkeel with its defaults. */
  policy?: { readonly name: string; readonly make: MakeContender };
  /** `poisson`: calls come as chance will have it. `even`: at equal distances, and all clients in turn. Default `poisson`. */
  arrivals?: 'poisson' | 'even';
  /** Whether to take down what clients leave of each server's weight: for a picture. Default false, as it takes time. */
  standings?: boolean;
  /** Looks at the run every 100 ms. For tests of what must hold at any time. */
  onStep?: (now: number, contenders: readonly Contender[]) => void;
}

export const evenkeel: { readonly name: string; readonly make: MakeContender } = {
  name: 'evenkeel',
  make: (random) => new Evenkeel(random),
};

/**
 * Plays a scenario with simulated servers, connections and calls, on a clock of its own: what decides is the very code that
 * a client runs. The same scenario, options and seed give the same result to the last digit.
 */
export function simulate(scenario: Scenario, options: SimulateOptions): Result {
  const { rate, seed = 1, policy = evenkeel, arrivals = 'poisson' } = options;
  if (!(rate > 0 && rate <= 1e6))
    throw new RangeError(`rate is ${rate}: expected calls a second, above 0, at most 1e6`);
  // A stream of chance for each part: that one policy draws more often than another changes nothing of what it is up against.
  const streams = seeded(seed);
  const stream = () => seeded(Math.floor(streams() * 2 ** 32));
  const agenda = new Agenda();
  const recorder = new Recorder(scenario.duration);
  const servers = new Servers(scenario, agenda, stream(), recorder);
  const traffic = stream();
  const clients = Array.from({ length: scenario.clients }, (_, i) => {
    const [random, contender] = [stream(), policy.make(stream())];
    return new Client({ id: `c${i}`, agenda, random, recorder, contender });
  });
  servers.tell(clients, stream());
  const pause = arrivals === 'poisson' ? () => (exponential(traffic) * 1_000) / rate : () => 1_000 / rate;
  let turn = 0;
  const call = () => {
    if (agenda.now >= scenario.duration) return;
    const client = clients[arrivals === 'poisson' ? Math.floor(traffic() * clients.length) : turn++ % clients.length]!;
    const { hasty } = scenario;
    const hurries = hasty !== undefined && traffic() < hasty.share;
    client.call(hurries ? hasty.timeout : scenario.timeout, hurries);
    agenda.after(pause(), call);
  };
  agenda.after(pause(), call);
  const contenders = clients.map(({ contender }) => contender);
  agenda.every(
    () => step,
    () => {
      if (options.standings) takeStandings(clients, recorder, agenda.now);
      options.onStep?.(agenda.now, contenders);
    },
  );
  // Until the last call is over.
  agenda.run(scenario.duration + scenario.timeout + 1_000);
  const panics = contenders.reduce((sum, contender) => sum + contender.panics, 0);
  return recorder.result({ scenario: scenario.name, policy: policy.name, rate, seed, panics });
}

/** What the clients leave of each server's weight, on average of those that know it. */
function takeStandings(clients: readonly Client[], recorder: Recorder, now: number): void {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { links, contender } of clients) {
    for (const link of links) {
      const entry = sums.get(link.id) ?? { sum: 0, count: 0 };
      entry.sum += contender.standing(link);
      entry.count++;
      sums.set(link.id, entry);
    }
  }
  for (const [id, { sum, count }] of sums) recorder.onStanding(id, sum / count, now);
}
