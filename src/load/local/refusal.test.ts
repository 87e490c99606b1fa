import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { parseScenario } from '../scenario.ts';
import { LocalCluster } from './cluster.ts';
import { ProcessGuard } from './guard.ts';

it('local processes say what they cannot play, and a ZooKeeper that is not theirs is not killed', async () => {
  const { events } = parseScenario(`
name: all
servers: 1
load: { kind: proof, rate: 1 }
events:
  - { at: 1s, do: scale, to: 1, how: gradual }
  - { at: 1s, do: rolling }
  - { at: 1s, do: kill }
  - { at: 1s, do: freeze, for: 1s }
  - { at: 1s, do: baseline, for: 1s }
  - { at: 1s, do: zookeeper-away, for: 1s }
  - { at: 1s, do: zookeeper-all }
  - { at: 1s, do: drain }
  - { at: 1s, do: gateway }
  - { at: 1s, do: hpa, to: 1 }
  - { at: 1s, do: zookeeper-leader }
`);
  const guard = new ProcessGuard();
  try {
    const refused = (zookeeper?: { host: string; port: number }) => {
      const options = { command: [], module: '', processes: 1, ledger: '', guard, clock: new VirtualClock() };
      const cluster = new LocalCluster({ ...options, zookeeper });
      return events.filter((step) => cluster.refusal(step) !== undefined).map((step) => step.do);
    };
    const never = ['drain', 'gateway', 'hpa', 'zookeeper-leader'];
    assert.deepEqual(refused(), never);
    assert.deepEqual(refused({ host: '127.0.0.1', port: 2181 }), ['zookeeper-all', ...never]);
    const cluster = new LocalCluster({
      ...{ command: [], module: '', processes: 1, ledger: '', guard, clock: new VirtualClock() },
    });
    await assert.rejects(cluster.drain(), /all processes are on this one machine/);
  } finally {
    await guard.close();
  }
});
