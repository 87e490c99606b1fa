/** Who says how many servers there are: the values, a person, an autoscaler. No upgrade drops those that an autoscaler has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helm } from './support/helm.ts';
import { kubectl, kubectlJson } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { install } from './support/release.ts';
import { settled } from './support/settled.ts';

test('replicas', { timeout: 900_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'replicas');
  const where = ['--namespace', namespace];
  const release = await install({ namespace, values: { server: { replicaCount: 3 }, gateway: { replicaCount: 1 } } });
  const replicas = async () => {
    const { spec } = await kubectlJson<{ spec: { replicas: number } }>(['get', 'deployment/evenkeel-server', ...where]);
    return spec.replicas;
  };
  const autoscalers = () => kubectl(['get', 'hpa', ...where, '--output=name']);
  /** As somebody else does: an autoscaler, too, has only this way. */
  const scale = (count: number) => kubectl(['scale', 'deployment/evenkeel-server', ...where, `--replicas=${count}`]);
  const uids = async (count: number) => (await settled(release, count)).map(({ metadata }) => metadata.uid).sort();
  /** How often pods were taken away, however shortly. */
  const scaledDown = async () =>
    (await kubectl(['get', 'events', ...where, '--field-selector=reason=ScalingReplicaSet'])).match(/Scaled down/g)
      ?.length ?? 0;

  await t.test('are put back by an upgrade to what the values say, whoever changed them', async (t) => {
    if (!(await helm(['version', '--short'])).startsWith('v3')) return t.skip('Helm 4 reports a conflict instead');
    await scale(2);
    await settled(release, 2);
    await release.upgrade();
    assert.equal(await replicas(), 3);
  });

  await t.test('are kept by the upgrade that turns an autoscaler on, and by the next one', async () => {
    const before = await uids(3);
    const downs = await scaledDown();
    // One that is not allowed to act: what idle servers take is near its target, on some machines above it.
    const never = { selectPolicy: 'Disabled' };
    const behavior = { scaleUp: never, scaleDown: never };
    const autoscaling = { enabled: true, minReplicas: 1, maxReplicas: 4, behavior };
    await release.upgrade({ server: { replicaCount: 1, autoscaling } });
    assert.equal(await autoscalers(), 'horizontalpodautoscaler.autoscaling/evenkeel-server\n');
    assert.equal(await replicas(), 3);
    await scale(4);
    const four = await uids(4);
    await release.upgrade({ server: { autoscaling: { maxReplicas: 5 } } });
    assert.equal(await replicas(), 4);
    assert.deepEqual(await uids(4), four);
    assert.ok(
      before.every((uid) => four.includes(uid)),
      'no pod was replaced',
    );
    assert.equal(await scaledDown(), downs, 'not even for a moment');
  });

  await t.test('are those of the time that a rollback goes back to', async () => {
    await release.rollback(1);
    assert.equal(await autoscalers(), '');
    assert.equal(await replicas(), 3);
    await settled(release, 3);
    assert.equal(await release.call('ping', 'back'), 'back');
  });
});
