import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { clusterOn } from '../../../test/support/kubernetes/cluster.ts';
import { FakeRelease, type FakeReleaseOptions } from '../../../test/support/kubernetes/release.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import type { Deed } from '../cluster.ts';
import type { Step } from '../scenario.ts';
import { unsettled } from '../settle.ts';
import { annotation, Changes } from './changes.ts';
import { cleanup } from './cleanup.ts';
import type { KubernetesCluster, KubernetesClusterOptions } from './cluster.ts';
import { connectApi } from './connect.ts';
import { autoscalers, deployments, nodes, pods, statefulSets } from './objects.ts';

const hpa: Step = { at: 0, do: 'hpa', to: 3 };

interface Scene {
  release: FakeRelease;
  cluster: KubernetesCluster;
  said: string[];
}

async function scene(
  t: TestContext,
  fake: FakeReleaseOptions = {},
  options: Partial<KubernetesClusterOptions> = {},
): Promise<Scene> {
  const release = await FakeRelease.start(fake);
  t.after(() => release.close());
  return { release, ...connect(t, release, options) };
}

function connect(t: TestContext, release: FakeRelease, options: Partial<KubernetesClusterOptions> = {}) {
  const said: string[] = [];
  const say = (sentence: string) => said.push(sentence);
  const cluster = clusterOn(t, release, { podName: 'conductor', say, ...options });
  return { cluster, said };
}

const proven = ({ proof }: Deed) => proof.every(({ holds }) => holds);
const settled = (cluster: KubernetesCluster, deed: Deed) =>
  until(
    () => unsettled({ at: 0, do: 'baseline', for: 0 }, deed, cluster.state()) === undefined,
    () => `it to settle: ${unsettled({ at: 0, do: 'baseline', for: 0 }, deed, cluster.state())}`,
  );

describe('a release on Kubernetes', () => {
  it('is seen: servers, gateways, registry, ZooKeeper, machines', async (t) => {
    const { cluster } = await scene(t, { members: 3 });
    await cluster.start(2);
    const state = cluster.state();
    assert.equal(cluster.gatewayUrl, 'http://10.96.0.7:8080');
    assert.deepEqual([state.desired, state.ready, state.desiredGateways], [2, 2, 2]);
    assert.deepEqual(state.zookeeper, { desired: 3, ready: 3 });
    assert.deepEqual(
      state.servers.map(({ phase, machine }) => [phase, machine?.slice(0, 5)]),
      [
        ['ready', 'node-'],
        ['ready', 'node-'],
      ],
    );
    for (const { nodes } of state.gateways) {
      const names = nodes.map(({ server }) => server);
      assert.deepEqual(names.toSorted(), state.servers.map(({ name }) => name).toSorted());
    }
    await until(() => cluster.state().registered === 2, 'the registry to be read');
    assert.ok(cluster.state().servers.every(({ registeredAt }) => registeredAt !== undefined));
    assert.deepEqual(cluster.incidents(), []);
    const environment = cluster.environment();
    assert.equal(environment.Kubernetes, 'v1.35.4');
    assert.equal(environment.nodes, '2 x 2 CPUs, 8 GiB');
    assert.equal(environment.ZooKeeper, 'evenkeel:1, 3 members');
  });

  it('is scaled, and the number it had comes back in the end', async (t) => {
    const { release, cluster } = await scene(t);
    await cluster.start(2);
    const up = await cluster.scale(5);
    assert.equal(up.servers.length, 3);
    assert.equal(cluster.state().desired, 5);
    await settled(cluster, up);
    const { annotations } = release.api.find(deployments, 'lt-server').metadata;
    assert.deepEqual(JSON.parse(annotations![annotation]!), {
      by: 'conductor',
      release: 'demo/lt',
      was: { replicas: 2 },
      set: { replicas: 5 },
    });
    const down = await cluster.scale(1);
    assert.equal(down.servers.length, 4);
    await settled(cluster, down);
    const gone = cluster.state().servers.filter(({ phase }) => phase === 'gone');
    assert.deepEqual(gone.map(({ name }) => name).toSorted(), down.servers.toSorted());
    assert.ok(gone.every(({ stoppedAt, goneAt }) => stoppedAt! >= down.at && goneAt! >= stoppedAt!));
    await cluster.close();
    await cluster.close();
    const { spec, metadata } = release.api.find(deployments, 'lt-server');
    assert.deepEqual([spec.replicas, metadata.annotations], [2, {}]);
    assert.deepEqual(cluster.incidents(), []);
  });

  it('begins with the number that the scenario wants', async (t) => {
    const { release, cluster } = await scene(t, { servers: 2 });
    await cluster.start(4);
    assert.equal(cluster.state().ready, 4);
    await cluster.close();
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 2);
  });

  it('is not touched when nothing needs to be changed', async (t) => {
    const { release, cluster } = await scene(t);
    await cluster.start(2);
    await cluster.close();
    assert.deepEqual(
      release.api.requests.filter(({ method }) => method === 'PATCH' || method === 'DELETE'),
      [],
    );
    await until(() => release.api.connections === 0, 'all connections to be closed');
  });

  it('rolls, one server after the other', async (t) => {
    const { cluster } = await scene(t);
    await cluster.start(2);
    const old = cluster.state().servers.map(({ name }) => name);
    const deed = await cluster.rolling();
    assert.deepEqual(deed.servers, old);
    assert.match(deed.proof[0]!.what, /^2 of 2 servers were replaced, never less than 2 of 2 ready$/);
    assert.ok(proven(deed));
    await settled(cluster, deed);
  });

  it('rolls its gateways', async (t) => {
    const { cluster } = await scene(t);
    await cluster.start(2);
    const old = cluster.state().gateways.map(({ name }) => name);
    const deed = await cluster.rollGateways();
    assert.ok(proven(deed));
    assert.deepEqual(deed.servers, []);
    await settled(cluster, deed);
    assert.ok(cluster.state().gateways.every(({ name }) => !old.includes(name)));
  });
});

