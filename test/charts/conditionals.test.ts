/** What values turn on, off and into what. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Container, envOf, parts, render, withHelm } from './support.ts';

const digest = `sha256:${'a'.repeat(64)}`;

withHelm('names and folders', () => {
  it('are the release and the part', async () => {
    const rendered = await render({});
    for (const part of ['server', 'gateway']) rendered.get('Deployment', `shop-${part}`);
    rendered.get('StatefulSet', 'shop-zookeeper');
    assert.equal(rendered.ofKind('Job').length, 0, 'no load test by default');
    for (const part of ['server', 'gateway']) {
      assert.equal(
        envOf(rendered.container('Deployment', `shop-${part}`)).EVENKEEL_REGISTRY,
        'zookeeper://shop-zookeeper:2181/evenkeel/market/shop/pi?session=10s',
      );
    }
  });

  it('are the same where a part is installed alone', async () => {
    const rendered = await render({ part: 'server', files: ['ci/alone-values.yaml'] });
    assert.equal(
      envOf(rendered.container('Deployment', 'shop-server')).EVENKEEL_REGISTRY,
      'zookeeper://evenkeel-zookeeper:2181/evenkeel/market/shop/greeter?session=10s',
    );
  });

  it('of long releases are cut where they do not differ, and agree between the parts', async () => {
    const long = 'a-release-with-a-very-long-name-of-fifty-three-letters'.slice(0, 53);
    const rendered = await render({ set: ['loadtest.enabled=true'], name: long });
    const names = rendered.pods.map(({ owner }) => owner.metadata.name);
    assert.equal(new Set(names).size, names.length);
    const [set] = rendered.ofKind('StatefulSet');
    const [server, gateway] = ['server', 'gateway'].map((part) =>
      rendered.ofKind('Deployment').find(({ metadata }) => metadata.name.endsWith(`-${part}`)),
    );
    const url = envOf(server!.spec.template.spec.containers[0]).EVENKEEL_REGISTRY;
    assert.ok(url!.startsWith(`zookeeper://${set!.metadata.name}:2181/evenkeel/market/${long}/`), `${url}`);
    const k6 = rendered.ofKind('Job')[0]!.spec.template.spec.containers[0] as Container;
    assert.equal(envOf(k6).URL, `http://${gateway!.metadata.name}:8080`);
  });

  it('can be given', async () => {
    const rendered = await render({ set: ['server.fullnameOverride=rpc', 'gateway.nameOverride=front'] });
    rendered.get('Deployment', 'rpc');
    rendered.get('Deployment', 'shop-front');
    const test = rendered.get('Pod', 'shop-test-stack').spec.containers[0];
    assert.deepEqual([envOf(test).SERVERS, envOf(test).GATEWAY], ['rpc', 'http://shop-front:8080']);
  });

  it('of the registry can be given, in whole or in part', async () => {
    const of = async (...set: string[]) =>
      envOf((await render({ set })).container('Deployment', 'shop-gateway')).EVENKEEL_REGISTRY;
    assert.equal(await of('global.registry.url=static:a:1'), 'static:a:1');
    assert.equal(
      await of('global.registry.hosts=a:1\\,b:2', 'global.registry.folder=/x', 'global.registry.session=6s'),
      'zookeeper://a:1,b:2/x/pi?session=6s',
    );
    for (const session of ['500ms', '1.5s', '5m']) {
      assert.match((await of(`global.registry.session=${session}`))!, new RegExp(`[?]session=${session}$`));
    }
  });
});

withHelm('images', () => {
  const imagesOf = async (...set: string[]) => {
    const rendered = await render({ set });
    const test = rendered.get('Pod', 'shop-test-stack').spec.containers[0] as Container;
    return {
      server: rendered.container('Deployment', 'shop-server').image,
      gateway: rendered.container('Deployment', 'shop-gateway').image,
      zookeeper: rendered.container('StatefulSet', 'shop-zookeeper').image,
      test: test.image,
    };
  };

  it("are evenkeel's own and ZooKeeper's official one", async () => {
    const own = 'evenkeel:0.1.0';
    const zookeeper = 'docker.io/library/zookeeper:3.9';
    assert.deepEqual(await imagesOf(), { server: own, gateway: own, test: own, zookeeper });
  });

  it('come from a mirror, or from a registry of their own', async () => {
    const images = await imagesOf('global.imageRegistry=mirror:5000/', 'global.image.registry=r.io/team');
    assert.deepEqual(
      [images.server, images.zookeeper],
      ['r.io/team/evenkeel:0.1.0', 'mirror:5000/library/zookeeper:3.9'],
    );
  });

  it('go by a digest before a tag', async () => {
    const images = await imagesOf(
      `global.image.digest=${digest}`,
      'global.image.tag=x',
      `zookeeper.image.digest=${digest}`,
      'server.image.repository=mine',
      'server.image.tag=v2',
    );
    assert.equal(images.gateway, `evenkeel@${digest}`);
    assert.equal(images.zookeeper, `docker.io/library/zookeeper@${digest}`);
    assert.equal(images.server, 'mine:v2', "another image has not evenkeel's digest");
    assert.equal(images.test, `evenkeel@${digest}`);
  });

  it('are pulled with the secrets of all and of the part', async () => {
    const set = ['global.imagePullSecrets={a,b}', 'server.imagePullSecrets={b,c}'];
    const { spec } = (await render({ set })).get('Deployment', 'shop-server').spec.template;
    assert.deepEqual(spec.imagePullSecrets, [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  });

  it('are pulled with secrets that are given as in a pod, too', async () => {
    const rendered = await render({
      set: [
        'loadtest.enabled=true',
        'global.imagePullSecrets[0].name=a',
        'global.imagePullSecrets[1]=b',
        ...parts.map((part) => `${part}.imagePullSecrets[0].name=b`),
      ],
    });
    assert.equal(rendered.pods.length, parts.length + 1);
    for (const { owner, spec } of rendered.pods) {
      assert.deepEqual(spec.imagePullSecrets, [{ name: 'a' }, { name: 'b' }], owner.metadata.name);
    }
  });
});

withHelm('ZooKeeper', () => {
  it('alone names itself; of three, each names all', async () => {
    const servers = async (count: number) =>
      envOf((await render({ set: [`zookeeper.replicaCount=${count}`] })).container('StatefulSet', 'shop-zookeeper'))
        .ZOO_SERVERS;
    assert.equal(await servers(1), 'server.1=localhost:2888:3888;2181');
    const member = (i: number) => `server.${i + 1}=shop-zookeeper-${i}.shop-zookeeper-headless:2888:3888;2181`;
    assert.equal(await servers(3), [0, 1, 2].map(member).join(' '));
  });

  it('starts all members at once, and shows them before they are ready to each other alone', async () => {
    const rendered = await render({ files: ['ci/ensemble-values.yaml'] });
    const { spec } = rendered.get('StatefulSet', 'shop-zookeeper');
    assert.equal(spec.podManagementPolicy, 'Parallel');
    assert.equal(spec.serviceName, 'shop-zookeeper-headless');
    assert.equal(rendered.get('Service', 'shop-zookeeper-headless').spec.publishNotReadyAddresses, true);
    assert.equal(rendered.get('Service', 'shop-zookeeper').spec.publishNotReadyAddresses, undefined);
    assert.equal(rendered.get('PodDisruptionBudget', 'shop-zookeeper').spec.maxUnavailable, 1);
    assert.deepEqual(spec.persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Delete', whenScaled: 'Retain' });
    assert.equal(spec.volumeClaimTemplates[0].spec.storageClassName, 'standard');
  });

  it('is set up by the variables of the official image', async () => {
    const env = envOf(
      (await render({ files: ['ci/ensemble-values.yaml'] })).container('StatefulSet', 'shop-zookeeper'),
    );
    assert.equal(env.ZOO_ADMINSERVER_ENABLED, 'false');
    assert.equal(env.ZOO_AUTOPURGE_PURGEINTERVAL, '1');
    assert.match(env.ZOO_CFG_EXTRA!, /metricsProvider\.httpPort=7070 maxSessionTimeout=60000$/);
    assert.match(env.JVMFLAGS!, /^-Xmx256m /);
  });

  it('rolls when its logging changes', async () => {
    const sum = async (level: string) =>
      (await render({ set: [`zookeeper.logLevel=${level}`] })).get('StatefulSet', 'shop-zookeeper').spec.template
        .metadata.annotations['checksum/config'];
    assert.notEqual(await sum('INFO'), await sum('WARN'));
    assert.equal(await sum('INFO'), await sum('INFO'));
  });

  it('can do without a volume', async () => {
    const { spec } = (await render({ set: ['zookeeper.persistence.enabled=false'] })).get(
      'StatefulSet',
      'shop-zookeeper',
    );
    assert.equal(spec.volumeClaimTemplates, undefined);
    assert.equal(spec.persistentVolumeClaimRetentionPolicy, undefined);
  });
});

withHelm('servers and gateways', () => {
  it('are replaced one more at a time, and have as long to go as they are told', async () => {
    const rendered = await render({
      set: ['gateway.preStopSleepSeconds=7', 'server.terminationGracePeriodSeconds=45'],
    });
    for (const part of ['server', 'gateway']) {
      const { strategy } = rendered.get('Deployment', `shop-${part}`).spec;
      assert.deepEqual(strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: '25%' });
    }
    const gateway = rendered.container('Deployment', 'shop-gateway');
    assert.deepEqual(gateway.lifecycle, { preStop: { sleep: { seconds: 7 } } });
    assert.equal(envOf(gateway).EVENKEEL_GRACE, '23s', 'the sleep is taken from the time that there is');
    const server = rendered.container('Deployment', 'shop-server');
    assert.equal(server.lifecycle, undefined, 'a server leaves the registry at once');
    assert.equal(envOf(server).EVENKEEL_GRACE, '45s');
    assert.equal(rendered.get('Deployment', 'shop-server').spec.template.spec.terminationGracePeriodSeconds, 45);
  });

  it('are replaced at once where that is asked for', async () => {
    const rendered = await render({
      set: ['server', 'gateway'].map((part) => `${part}.updateStrategy.type=Recreate`),
    });
    for (const part of ['server', 'gateway']) {
      assert.deepEqual(rendered.get('Deployment', `shop-${part}`).spec.strategy, { type: 'Recreate' });
    }
  });

  it('are asked for readiness by /readyz, for everything else by /livez', async () => {
    const rendered = await render({});
    for (const part of ['server', 'gateway']) {
      const { startupProbe, readinessProbe, livenessProbe } = rendered.container('Deployment', `shop-${part}`);
      const asks = (path: string) => ({ path, port: 'ops' });
      for (const [probe, path] of [
        [startupProbe, '/livez'],
        [readinessProbe, '/readyz'],
        [livenessProbe, '/livez'],
      ] as const) {
        const { httpGet, ...numbers } = probe as { httpGet: unknown };
        assert.deepEqual(httpGet, asks(path));
        assert.deepEqual(Object.keys(numbers).sort(), ['failureThreshold', 'periodSeconds', 'timeoutSeconds']);
      }
    }
  });

  it('have no replicas where an autoscaler decides', async () => {
    const rendered = await render({ files: ['ci/autoscaling-values.yaml'] });
    for (const part of ['server', 'gateway']) {
      const { spec, metadata } = rendered.get('Deployment', `shop-${part}`);
      assert.equal('replicas' in spec, false);
      assert.equal(metadata.annotations, undefined);
    }
    const server = rendered.get('HorizontalPodAutoscaler', 'shop-server').spec;
    assert.deepEqual([server.minReplicas, server.maxReplicas], [1, 4]);
    assert.deepEqual(
      server.metrics.map((metric: { type: string }) => metric.type),
      ['Pods'],
    );
    assert.deepEqual(server.behavior, { scaleDown: { stabilizationWindowSeconds: 30 } });
    const gateway = rendered.get('HorizontalPodAutoscaler', 'shop-gateway').spec;
    const targets = gateway.metrics.map((m: { resource: { name: string; target: unknown } }) => [
      m.resource.name,
      m.resource.target,
    ]);
    assert.deepEqual(targets, [
      ['cpu', { type: 'Utilization', averageUtilization: 70 }],
      ['memory', { type: 'Utilization', averageUtilization: 80 }],
    ]);
    assert.equal(gateway.behavior, undefined);
  });

  it('have as many replicas as told, none too', async () => {
    const rendered = await render({ set: ['server.replicaCount=0', 'gateway.replicaCount=5'] });
    assert.equal(rendered.get('Deployment', 'shop-server').spec.replicas, 0);
    assert.equal(rendered.get('Deployment', 'shop-gateway').spec.replicas, 5);
    assert.equal(rendered.ofKind('HorizontalPodAutoscaler').length, 0);
  });

  it('read the secret from a file, and nothing shows it', async () => {
    const rendered = await render({ files: ['ci/ensemble-values.yaml'] });
    for (const part of ['server', 'gateway']) {
      const container = rendered.container('Deployment', `shop-${part}`);
      assert.equal(envOf(container).EVENKEEL_REGISTRY_AUTH_FILE, '/run/secrets/evenkeel/auth');
      assert.ok(container.volumeMounts!.some(({ mountPath }) => mountPath === '/run/secrets/evenkeel'));
      const { volumes } = rendered.get('Deployment', `shop-${part}`).spec.template.spec;
      const { secret } = volumes.find(({ name }: { name: string }) => name === 'registry-auth');
      assert.deepEqual(secret, {
        secretName: 'evenkeel-registry',
        defaultMode: 0o440,
        items: [{ key: 'auth', path: 'auth' }],
      });
    }
    assert.equal(rendered.ofKind('Secret').length, 0);
  });

  it('a gateway keeps what it knows for its next start', async () => {
    const cached = (await render({})).container('Deployment', 'shop-gateway');
    assert.equal(envOf(cached).EVENKEEL_REGISTRY_CACHE, '/var/cache/evenkeel/registry.json');
    const without = (await render({ set: ['gateway.registryCache.enabled=false'] })).container(
      'Deployment',
      'shop-gateway',
    );
    assert.equal(envOf(without).EVENKEEL_REGISTRY_CACHE, undefined);
    assert.deepEqual(
      without.volumeMounts!.map(({ name }) => name),
      ['tmp'],
    );
  });

  it('a gateway gets a token, and rights to EndpointSlices alone, for the registry of Kubernetes', async () => {
    const rendered = await render({ files: ['ci/kubernetes-registry-values.yaml'] });
    const role = rendered.get('Role', 'shop-gateway');
    assert.equal(role.metadata.namespace, 'market');
    const registry = (name: string) => envOf(rendered.container('Deployment', name)).EVENKEEL_REGISTRY;
    assert.equal(registry('shop-gateway'), 'kubernetes://market/shop-server?port=rpc');
    assert.equal(registry('shop-server'), undefined, 'a server does not register there: its Service does it');
    const { env = [] } = rendered.container('Deployment', 'shop-gateway');
    const { valueFrom } = env.find(({ name }) => name === 'EVENKEEL_WEBHOOK')!;
    assert.deepEqual(valueFrom, { secretKeyRef: { name: 'pager', key: 'url' } });
    assert.deepEqual(role.rules, [
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ]);
    const own = await render({ set: ['global.registry.url=kubernetes:///shop-server'] });
    assert.equal(own.get('Role', 'shop-gateway').metadata.namespace, 'market', 'without a namespace its own is meant');
    const none = await render({});
    assert.deepEqual([none.ofKind('Role'), none.ofKind('RoleBinding')], [[], []]);
  });
});

withHelm("a service of one's own", () => {
  it('comes as text, and pods roll when it changes', async () => {
    const rendered = await render({ files: ['ci/own-service-values.yaml'] });
    const server = rendered.container('Deployment', 'shop-server');
    assert.deepEqual(server.args, ['serve', '/app/modules/service.mjs']);
    assert.match(server.image, /^mirror\.example\.com\/team\/greeter@sha256:/);
    assert.match(rendered.get('ConfigMap', 'shop-server-module').data!['service.mjs']!, /^import \{ connect/);
    const { annotations } = rendered.get('Deployment', 'shop-server').spec.template.metadata;
    assert.match(annotations['checksum/module'], /^[0-9a-f]{64}$/);
    assert.equal(annotations['example.com/team'], 'greeters');
    assert.ok(server.volumeMounts!.some(({ mountPath }) => mountPath === '/models'));
    const env = envOf(server);
    assert.match(env.PI_REGISTRY!, /^zookeeper:/);
    assert.deepEqual([env.EVENKEEL_THREADS, env.EVENKEEL_HANDLER_TIMEOUT, env.EVENKEEL_ZONE], ['2', '20s', 'here']);
    rendered.get('ConfigMap', 'shop-extra');
    const test = rendered.get('Pod', 'shop-test-stack').spec.containers[0];
    assert.equal(envOf(test).DEMONSTRATION, '', 'pi is not asked of it');
  });

  it('comes from a path in the image, or from a ConfigMap that is there', async () => {
    const args = async (...set: string[]) => (await render({ set })).container('Deployment', 'shop-server').args;
    assert.deepEqual(await args('server.module=/app/x.ts'), ['serve', '/app/x.ts']);
    assert.deepEqual(await args('server.moduleFrom.configMap=m', 'server.moduleFrom.key=x.ts'), [
      'serve',
      '/app/modules/x.ts',
    ]);
  });
});

withHelm('what is asked for', () => {
  it('Ingress and HTTPRoute lead to /call of the gateway', async () => {
    const rendered = await render({ files: ['ci/exposed-values.yaml'] });
    const ingress = rendered.get('Ingress', 'shop-gateway').spec;
    assert.equal(ingress.ingressClassName, 'traefik');
    assert.deepEqual(ingress.rules[0].http.paths, [
      { path: '/call', pathType: 'Prefix', backend: { service: { name: 'shop-gateway', port: { name: 'http' } } } },
    ]);
    const named = await render({
      set: ['gateway.ingress.enabled=true', 'gateway.ingress.hosts[0].host=a.example.com'],
    });
    const [{ host, http }] = named.get('Ingress', 'shop-gateway').spec.rules;
    assert.deepEqual([host, http], ['a.example.com', ingress.rules[0].http], 'paths need not be said');
    const path = ['--set-json', 'gateway.ingress.hosts=[{"host":"a.example.com","paths":[{"path":"/call"}]}]'];
    const typed = await render({ set: ['gateway.ingress.enabled=true'], args: path });
    assert.deepEqual(typed.get('Ingress', 'shop-gateway').spec.rules[0].http, http, 'nor need their type');
    const [rule] = rendered.get('HTTPRoute', 'shop-gateway').spec.rules;
    assert.deepEqual(rule.matches, [{ path: { type: 'PathPrefix', value: '/call' } }]);
    assert.deepEqual(rule.backendRefs, [{ name: 'shop-gateway', port: 8080 }]);
    assert.deepEqual(rule.timeouts, { request: '10s' });
    const service = rendered.get('Service', 'shop-gateway').spec;
    assert.equal(service.type, 'LoadBalancer');
    assert.equal(service.trafficDistribution, 'PreferClose');
    assert.deepEqual(
      service.ports.map((port: { name: string }) => port.name),
      ['http', 'rpc'],
      'metrics stay inside',
    );
    assert.equal(envOf(rendered.container('Deployment', 'shop-gateway')).EVENKEEL_RPC, '0.0.0.0:7000');
  });

  it('monitors, alerts and the dashboard', async () => {
    const rendered = await render({ files: ['ci/monitoring-values.yaml'] });
    assert.equal(rendered.get('ServiceMonitor', 'shop-gateway').metadata.namespace, 'monitoring');
    assert.deepEqual(rendered.get('ServiceMonitor', 'shop-gateway').spec.namespaceSelector, { matchNames: ['market'] });
    const monitor = rendered.get('ServiceMonitor', 'shop-server');
    assert.equal(monitor.metadata.labels!.release, 'prometheus');
    assert.equal(monitor.spec.endpoints[0].relabelings[0].targetLabel, 'node');
    for (const part of ['zookeeper', 'server', 'gateway']) {
      const [group] = rendered.get('PrometheusRule', `shop-${part}`).spec.groups;
      assert.ok(group.rules.length >= 3);
      for (const { alert, expr } of group.rules) {
        if (alert === 'NoServerAtWork') continue;
        // Of this release, by the Service that is scraped.
        const scraped = rendered
          .ofKind('Service')
          .find((s) => s.metadata.labels!['evenkeel/scrape'] && s.metadata.name.startsWith(`shop-${part}`));
        assert.ok(expr.includes(`namespace="market",service="${scraped!.metadata.name}"`), `${alert}: ${expr}`);
      }
    }
    const dashboard = rendered.get('ConfigMap', 'shop-dashboard');
    assert.equal(dashboard.metadata.labels!.grafana_dashboard, '1');
    assert.ok(JSON.parse(dashboard.data!['evenkeel.json']!).panels.length > 15);
    const alerts = async (...set: string[]) => {
      const monitored = await render({ set: ['server.prometheusRule.enabled=true', ...set] });
      const [{ rules }] = monitored.get('PrometheusRule', 'shop-server').spec.groups;
      return (rules as { alert: string }[]).map(({ alert }) => alert);
    };
    assert.ok((await alerts()).includes('EvenkeelServerNotRegistered'));
    const watched = await alerts('global.registry.url=kubernetes:///shop-server');
    assert.ok(
      !watched.includes('EvenkeelServerNotRegistered'),
      'there servers never register, and are found all the same',
    );
    const none = await render({});
    for (const kind of ['ServiceMonitor', 'PrometheusRule']) assert.deepEqual(none.ofKind(kind), []);
  });

  it('the load test is a Job of this revision', async () => {
    const rendered = await render({ files: ['ci/external-zookeeper-values.yaml'] });
    const { spec } = rendered.get('Job', 'shop-loadtest-1');
    assert.equal(spec.backoffLimit, 0);
    const k6 = spec.template.spec.containers[0] as Container;
    assert.deepEqual(k6.args, ['run', '/scripts/pi.ts']);
    const { URL, KIND, RATE, N, RUN } = envOf(k6);
    assert.deepEqual([URL, KIND, RATE, N, RUN], ['http://shop-gateway:8080', 'capacity', '100', '93', 'ci']);
    assert.equal(rendered.ofKind('StatefulSet').length, 0);
  });

  it('tests are hooks, and one that must fail is there when asked for', async () => {
    const names = async (...set: string[]) =>
      (await render({ set })).ofKind('Pod').map(({ metadata }) => metadata.name);
    assert.deepEqual(await names(), ['shop-test-stack']);
    assert.deepEqual((await names('tests.mustFail=true')).sort(), ['shop-test-must-fail', 'shop-test-stack']);
    assert.deepEqual(await names('tests.enabled=false'), []);
    assert.deepEqual(await names('gateway.enabled=false'), []);
    const annotations = async (...set: string[]) =>
      (await render({ set })).get('Pod', 'shop-test-stack').metadata.annotations!;
    assert.equal((await annotations())['helm.sh/hook'], 'test');
    const policy = 'helm.sh/hook-delete-policy';
    assert.equal((await annotations())[policy], 'before-hook-creation,hook-succeeded', 'an uninstall leaves nothing');
    assert.equal((await annotations('tests.keep=true'))[policy], 'before-hook-creation', 'with a log to show');
  });

  it('tests run where gateways may', async () => {
    const set = [
      ...['nodeSelector.pool=rpc', 'tolerations[0].key=rpc', 'tolerations[0].operator=Exists'].map(
        (value) => `gateway.${value}`,
      ),
      'tests.mustFail=true',
    ];
    for (const { metadata, spec } of (await render({ set })).ofKind('Pod')) {
      assert.deepEqual(spec.nodeSelector, { pool: 'rpc' }, metadata.name);
      assert.deepEqual(spec.tolerations, [{ key: 'rpc', operator: 'Exists' }], metadata.name);
    }
    const { spec } = (await render({})).get('Pod', 'shop-test-stack');
    assert.deepEqual([spec.nodeSelector, spec.tolerations], [undefined, undefined]);
  });

  it('every part can be left out', async () => {
    const rendered = await render({ set: ['server.enabled=false', 'gateway.enabled=false'] });
    assert.deepEqual(
      rendered.pods.map(({ owner }) => owner.kind),
      ['StatefulSet'],
    );
  });
});
