import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { clusterOn } from '../../../test/support/kubernetes/cluster.ts';
import { FakeRelease, type FakeReleaseOptions } from '../../../test/support/kubernetes/release.ts';
import { until } from '../../../test/support/until.ts';
import type { Step } from '../scenario.ts';
import type { KubernetesClusterOptions } from './cluster.ts';
import { disruptionBudgets, labels, nodes, pods, statefulSets } from './objects.ts';

const steps: Record<Step['do'], Step> = {
  baseline: { at: 0, do: 'baseline', for: 1 },
  scale: { at: 0, do: 'scale', to: 3, pace: { how: 'abrupt' } },
  rolling: { at: 0, do: 'rolling', target: 'server' },
  kill: { at: 0, do: 'kill', target: 'server', count: 1 },
  freeze: { at: 0, do: 'freeze', target: 'server', count: 1, for: 1 },
  drain: { at: 0, do: 'drain' },
  gateway: { at: 0, do: 'gateway' },
  hpa: { at: 0, do: 'hpa', to: 3 },
  'zookeeper-away': { at: 0, do: 'zookeeper-away', for: 1 },
  'zookeeper-leader': { at: 0, do: 'zookeeper-leader' },
  'zookeeper-all': { at: 0, do: 'zookeeper-all' },
};

/** All that there can be. */
const rich: FakeReleaseOptions = {
  members: 3,
  autoscaler: { min: 1, max: 4 },
  podSpec: { shareProcessNamespace: true },
};

async function refusals(
  t: TestContext,
  fake: FakeReleaseOptions,
  prepare: (release: FakeRelease) => void | Promise<void> = () => {},
  options: Partial<KubernetesClusterOptions> = {},
): Promise<Record<string, string>> {
  const release = await FakeRelease.start(fake);
  t.after(() => release.close());
  await prepare(release);
  // An autoscaler is left alone, so that no right is needed to begin.
  const cluster = clusterOn(t, release, { scenario: { events: [steps.hpa] }, ...options });
  for (const step of Object.values(steps)) assert.equal(cluster.refusal(step), undefined, 'nothing is known yet');
  await cluster.start(2);
  return Object.fromEntries(
    Object.values(steps).flatMap((step) => {
      const why = cluster.refusal(step);
      return why === undefined ? [] : [[step.do, why]];
    }),
  );
}