describe('a pod that somebody else tells to go', () => {
  const tell = (release: FakeRelease, part: 'server' | 'gateway') => {
    const { metadata } = release.pods(part).find(({ metadata }) => metadata.deletionTimestamp === undefined)!;
    release.api.onDelete('pods', release.api.find(pods, metadata.name), undefined);
    return `${metadata.name} was told to go by somebody else`;
  };
  const whats = (cluster: KubernetesCluster) => cluster.incidents().map(({ what }) => what);

  it('is an incident when nothing is under way that may be what told it', async (t) => {
    const { release, cluster } = await scene(t);
    await cluster.start(2);
    for (const servers of [4, 2]) await settled(cluster, await cluster.scale(servers));
    await settled(cluster, await cluster.rolling());
    await settled(cluster, await cluster.rollGateways());
    await systemClock.sleep(2_200);
    assert.deepEqual(whats(cluster), []);
    const told = [tell(release, 'server'), tell(release, 'gateway')];
    await until(() => cluster.incidents().length === 2, 'both');
    assert.deepEqual(whats(cluster).sort(), told.sort());
    await cluster.scale(3);
    await cluster.close();
    assert.equal(cluster.incidents().length, 2, 'what is put back in the end is ours');
  });

  it('may be told by an autoscaler that has a choice', async (t) => {
    const fake = { autoscaler: { min: 1, max: 4 } };
    const { release, cluster } = await scene(t, fake, { scenario: { events: [hpa] } });
    await cluster.start(2);
    await systemClock.sleep(2_200);
    tell(release, 'server');
    const told = tell(release, 'gateway');
    await until(() => cluster.incidents().length > 0, 'the gateway');
    assert.deepEqual(whats(cluster), [told]);
  });
});

