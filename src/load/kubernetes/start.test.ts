import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { clusterOn } from '../../../test/support/kubernetes/cluster.ts';
import { FakeRelease, type FakeReleaseOptions } from '../../../test/support/kubernetes/release.ts';
import { systemClock } from '../../core/clock.ts';
import type { KubernetesClusterOptions } from './cluster.ts';
import { deployments, labels, pods, services, statefulSets } from './objects.ts';

/** Fifty times as fast for who waits, as fast as ever for the API server's deadlines. */
const hasty = {
  ...systemClock,
  now: () => systemClock.now() * 50,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 50, signal),
};

async function failure(
  t: TestContext,
  prepare: (release: FakeRelease) => void,
  options: Partial<KubernetesClusterOptions> = {},
  fake: FakeReleaseOptions = {},
): Promise<string> {
  const release = await FakeRelease.start(fake);
  t.after(() => release.close());
  prepare(release);
  return clusterOn(t, release, options)
    .start(2)
    .then(
      () => 'it started',
      (error: Error) => error.message,
    );
}

describe('a release that is not there', () => {
  it('is told from those that are', async (t) => {
    const nothing = ({ api }: FakeRelease) => {
      for (const name of ['lt-server', 'lt-gateway']) api.delete(deployments, name);
    };
    const others = ({ api }: FakeRelease) => {
      const metadata = { name: 'x', labels: { [labels.partOf]: 'evenkeel', [labels.release]: 'another' } };
      api.put(deployments, { metadata });
    };
    assert.equal(
      await failure(t, nothing, { release: 'x' }),
      'there is no release x of evenkeel in the namespace demo; there is none at all',
    );
    assert.equal(
      await failure(t, others, { release: 'x' }),
      'there is no release x of evenkeel in the namespace demo; there is another, lt',
    );
    assert.equal(
      await failure(t, others),
      'no release of evenkeel was named, and in the namespace demo there are another, lt: say which',
    );
    assert.equal(
      await failure(t, nothing),
      'no release of evenkeel was named, and in the namespace demo there is none',
    );
  });

  it('is one of which a part is missing', async (t) => {
    assert.equal(
      await failure(t, ({ api }) => api.delete(deployments, 'lt-gateway')),
      'the release lt in the namespace demo has no Deployment of a gateway',
    );
    assert.equal(
      await failure(t, ({ api }) => api.delete(services, 'lt-gateway')),
      'the release lt in the namespace demo has no Service of its gateways with a port named http',
    );
  });
});

describe('a release in a chart of others', () => {
  it('is told from its siblings, whatever they call their parts', async (t) => {
    const release = await FakeRelease.start();
    t.after(() => release.close());
    const { api } = release;
    // All of them stand before ours in a list by name.
    for (const component of ['server', 'gateway', 'zookeeper']) {
      const foreign = { [labels.release]: release.name, [labels.component]: component, [labels.partOf]: 'shop' };
      const metadata = { name: `a-${component}`, labels: foreign };
      const status = { phase: 'Running', podIP: '127.0.0.9', conditions: [{ type: 'Ready', status: 'True' }] };
      api.put(pods, { metadata, spec: { containers: [{ name: 'x', image: 'x' }] }, status });
      api.put(component === 'zookeeper' ? statefulSets : deployments, { metadata, spec: { replicas: 1 } });
      const ports = [{ name: 'http', port: 80 }];
      api.put(services, { metadata, spec: { clusterIP: '10.96.0.1', ports } });
    }
    const cluster = clusterOn(t, release);
    await cluster.start(2);
    const state = cluster.state();
    assert.deepEqual([state.ready, state.servers.length, state.gateways.length], [2, 2, 2]);
    assert.deepEqual(state.zookeeper, { desired: 1, ready: 1 });
    assert.equal(cluster.gatewayUrl, 'http://10.96.0.7:8080');
    await cluster.killZookeeper();
    const deleted = api.requests.filter(({ method }) => method === 'DELETE').map(({ name }) => name!.slice(0, 12));
    assert.deepEqual(deleted, ['lt-zookeeper']);
  });
});

describe('a registry that cannot be opened', () => {
  it('is said before anything is done, and that without its secret', async (t) => {
    assert.equal(
      await failure(t, () => {}, { registry: 'nowhere' }),
      '"nowhere" is no registry URL: expected e.g. zookeeper://HOST:2181/FOLDER or static:HOST:PORT.',
    );
    assert.equal(
      await failure(t, () => {}, { registry: 'zookeeper://127.0.0.1:1/pi', registryAuth: 'hush' }),
      'The registry auth for ZooKeeper must have the form digest:USER:PASSWORD.',
    );
  });
});

describe('a release that does not come up', () => {
  it('says what is not ready, and why', async (t) => {
    const said = await failure(
      t,
      ({ api }) => {
        for (const { metadata } of api.all(deployments))
          api.patch(deployments, metadata.name, { spec: { replicas: 0 } });
        api.patch(statefulSets, 'lt-zookeeper', { spec: { replicas: 0 } });
        // No node takes pods: the fake leaves them where they are.
      },
      { clock: hasty },
      { nodes: [] },
    );
    assert.match(
      said,
      /^the release lt does not come up: 0 of 2 servers are ready; lt-server-\d+: Wait: not yet, after 300 s$/,
    );
  });

  it('says that an upgrade is not through, though all that is there is well', async (t) => {
    const said = await failure(t, ({ api }) => api.patch(deployments, 'lt-server', { metadata: { generation: 2 } }), {
      clock: hasty,
    });
    assert.equal(said, 'the release lt does not come up: Kubernetes has not looked at lt-server yet, after 300 s');
  });

  it('says that pods of an older version are left', async (t) => {
    // One that counts the old one too.
    const said = await failure(t, ({ api }) => api.patch(deployments, 'lt-server', { status: { replicas: 3 } }), {
      clock: hasty,
    });
    assert.equal(
      said,
      'the release lt does not come up: 2 of 3 pods of lt-server are of the newest version, 2 are wanted, after 300 s',
    );
  });

  it('says that a gateway answers nothing', async (t) => {
    const said = await failure(
      t,
      (release) => {
        release.answering = false;
      },
      { clock: hasty },
    );
    assert.match(
      said,
      /^the release lt does not come up: lt-gateway-\d+ does not say which servers it sees; http:\/\/127\.0\.0\.1:\d+\/nodes answers nothing: a NetworkPolicy must let the load test in to the ops port of gateways, after 300 s$/,
    );
  });

  it('says which right is missing to begin', async (t) => {
    const deny =
      (...denied: string[]) =>
      ({ api }: FakeRelease) => {
        for (const right of denied) api.denied.add(right);
      };
    assert.match(
      await failure(t, deny('list pods')),
      /^we may not list pods in the namespace demo: our service account \(in a pod\) or user needs a Role that allows it: /,
    );
    assert.match(
      await failure(t, deny('patch deployments'), {}, { servers: 3 }),
      /^the scenario begins with 2 servers, and the load test may not patch deployments\.apps in the namespace demo: /,
    );
  });

  it('can be given up at any time', async (t) => {
    const release = await FakeRelease.start({ servers: 1 });
    t.after(() => release.close());
    release.answering = false;
    const cluster = clusterOn(t, release);
    const failed = assert.rejects(cluster.start(2), /the load test is over/);
    for (let tries = 0; release.api.find(deployments, 'lt-server').spec.replicas !== 2; tries++) {
      assert.ok(tries < 3000, 'it begins');
      await systemClock.sleep(10);
    }
    await cluster.close();
    await failed;
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 1);
  });
});
