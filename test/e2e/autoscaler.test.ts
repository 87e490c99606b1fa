/** The autoscaler adds servers under load and takes them away again: 1 -> 4 -> 1 by CPU, and no call is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../support/until.ts';
import { openScene } from './lossless/scene.ts';
import { watched } from './lossless/watched.ts';
import { kubectlJson } from './support/kubectl.ts';

/** s: the usage is measured every 15 s, looked at every 15 s, and goes down more slowly than it came. */
const patience = 300_000;

test('the autoscaler goes from 1 server to 4 and back to 1 without losing a call', { timeout: 900_000 }, async (t) => {
  // At 100 calls/s about 0.12 CPU: one server can do it, and four should, at 30 % of 0.1 CPU each.
  const stages = [
    { target: 5, duration: 1_000 },
    { target: 5, duration: 30_000 },
    { target: 100, duration: 30_000 },
    { target: 100, duration: 100_000 },
    { target: 5, duration: 5_000 },
    { target: 5, duration: 3_600_000 },
  ];
  const scene = await openScene(t, {
    purpose: 'autoscaler',
    stages,
    n: 600_000,
    values: {
      server: {
        resources: { requests: { cpu: '100m' }, limits: { cpu: '1' } },
        autoscaling: {
          enabled: true,
          minReplicas: 1,
          maxReplicas: 4,
          targetCPUUtilizationPercentage: 30,
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
    await until(
      () => ready() === 4,
      () => `the autoscaler to make 4 servers; there are ${ready()}`,
      patience,
    );
    const grown = seconds();
    const { status } = await kubectlJson<Autoscaler>([
      'get',
      'horizontalpodautoscaler',
      release.object('server'),
      '--namespace',
      release.namespace,
    ]);
    const usage = status.currentMetrics?.[0]?.resource?.current.averageUtilization;
    assert.ok(usage !== undefined, 'the autoscaler knows the CPU of the servers');
    await pods.settled('server', 1, patience);
    return `4 servers after ${grown} s of load, 1 again after ${seconds()} s`;
  });
});

interface Autoscaler {
  status: { currentMetrics?: { resource?: { current: { averageUtilization?: number } } }[] };
}