describe('an API server', () => {
  it('whose streams break is asked again, and nobody is blamed', async (t) => {
    const { release, cluster, said } = await scene(t);
    await cluster.start(2);
    release.api.breakStreams();
    release.api.patch(deployments, 'lt-server', { spec: { replicas: 3 } });
    await until(() => cluster.state().desired === 3, 'what happened meanwhile');
    await until(() => said.length === 4, 'all that is watched to be heard of again');
    assert.match(said[0]!, /^the API server .*; \w+ were heard of again after \d\.\d s$/);
    assert.deepEqual(cluster.incidents(), []);
  });

  it('that is away for long is an incident', async (t) => {
    // Ten times as fast where something is waited for to happen.
    const clock = { ...systemClock, timer: (ms: number, done: () => void) => systemClock.timer(ms / 10, done) };
    const { release, cluster } = await scene(t, {}, { clock });
    await cluster.start(2);
    release.api.refuse = () => ({ status: 503, message: 'etcd is gone' });
    release.api.breakStreams();
    await until(() => cluster.incidents().length > 0, 'an incident');
    assert.match(cluster.incidents()[0]!.what, /; nothing was heard of \w+ for 5 s$/);
    release.api.refuse = () => undefined;
  });
});

describe('a release with an autoscaler', () => {
  it('is held to the number that is ordered, until the end', async (t) => {
    const { release, cluster } = await scene(t, { servers: 2, autoscaler: { min: 2, max: 4 } });
    await cluster.start(2);
    assert.deepEqual(cluster.state().autoscaler, { min: 2, max: 2, desired: 2 });
    release.api.patch(autoscalers, 'lt-server', { status: { desiredReplicas: 0 } });
    await cluster.scale(6);
    assert.equal(cluster.state().autoscaler!.desired, 6, 'it has not looked yet');
    const { min, max } = cluster.state().autoscaler!;
    assert.deepEqual([min, max], [6, 6]);
    await cluster.close();
    const { spec, metadata } = release.api.find(autoscalers, 'lt-server');
    assert.deepEqual([spec.minReplicas, spec.maxReplicas, metadata.annotations], [2, 4, {}]);
  });

  it('is left alone when the scenario waits for the autoscaler', async (t) => {
    const { release, cluster } = await scene(t, { autoscaler: { min: 1, max: 4 } }, { scenario: { events: [hpa] } });
    await cluster.start(1);
    const bounds = () => {
      const { minReplicas, maxReplicas } = release.api.find(autoscalers, 'lt-server').spec;
      return [minReplicas, maxReplicas];
    };
    assert.deepEqual(bounds(), [1, 4]);
    assert.equal(cluster.refusal(hpa), undefined);
    await assert.rejects(async () => {
      const { cluster } = connect(t, release, { scenario: { events: [hpa] } });
      await cluster.start(5);
    }, /^Error: the autoscaler lt-server keeps 1 to 4 servers, and the scenario begins with 5$/);
  });
});

describe('draining a node', () => {
  it('evicts what is on the node with most servers, never the own one, and opens it again', async (t) => {
    const { release, cluster } = await scene(t, { servers: 4, members: 3 }, { nodeName: 'node-1' });
    await cluster.start(4);
    const there = cluster.state().servers.filter(({ machine }) => machine === 'node-2');
    assert.ok(there.length > 0);
    let refusals = 3;
    release.api.refuse = ({ resource }) =>
      resource === 'pods/eviction' && refusals-- > 0
        ? { status: 429, message: 'Cannot evict pod', headers: { 'retry-after': '0.01' } }
        : undefined;
    const deed = await cluster.drain();
    assert.equal(deed.machine, 'node-2');
    assert.deepEqual(deed.servers.toSorted(), there.map(({ name }) => name).toSorted());
    assert.ok(proven(deed), JSON.stringify(deed.proof));
    assert.match(deed.proof[1]!.what, /were evicted from node-2; disruption budgets said "not yet" 3 times$/);
    await settled(cluster, deed);
    const left = release.api.all(pods).filter(({ spec }) => (spec as { nodeName: string }).nodeName === 'node-2');
    assert.deepEqual(left, []);
    assert.equal(release.api.find(nodes, 'node-2').spec.unschedulable, true);
    await assert.rejects(cluster.drain(), /^Error: all servers are on node-1, which cannot be emptied/);
    await cluster.close();
    const { spec, metadata } = release.api.find(nodes, 'node-2');
    assert.deepEqual([spec.unschedulable, metadata.annotations], [undefined, {}]);
  });
});

