/** The autoscaler adds servers under load and takes them away again: 1 -> 4 -> 1 by CPU, and no call is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../support/until.ts';
import { openScene } from './lossless/scene.ts';
import { watched } from './lossless/watched.ts';
import { kubectl, kubectlJson } from './support/kubectl.ts';
import type { Release } from './support/release.ts';

/** s: the usage is measured every 15 s, looked at every 15 s, and goes down more slowly than it came. */
const patience = 300_000;

test('the autoscaler goes from 1 server to 4 and back to 1 without losing a call', { timeout: 900_000 }, async (t) => {
  // A call takes some 7 ms of CPU. At 70 calls/s that is some 0.5 CPU, which one server can do, and four should: each is to use
  // 0.1 (25 % of 0.4). The last step down, from two to one, comes where they use half of that: three times what idle ones do.
  const stages = [
    { target: 1, duration: 1_000 },
    { target: 1, duration: 30_000 },
    { target: 70, duration: 30_000 },
    { target: 70, duration: 100_000 },
    { target: 1, duration: 5_000 },
    { target: 1, duration: 3_600_000 },
  ];
  const scene = await openScene(t, {
    purpose: 'autoscaler',
    stages,
    n: 5_000_000,
    values: {
      server: {
        resources: { requests: { cpu: '400m' }, limits: { cpu: '2' } },
        autoscaling: {
          enabled: true,
          minReplicas: 1,
          maxReplicas: 4,
          targetCPUUtilizationPercentage: 25,
          behavior: { scaleDown: { stabilizationWindowSeconds: 15 } },
        },
      },
    },
  });
  const { pods, release } = scene;
  const ready = () => pods.ready('server').length;
  const began = systemClock.now();
  const seconds = () => Math.round((systemClock.now() - began) / 1_000);
  await until(
    () => ready() === 1,
    () => `the autoscaler to keep 1 server; there are ${ready()}`,
    patience,
  );

  await watched(scene, 'autoscaler 1 -> 4 -> 1', async () => {
    await told(release, () =>
      until(
        () => ready() === 4,
        () => `the autoscaler to make 4 servers; there are ${ready()}`,
        patience,
      ),
    );
    const grown = seconds();
    const usage = (await autoscaler(release)).status.currentMetrics?.[0]?.resource?.current.averageUtilization;
    assert.ok(usage !== undefined, 'the autoscaler knows the CPU of the servers');
    await told(release, () => pods.settled('server', 1, patience));
    return `4 servers after ${grown} s of load, 1 again after ${seconds()} s`;
  });
});

interface Autoscaler {
  status: {
    conditions?: object[];
    currentMetrics?: { resource?: { current: { averageUtilization?: number } } }[];
  };
}

function autoscaler(release: Release): Promise<Autoscaler> {
  const name = release.object('server');
  return kubectlJson<Autoscaler>(['get', 'horizontalpodautoscaler', name, '--namespace', release.namespace]);
}

/** What is waited for may never come: then the autoscaler's own account of why is part of the failure. */
async function told(release: Release, wait: () => Promise<unknown>): Promise<void> {
  try {
    await wait();
  } catch (error) {
    const { message } = error as Error;
    const status = await autoscaler(release).then(({ status }) => JSON.stringify(status), String);
    const usage = await kubectl(['top', 'pods', '--namespace', release.namespace]).catch(String);
    throw new Error(`${message}; the autoscaler: ${status}; what pods use:\n${usage}`, { cause: error });
  }
}
