/** The load test: k6 alone, or a scenario with exactly the rights that it needs; and servers whose calls are written down. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { it } from 'node:test';
import { parseScenario } from '../../src/load/scenario.ts';
import { type Container, envOf, type Given, type PodSpec, type Rendered, render, withHelm } from './support.ts';

const scenarios = globSync('loadtest/scenarios/*.yaml').map((file) => basename(file, '.yaml'));

/** What every scenario takes on the release `shop`, and what some need. */
const all = ['server.recordCalls=true', 'server.shareProcessNamespace=true', 'server.autoscaling.enabled=true'];
const conducted = (scenario: string, ...more: string[]) => [
  'loadtest.enabled=true',
  `loadtest.scenario=${scenario}`,
  'zookeeper.replicaCount=3',
  ...['loadtest.faults=true', 'loadtest.clusterWide=true'],
  ...all,
  ...more,
];

const jobOf = (rendered: Rendered): PodSpec => rendered.ofKind('Job')[0]!.spec.template.spec;

/** What a role allows, a line each: `patch deployments shop-server`. */
function rightsIn(rendered: Rendered, kind: 'Role' | 'ClusterRole'): string[] {
  const role = rendered.ofKind(kind).find(({ metadata }) => metadata.name.endsWith('shop-loadtest'));
  return (role?.rules ?? [])
    .flatMap(({ resources, resourceNames, verbs }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) =>
          [verb, resource, ...(resourceNames ?? [])].join(' ').replace(/ shop-loadtest-report.*/, ' own'),
        ),
      ),
    )
    .sort();
}

const always = [
  'create configmaps',
  'get configmaps own',
  'get deployments shop-server',
  'get horizontalpodautoscalers shop-server',
  'get pods',
  'list deployments',
  'list endpointslices',
  'list horizontalpodautoscalers',
  'list pods',
  'list services',
  'list statefulsets',
  'patch configmaps own',
  'patch deployments shop-server',
  'patch horizontalpodautoscalers shop-server',
  'watch deployments',
  'watch endpointslices',
  'watch horizontalpodautoscalers',
  'watch pods',
  'watch statefulsets',
];
const withGateway = always.map((right) =>
  right.replace('deployments shop-server', 'deployments shop-server shop-gateway'),
);
const exec = ['create pods/exec', 'get pods/exec'];
const set = ['get statefulsets shop-zookeeper', 'patch statefulsets shop-zookeeper'];
const members = [0, 1, 2, 3, 4].map((ordinal) => `shop-zookeeper-${ordinal}`);
const deleting = `delete pods ${members.join(' ')}`;
const rights: Record<string, readonly string[]> = {
  demo: [...always, ...exec, ...set],
  quick: [...always, ...exec],
  kill: [...always, ...exec],
  freeze: [...always, ...exec],
  drain: [...always, 'create pods/eviction', 'list poddisruptionbudgets'],
  gateway: withGateway,
  soak: withGateway,
  'zookeeper-leader': [...always, deleting],
  'zookeeper-all': [...always, deleting, ...set],
};