describe('a node to be drained', () => {
  it('is the one with most servers', async (t) => {
    const { cluster } = await scene(t, { servers: 4, nodes: ['node-1', 'node-2', 'node-3'] });
    await cluster.start(4);
    const on = (node: string) => cluster.state().servers.filter(({ machine }) => machine === node).length;
    const most = ['node-1', 'node-2', 'node-3'].find((node) => on(node) === 2);
    assert.equal((await cluster.drain()).machine, most);
  });
});

describe('ZooKeeper', () => {
  it('loses its leader, and another one leads', async (t) => {
    const { release, cluster } = await scene(t, { members: 3 });
    await cluster.start(2);
    const [leader] = release.pods('zookeeper').map(({ metadata }) => metadata.name);
    const deed = await cluster.killZookeeperLeader();
    assert.ok(proven(deed), JSON.stringify(deed.proof));
    assert.equal(deed.proof[0]!.what, `${leader} was deleted, with 1 s to end`);
    assert.match(deed.proof[1]!.what, new RegExp(`^${leader} led; then lt-zookeeper-\\d+ did$`));
    const [request] = release.api.requests.filter(({ method }) => method === 'DELETE');
    assert.deepEqual([request!.name, request!.query.get('gracePeriodSeconds')], [leader, '1']);
    await settled(cluster, deed);
  });

  it('is lost whole, and that the registry was not read meanwhile is part of the proof', async (t) => {
    const { cluster } = await scene(t, { members: 3 });
    await cluster.start(2);
    await until(() => cluster.state().registered === 2, 'the registry to be read');
    const deed = await cluster.killZookeeper();
    assert.deepEqual(
      deed.proof.map(({ holds }) => holds),
      [true, true, true, false],
    );
    assert.equal(deed.proof[3]!.what, 'the registry could not be read meanwhile');
    await settled(cluster, deed);
  });

  it('is away for a time, and comes back', async (t) => {
    const { release, cluster } = await scene(t, { members: 3 });
    await cluster.start(2);
    const doing = cluster.zookeeperAway(300);
    await until(() => release.pods('zookeeper').length === 0, 'no member to be there');
    const deed = await doing;
    assert.equal(deed.proof[0]!.what, 'no pod of lt-zookeeper was there for 0.3 s');
    assert.ok(deed.proof[0]!.holds && deed.until! - deed.at >= 300);
    await settled(cluster, deed);
    assert.deepEqual(cluster.state().zookeeper, { desired: 3, ready: 3 });
  });

  // The books are asked for before all is closed, and who is told to end may have little time.
  for (const end of ['books', 'close'] as const) {
    it(`comes back at once when the run ends while it is away: ${end}`, async (t) => {
      const { release, cluster } = await scene(t, { members: 3 });
      await cluster.start(2);
      const doing = cluster.zookeeperAway(600_000);
      const failed = assert.rejects(doing, /the load test is over/);
      await until(() => release.pods('zookeeper').length === 0, 'no member to be there');
      await cluster[end]();
      await failed;
      assert.equal(release.api.find(statefulSets, 'lt-zookeeper').spec.replicas, 3);
    });
  }
});