describe('what cannot be played on a release', () => {
  it('is nothing where there is all', async (t) => {
    assert.deepEqual(await refusals(t, rich), {});
  });

  it('is what needs parts that it has not', async (t) => {
    const said = await refusals(t, { members: 0, nodes: ['node-1'] });
    const unshared =
      'nobody but Kubernetes reaches the processes of lt-server: ' +
      "install the release with server.shareProcessNamespace=true (and loadtest.faults=true, for the chart's own load test)";
    assert.deepEqual(said, {
      kill: unshared,
      freeze: unshared,
      drain: 'pods may be put on 1 node only, and those of a drained one need another',
      hpa: 'there is no autoscaler for lt-server: install the release with server.autoscaling.enabled=true',
      'zookeeper-away': 'the release lt has no ZooKeeper of its own',
      'zookeeper-leader': 'the release lt has no ZooKeeper of its own',
      'zookeeper-all': 'the release lt has no ZooKeeper of its own',
    });
  });

  it('is a leader where there are no others', async (t) => {
    assert.deepEqual(await refusals(t, { ...rich, members: 1 }), {
      'zookeeper-leader':
        'ZooKeeper has one member, so there is no leader whom others could replace: use zookeeper-all, or install the release with zookeeper.replicaCount=3',
    });
  });

  it('is to take ZooKeeper away where its volumes would go with it', async (t) => {
    const keep = (whenScaled: string) => (release: FakeRelease) => {
      const spec = { persistentVolumeClaimRetentionPolicy: { whenScaled } };
      release.api.patch(statefulSets, 'lt-zookeeper', { spec });
    };
    assert.deepEqual(await refusals(t, rich, keep('Delete')), {
      'zookeeper-away':
        'the volumes of ZooKeeper go with its members (zookeeper.persistence.whenScaled=Delete), and all that is kept in them: set it to Retain',
    });
    assert.deepEqual(await refusals(t, rich, keep('Retain')), {});
  });

  it('is what an autoscaler would not do, or cannot see', async (t) => {
    assert.deepEqual(await refusals(t, { ...rich, autoscaler: { min: 1, max: 2 } }), {
      hpa: 'the autoscaler lt-server keeps 1 to 2 servers, never 3',
    });
    const blind = await refusals(t, rich, ({ api }) => {
      api.metricsServer = false;
    });
    assert.deepEqual(blind, {
      hpa: 'nobody measures what pods use, so the autoscaler is blind: install metrics-server',
    });
  });

  it('is a drain that ends on closed nodes, or against a budget', async (t) => {
    const closed = await refusals(t, rich, ({ api }) => api.patch(nodes, 'node-2', { spec: { unschedulable: true } }));
    assert.match(closed.drain!, /^pods may be put on 1 node only/);
    const put = (release: FakeRelease, component: string, currentHealthy = 2) =>
      release.api.put(disruptionBudgets, {
        metadata: { name: `${component}-stays` },
        spec: { selector: { matchLabels: { [labels.component]: component } } },
        status: { disruptionsAllowed: 0, currentHealthy, expectedPods: 2 },
      });
    const forbidden = await refusals(t, rich, (release) => {
      put(release, 'server');
      put(release, 'somebody-else');
    });
    assert.deepEqual(forbidden, {
      drain: 'the disruption budget server-stays lets no pod of lt-server go, even now that all are ready',
    });
    const others = await refusals(t, rich, (release) => {
      for (const component of ['gateway', 'zookeeper']) put(release, component);
      put(release, 'server', 1);
    });
    assert.deepEqual(others, {
      drain:
        'the disruption budget gateway-stays lets no pod of lt-gateway go, ' +
        'and the disruption budget zookeeper-stays lets no pod of lt-zookeeper go, even now that all are ready',
    });
    // Where the conductor is nobody is told to go.
    const pinned = await refusals(
      t,
      rich,
      async (release) => {
        await until(() => release.pods('zookeeper').length === 3, 'its members');
        put(release, 'zookeeper');
        for (const { metadata } of release.pods('zookeeper')) {
          release.api.patch(pods, metadata.name, { spec: { nodeName: 'node-1' } });
        }
      },
      { nodeName: 'node-1' },
    );
    assert.deepEqual(pinned, {});
  });

  it('is asked by name where a role may allow no other', async (t) => {
    const asked: string[] = [];
    await refusals(t, rich, ({ api }) => {
      api.refuse = ({ resource, body }) => {
        if (resource !== 'selfsubjectaccessreviews') return undefined;
        const {
          verb,
          resource: what,
          name,
        } = (body!.spec as { resourceAttributes: Record<string, string> }).resourceAttributes;
        if (verb === 'delete' || verb === 'patch') asked.push(`${verb} ${what} ${name}`);
        return undefined;
      };
    });
    assert.deepEqual([...new Set(asked)].sort(), [
      'delete pods lt-zookeeper-2',
      'patch deployments lt-gateway',
      'patch deployments lt-server',
      'patch horizontalpodautoscalers lt-server',
      'patch nodes undefined',
      'patch statefulsets lt-zookeeper',
    ]);
  });

  it('is what we have no right to, which is named', async (t) => {
    const role = 'its service account (in a pod) or user needs a role that allows it';
    const said = await refusals(t, rich, async (release) => {
      await until(() => release.pods('server').length === 2, 'the servers');
      for (const denied of [
        'create pods/exec',
        'create pods/eviction',
        'list nodes',
        'delete pods',
        'patch deployments',
        'patch statefulsets',
        'patch horizontalpodautoscalers',
      ]) {
        release.api.denied.add(denied);
      }
    });
    const here = 'in the namespace demo';
    assert.deepEqual(said, {
      scale: `the load test may not patch deployments.apps ${here}, nor patch horizontalpodautoscalers.autoscaling ${here}: ${role}`,
      rolling: `the load test may not patch deployments.apps ${here}: ${role}`,
      gateway: `the load test may not patch deployments.apps ${here}: ${role}`,
      kill: `the load test may not create pods/exec ${here}: ${role}`,
      freeze: `the load test may not create pods/exec ${here}: ${role}`,
      drain: `the load test may not list nodes cluster-wide, nor create pods/eviction ${here}: ${role}`,
      'zookeeper-away': `the load test may not patch statefulsets.apps ${here}: ${role}`,
      'zookeeper-leader': `the load test may not delete pods ${here}: ${role}`,
      'zookeeper-all': `the load test may not delete pods ${here}: ${role}`,
    });
  });
});