withHelm('a scenario', () => {
  for (const name of scenarios) {
    it(`${name}: is what the conductor gets, with the rights that it needs and no other`, async () => {
      const rendered = await render({ set: conducted(name) });
      const { data } = rendered.get('ConfigMap', 'shop-loadtest');
      assert.deepEqual(Object.keys(data!), ['scenario.yaml']);
      assert.equal(parseScenario(data!['scenario.yaml']!).name, name);
      assert.deepEqual(rightsIn(rendered, 'Role'), [...(rights[name] ?? always)].sort());
      const nodes = ['get nodes', 'list nodes', ...(name === 'drain' ? ['patch nodes'] : [])];
      assert.deepEqual(rightsIn(rendered, 'ClusterRole'), nodes);
    });
  }

  it('has no right beyond its namespace, unless that is allowed', async () => {
    const rendered = await render({ set: conducted('scale', 'loadtest.clusterWide=false') });
    assert.deepEqual([rendered.ofKind('ClusterRole'), rendered.ofKind('ClusterRoleBinding')], [[], []]);
  });

  it('is played by one container, which has all that it needs', async () => {
    const rendered = await render({ set: conducted('kill') });
    const { containers, volumes, ...spec } = jobOf(rendered);
    const [conductor] = containers as [Container];
    assert.equal(containers.length, 1);
    assert.equal(conductor.image, 'evenkeel:0.1.0-loadtest');
    assert.deepEqual(conductor.args, [
      ...['loadtest', 'run', '/scenario/scenario.yaml', '--release', 'shop', '--load', 'k6'],
      ...['--report', '/tmp/shop-loadtest-report-1.html', '--config-map', 'shop-loadtest-report-1'],
    ]);
    const env = (conductor.env ?? []).map(({ name }) => name);
    assert.deepEqual(env, ['POD_NAME', 'NODE_NAME']);
    assert.equal(spec.automountServiceAccountToken, true);
    assert.equal(spec.terminationGracePeriodSeconds, 60, 'time to put back what was changed');
    assert.deepEqual(
      volumes?.map(({ name }) => name),
      ['scenario', 'tmp'],
    );
    const [binding] = rendered.ofKind('RoleBinding');
    assert.deepEqual(binding!.subjects, [
      { kind: 'ServiceAccount', name: spec.serviceAccountName, namespace: 'market' },
    ]);
  });

  it("may be one's own, on another release, with a volume and a secret", async () => {
    const own = await render({ files: ['ci/loadtest-values.yaml'] });
    const [conductor] = jobOf(own).containers as [Container];
    assert.ok(conductor.args!.includes('/report/shop-loadtest-report-1.html'));
    assert.equal(envOf(conductor).EVENKEEL_REGISTRY_AUTH_FILE, '/run/secrets/evenkeel/auth');
    assert.equal(parseScenario(own.get('ConfigMap', 'shop-loadtest').data!['scenario.yaml']!).events.length, 7);

    const other: Given = {
      part: 'loadtest',
      set: ['scenario=scale', 'release=other', 'url=http://front', 'report.configMap=false'],
    };
    const rendered = await render(other);
    const { args } = jobOf(rendered).containers[0] as Container;
    assert.deepEqual(args!.slice(3, 5), ['--release', 'other']);
    assert.deepEqual(args!.slice(-2), ['--url', 'http://front']);
    assert.ok(!args!.includes('--config-map'));
    const found = rightsIn(rendered, 'Role');
    assert.ok(found.includes('patch deployments other-server'));
    assert.deepEqual(
      found.filter((right) => right.includes('configmaps')),
      [],
    );
  });

  it('is shown on servers that values-loadtest.yaml makes ready for it', async () => {
    const rendered = await render({ files: ['values-loadtest.yaml'], set: ['loadtest.scenario=kill'] });
    const { spec } = rendered.get('Deployment', 'shop-server').spec.template as { spec: PodSpec };
    assert.equal(spec.containers[0]!.resources.limits!.cpu, '200m');
  });

  it('is shown on servers that scale by their calls in flight, and by nothing else', async () => {
    const files = ['values-loadtest.yaml', 'values-autoscale-calls.yaml'];
    const rendered = await render({ files, set: ['loadtest.scenario=hpa'] });
    const { minReplicas, maxReplicas, metrics, behavior } = rendered.get('HorizontalPodAutoscaler', 'shop-server').spec;
    // What the scenario begins with, and more than it expects, so that going too far would show.
    assert.deepEqual([minReplicas, maxReplicas], [2, 6]);
    assert.deepEqual(
      metrics.map(({ type, pods }: { type: string; pods: { target: { type: string } } }) => [type, pods.target.type]),
      [['Pods', 'AverageValue']],
    );
    assert.ok(behavior.scaleUp && behavior.scaleDown);
    rendered.get('ServiceMonitor', 'shop-server');
    assert.ok(jobOf(rendered));
  });
});