describe('a change that is under way when all is over', () => {
  /** A patch that takes its time on the way. */
  async function slow(t: TestContext, options: FakeReleaseOptions = {}) {
    const made = await scene(t, options);
    const { promise: seen, resolve } = Promise.withResolvers<void>();
    made.release.api.refuse = async ({ method }) => {
      if (method !== 'PATCH') return undefined;
      made.release.api.refuse = () => undefined;
      resolve();
      await systemClock.sleep(300);
      return undefined;
    };
    return { ...made, seen };
  }

  it('is waited for, and put back', async (t) => {
    const { release, cluster, seen } = await slow(t);
    await cluster.start(2);
    const failed = assert.rejects(cluster.scale(5), /the load test is over/);
    await seen;
    await cluster.close();
    await failed;
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 2);
  });

  it('is waited for also while it begins', async (t) => {
    const { release, cluster, seen } = await slow(t, { servers: 1 });
    const failed = assert.rejects(cluster.start(3), /the load test is over/);
    await seen;
    await cluster.close();
    await failed;
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 1);
  });
});

describe('what an earlier load test has left', () => {
  async function abandoned(t: TestContext) {
    const { release, cluster } = await scene(t, { servers: 2 }, { podName: 'dead' });
    await cluster.start(2);
    await cluster.scale(3);
    return { release, cluster };
  }

  it('is put back by the next one, which says so', async (t) => {
    const { release } = await abandoned(t);
    const { cluster, said } = connect(t, release);
    await cluster.start(2);
    assert.deepEqual(said, ['deployments/lt-server is as it was before an earlier load test']);
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 2);
  });

  it('ends the next one before it begins where that may not put it back', async (t) => {
    const { release } = await abandoned(t);
    release.api.denied.add('patch deployments');
    const { cluster } = connect(t, release);
    await assert.rejects(
      cluster.start(2),
      /^Error: deployments\/lt-server could not be put back as it was: we may not patch deployments\.apps .*; who may do that does it by `evenkeel loadtest cleanup`$/,
    );
  });

  it('on nodes is put back for a release that was uninstalled, by its name', async (t) => {
    const { release } = await scene(t);
    const { configure, api } = release;
    const by = 'somebody-gone';
    const one = await connectApi({ clock: systemClock, configure });
    const changes = new Changes({ api: one, release: { name: 'lt', namespace: one.namespace }, by });
    await changes.make(nodes, 'node-1', { unschedulable: true });
    for (const part of ['lt-server', 'lt-gateway']) api.delete(deployments, part);
    const options = { clock: systemClock, configure };
    await assert.rejects(cleanup(options), /there is none/);
    await assert.rejects(cleanup({ ...options, release: 'tl' }), /^Error: there is no release tl of evenkeel/);
    const { restored, problems } = await cleanup({ ...options, release: 'lt' });
    assert.deepEqual([restored, problems], [['nodes/node-1 is as it was before an earlier load test'], []]);
    assert.equal(api.find(nodes, 'node-1').spec.unschedulable, undefined);
  });

  it('is not said to be nothing where nodes cannot be looked at', async (t) => {
    const { release } = await scene(t);
    const { configure } = release;
    assert.deepEqual(await cleanup({ clock: systemClock, configure }), { restored: [], problems: [] });
    release.api.denied.add('list nodes');
    const { problems } = await cleanup({ clock: systemClock, configure });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^nodes could not be looked at: we may not list nodes cluster-wide: /);
    const { cluster, said } = connect(t, release);
    await cluster.start(2);
    assert.deepEqual(said, [], 'a run has none of its own there');
  });

  it('is not touched while that one is at work', async (t) => {
    const { release } = await abandoned(t);
    release.api.put(pods, { metadata: { name: 'dead' }, status: { phase: 'Running' } });
    const { cluster } = connect(t, release);
    await assert.rejects(
      cluster.start(2),
      /^Error: another load test is at work on lt, in the pod dead: wait until it is over, or delete it$/,
    );
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 3);
  });

  it('is said when it cannot be put back', async (t) => {
    const { release, cluster, said } = await scene(t);
    await cluster.start(2);
    await cluster.scale(3);
    release.api.denied.add('patch deployments');
    await cluster.close();
    assert.equal(said.length, 1);
    assert.match(
      said[0]!,
      /^deployments\/lt-server could not be put back as it was: we may not patch deployments\.apps in the namespace demo: .*; `evenkeel loadtest cleanup` does it later$/,
    );
  });
});
