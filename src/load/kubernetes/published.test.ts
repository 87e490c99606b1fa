import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { clusterOn } from '../../../test/support/kubernetes/cluster.ts';
import { FakeRelease } from '../../../test/support/kubernetes/release.ts';
import { until } from '../../../test/support/until.ts';
import type { KubernetesCluster } from './cluster.ts';
import { services } from './objects.ts';

/** A release of two servers and two gateways that is up. */
async function scene(t: TestContext, prepare: (release: FakeRelease) => void = () => {}) {
  const release = await FakeRelease.start();
  t.after(() => release.close());
  prepare(release);
  const cluster = clusterOn(t, release);
  await cluster.start(2);
  return { release, cluster };
}

const published = (cluster: KubernetesCluster) => {
  const { published, publishedGateways } = cluster.state();
  return [published, publishedGateways];
};
const allPublished = (cluster: KubernetesCluster) =>
  until(
    () => published(cluster).join() === '2,2',
    `2 servers and 2 gateways to be published, not ${published(cluster)}`,
  );

describe('what Kubernetes publishes of a release', () => {
  it('is seen beside what is ready, and when a server that goes is out of it and of the registry', async (t) => {
    const { cluster } = await scene(t);
    await allPublished(cluster);
    await until(() => cluster.state().registered === 2, 'the registry to be read');
    const { servers } = await cluster.scale(1);
    const told = () => cluster.state().servers.find(({ name }) => name === servers[0])!;
    await until(() => published(cluster)[0] === 1 && cluster.state().registered === 1, 'it to be out of both');
    const { stoppedAt, unregisteredAt, unpublishedAt } = told();
    for (const at of [unregisteredAt, unpublishedAt]) assert.ok(Math.abs(at! - stoppedAt!) < 30_000, String(at));
    const other = cluster.state().servers.find(({ name }) => name !== servers[0])!;
    assert.deepEqual([other.unregisteredAt, other.unpublishedAt], [undefined, undefined]);
    assert.deepEqual(cluster.incidents(), []);
  });

  for (const verb of ['list', 'watch']) {
    it(`is unknown without the right to ${verb} it, and nothing else changes`, async (t) => {
      const { cluster } = await scene(t, ({ api }) => api.denied.add(`${verb} endpointslices`));
      await until(() => published(cluster).every((count) => count === undefined), 'it to be unknown');
      const deed = await cluster.rollGateways();
      assert.equal(deed.proof.length, 1);
      await cluster.scale(1);
      assert.ok(cluster.state().servers.every(({ unpublishedAt }) => unpublishedAt === undefined));
      assert.deepEqual(cluster.incidents(), []);
    });
  }

  it('is unknown of servers that have no Service', async (t) => {
    const { cluster } = await scene(t, ({ api }) => api.delete(services, 'lt-server'));
    await until(() => published(cluster)[1] === 2, 'the gateways to be published');
    assert.equal(published(cluster)[0], undefined);
    assert.deepEqual(cluster.incidents(), []);
  });
});

describe('a roll of the gateways', () => {
  it('proves that callers were sent to none of the old ones any more when it ended', async (t) => {
    const { release, cluster } = await scene(t);
    await allPublished(cluster);
    // Long enough for the news of both to come in their order.
    release.endsAfter = 500;
    const { proof } = await cluster.rollGateways();
    const [, left] = proof;
    assert.match(
      left!.what,
      /^each old gateway was out of the EndpointSlices of lt-gateway before its container ended, by \d+\.\d s at least$/,
    );
    assert.ok(left!.holds);
  });

  it('names those to whom callers were still sent', async (t) => {
    const { release, cluster } = await scene(t);
    await allPublished(cluster);
    const old = cluster.state().gateways.map(({ name }) => name);
    release.publishing = false;
    const { proof } = await cluster.rollGateways();
    assert.deepEqual(proof[1], {
      what: `each old gateway was out of the EndpointSlices of lt-gateway before its container ended, but for ${old.join(', ')}`,
      holds: false,
    });
  });

  it('proves nothing of it where the EndpointSlices could not be read meanwhile', async (t) => {
    const { release, cluster } = await scene(t);
    await allPublished(cluster);
    release.endsAfter = 300;
    const rolling = cluster.rollGateways();
    release.api.denied.add('watch endpointslices');
    release.api.endStreams();
    const { proof } = await rolling;
    assert.equal(proof.length, 1);
  });
});