withHelm('k6 alone', () => {
  const k6 = async (...more: string[]) => {
    const rendered = await render({ set: ['loadtest.enabled=true', ...more] });
    assert.deepEqual([rendered.ofKind('Role'), rendered.ofKind('ClusterRole')], [[], []]);
    assert.equal(jobOf(rendered).automountServiceAccountToken, false);
    return jobOf(rendered).containers[0] as Container;
  };

  for (const script of ['pi', 'smoke', 'soak', 'spike']) {
    it(`runs ${script}.ts, with the settings that it has`, async () => {
      const container = await k6(`loadtest.script=${script}`, 'loadtest.settings.P99=700');
      assert.deepEqual(container.args, ['run', `/scripts/${script}.ts`]);
      const { K6_NO_USAGE_REPORT: _, ...env } = envOf(container);
      const common = { URL: 'http://shop-gateway:8080', N: '93', DEADLINE: '5000', P99: '700' };
      const ofPi = { KIND: 'proof', RATE: '100', USERS: '10', DURATION: '60' };
      assert.deepEqual(env, script === 'pi' ? { ...common, ...ofPi } : common);
    });
  }

  it('takes numbers as they are, whole or not', async () => {
    const settings = { UNSAFE: 0.05, FACTOR: 2.5, P95: 250, DURATION: 1200000, NOTE: 'x' };
    const args = ['--set-json', `loadtest.settings=${JSON.stringify(settings)}`];
    const env = envOf(jobOf(await render({ set: ['loadtest.enabled=true'], args })).containers[0] as Container);
    const passed = Object.fromEntries(Object.keys(settings).map((name) => [name, env[name]]));
    assert.deepEqual(passed, { UNSAFE: '0.05', FACTOR: '2.5', P95: '250', DURATION: '1200000', NOTE: 'x' });
  });

  it('has all scripts, and what they share', async () => {
    const { data } = (await render({ set: ['loadtest.enabled=true'] })).get('ConfigMap', 'shop-loadtest');
    assert.deepEqual(Object.keys(data!), ['pi.ts', 'shared.ts', 'smoke.ts', 'soak.ts', 'spike.ts']);
  });
});

withHelm('what calls did', () => {
  it('is not written down by default', async () => {
    const { spec } = (await render({})).get('Deployment', 'shop-server').spec.template;
    assert.deepEqual(
      [spec.initContainers, spec.shareProcessNamespace, spec.containers[0].args[1]],
      [undefined, undefined, 'pi'],
    );
  });

  it('is written to a folder that a container beside the server serves, which starts before it and ends after it', async () => {
    const rendered = await render({ set: ['server.recordCalls=true'] });
    const spec = rendered.get('Deployment', 'shop-server').spec.template.spec as PodSpec;
    const [ledger] = spec.initContainers as [Container];
    const [server] = spec.containers as [Container];
    assert.equal(ledger.restartPolicy, 'Always', 'a native sidecar');
    assert.equal(ledger.image, server.image);
    assert.deepEqual([ledger.args, server.args], [['ledger'], ['serve', 'recorded-pi']]);
    assert.equal(envOf(ledger).EVENKEEL_LEDGER, envOf(server).EVENKEEL_LEDGER);
    const mounted = ({ volumeMounts = [] }: Container) => volumeMounts.find(({ name }) => name === 'calls')!.mountPath;
    assert.deepEqual(
      [mounted(ledger), mounted(server)],
      [envOf(server).EVENKEEL_LEDGER, envOf(server).EVENKEEL_LEDGER],
    );
    assert.deepEqual(spec.volumes!.find(({ name }) => name === 'calls')!.emptyDir, { sizeLimit: '256Mi' });
    assert.deepEqual(ledger.ports, [{ name: 'ledger', containerPort: 9092 }]);
    assert.ok(ledger.livenessProbe);
    assert.deepEqual(
      [ledger.readinessProbe, ledger.startupProbe],
      [undefined, undefined],
      'the server does not wait for it',
    );
    assert.ok(ledger.resources.requests!.cpu, 'or no autoscaler by CPU could count');
    assert.equal(envOf(server).EVENKEEL_GRACE, '30s');
    assert.equal(
      spec.terminationGracePeriodSeconds,
      36,
      'behind that of the server the time of who reads the last lines',
    );
    const test = rendered.get('Pod', 'shop-test-stack').spec.containers[0] as Container;
    assert.equal(envOf(test).DEMONSTRATION, 'true', 'it is pi all the same');
  });

  it('comes behind init containers of others', async () => {
    const init = 'server.initContainers[0].name=first';
    const { spec } = (await render({ set: ['server.recordCalls=true', init] })).get('Deployment', 'shop-server').spec
      .template;
    assert.deepEqual(
      spec.initContainers.map(({ name }: Container) => name),
      ['first', 'ledger'],
    );
  });
});
