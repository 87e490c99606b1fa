import type { Clock } from '../core/clock.ts';
import type { Cluster, Deed } from './cluster.ts';
import type { Step } from './scenario.ts';

interface DeedOptions {
  cluster: Cluster;
  clock: Clock;
  /** ms since 1970 */
  now: () => number;
  /** Aborted when the run is over. */
  signal: AbortSignal;
}

/** Has it done. Rejects when it cannot be done, or when the run is over before a deed that takes time. */
export async function order(step: Step, options: DeedOptions): Promise<Deed> {
  const { cluster, clock, now, signal } = options;
  switch (step.do) {
    case 'scale':
      return scale(step, options);
    case 'rolling':
      return cluster.rolling();
    case 'kill':
      return cluster.kill(step.count);
    case 'freeze':
      return cluster.freeze(step.count, step.for);
    case 'drain':
      return cluster.drain();
    case 'gateway':
      return cluster.rollGateways();
    case 'zookeeper-away':
      return cluster.zookeeperAway(step.for);
    case 'zookeeper-leader':
      return cluster.killZookeeperLeader();
    case 'zookeeper-all':
      return cluster.killZookeeper();
    case 'hpa':
      // The load does it, and the autoscaler: all that is to do is to wait.
      return { at: now(), servers: [], proof: [] };
    case 'baseline': {
      const at = now();
      await clock.sleep(step.for, signal);
      return { at, until: now(), servers: [], proof: [] };
    }
  }
}

/** Says so where an autoscaler was there before: nothing else would show that there was nothing to do. */
async function scale({ to, pace }: Extract<Step, { do: 'scale' }>, options: DeedOptions): Promise<Deed> {
  const { desired } = options.cluster.state();
  const deed = await (pace.how === 'gradual' ? gradually(to, pace.every, options) : options.cluster.scale(to));
  if (desired !== to) return deed;
  return { ...deed, proof: [...deed.proof, { what: `${to} servers were wanted already`, holds: true }] };
}

/** One server more or less at a time. */
async function gradually(to: number, every: number, { cluster, clock, now, signal }: DeedOptions): Promise<Deed> {
  const at = now();
  const from = cluster.state().desired;
  const way = Math.sign(to - from);
  const deeds: Deed[] = [];
  for (let servers = from + way; servers !== to + way; servers += way) {
    if (deeds.length > 0) await clock.sleep(every, signal);
    deeds.push(await cluster.scale(servers));
  }
  return {
    at: deeds[0]?.at ?? at,
    until: now(),
    servers: deeds.flatMap(({ servers }) => servers),
    proof: deeds.flatMap(({ proof }) => proof),
  };
}
