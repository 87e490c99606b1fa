import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { KubeConfig } from '@kubernetes/client-node';
import { type Answer, FakeKubernetes, pod, slice } from '../../../test/support/fake-kubernetes.ts';
import { startFaultProxy } from '../../../test/support/fault-proxy.ts';
import { Seen, SeenSettings, server, watchSuite } from '../../../test/support/registry-suite.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { address, type Endpoint, endpoint } from '../../core/endpoint.ts';
import { type Log, silentLog } from '../../core/log.ts';
import { openRegistry } from '../open.ts';
import type { Registry } from '../registry.ts';
import { checkPackage, kubernetesRegistry } from './kubernetes.ts';
import { readKubernetesUrl } from './url.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-kubernetes-'));
after(() => rmSync(folder, { recursive: true, force: true }));

// What a pod's Endpoint says comes from the URL, but for address, port and zone.
const servers: Endpoint[] = [
  endpoint({ host: '10.0.0.1', port: 7000 }),
  endpoint({ host: '10.0.0.2', port: 7000, zone: 'a' }),
  endpoint({ host: '10.0.0.3', port: 7001, zone: 'b' }),
];

watchSuite(
  'Kubernetes',
  async () => {
    const fake = await FakeKubernetes.start({ tls: true });
    process.env.KUBECONFIG = join(folder, 'suite');
    writeFileSync(process.env.KUBECONFIG, fake.kubeconfig());
    fake.token = 'secret-token';
    let services = 0;
    return {
      async openWith(endpoints) {
        const service = `suite-${++services}`;
        for (const { host, port, zone } of endpoints) {
          const name = `${service}-${host.replaceAll('.', '-')}`;
          const ports = [{ name: 'rpc', port, protocol: 'TCP' }];
          fake.put(slice(name, [pod(host, zone === undefined ? {} : { zone })], { ports }), { service });
        }
        return openRegistry(`kubernetes://demo/${service}?port=rpc`);
      },
      stop: () => fake.stop(),
    };
  },
  servers,
);

interface Scene {
  fake: FakeKubernetes;
  /** Opened on it, and closed after the test. */
  open(rest?: string, configure?: (config: KubeConfig) => void): Registry;
  warnings: string[];
}

/** One test on an API server of its own. */
function on(title: string, run: (scene: Scene) => Promise<void>, tls = false): void {
  it(title, async (test: TestContext) => {
    const fake = await FakeKubernetes.start({ tls });
    test.after(() => fake.stop());
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (facts) => warnings.push(JSON.stringify(facts)), child: () => log };
    const usual = (config: KubeConfig) => config.loadFromString(fake.kubeconfig());
    const open = (rest = '//demo/pi', configure = usual) => {
      const options = { clock: systemClock, random: () => 0.999, log };
      const registry = kubernetesRegistry(readKubernetesUrl(rest), options, configure);
      test.after(() => registry.close());
      return registry;
    };
    await run({ fake, open, warnings });
  });
}

const failure = (seen: Seen) => (seen.last?.state === 'failed' ? seen.last.cause.message : undefined);
const failed = (seen: Seen, text: RegExp) =>
  until(
    () => text.test(failure(seen) ?? ''),
    () => `the failure ${text}, last seen ${failure(seen)}`,
  );

describe('a Kubernetes registry', { concurrency: true }, () => {
  on('follows pods that come, get ready, end and go', async ({ fake, open }) => {
    const seen = new Seen(open());
    await seen.reaches('');
    fake.put(slice('pi-1', [pod('10.0.0.1', { ready: false }), pod('10.0.0.2')]));
    await seen.reaches('10.0.0.2:7000');
    fake.put(slice('pi-1', [pod('10.0.0.1'), pod('10.0.0.2')]));
    await seen.reaches('10.0.0.1:7000 10.0.0.2:7000');
    fake.put(slice('pi-1', [pod('10.0.0.1'), pod('10.0.0.2', { ready: false, terminating: true })]));
    await seen.reaches('10.0.0.1:7000');
    fake.put(slice('pi-2', [pod('10.0.0.9')]));
    await seen.reaches('10.0.0.1:7000 10.0.0.9:7000');
    fake.delete('pi-1');
    await seen.reaches('10.0.0.9:7000');
    // Its service is made again.
    fake.delete('pi-2');
    await seen.reaches('');
    fake.put(slice('pi-again', [pod('10.0.0.4')]));
    await seen.reaches('10.0.0.4:7000');
    assert.equal(fake.count('list'), 1, 'all of it came by one stream');
    assert.equal(fake.count('watch'), 1);
  });

  on('asks for one service in one namespace', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    fake.put(slice('e-1', [pod('10.0.0.2')]), { service: 'e' });
    fake.put(slice('pi-1', [pod('10.0.0.3')]), { namespace: 'other' });
    await new Seen(open()).reaches('10.0.0.1:7000');
    await new Seen(open('//other/pi')).reaches('10.0.0.3:7000');
  });

  on('keeps a quiet stream when the client ends it after 30 s of silence', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const seen = new Seen(open());
    await seen.reaches('10.0.0.1:7000');
    await until(() => fake.count('watch') === 2, 'the stream to be taken up again', 60_000);
    assert.equal(fake.count('list'), 1, 'without a list');
    await until(() => fake.streams === 1, 'the new stream alone');
    fake.put(slice('pi-1', [pod('10.0.0.1', { ready: false }), pod('10.0.0.2')]));
    await seen.reaches('10.0.0.2:7000');
    assert.deepEqual(
      seen.views.map(({ state }) => state).filter((state) => state !== 'pending'),
      ['known', 'known'],
    );
  });

  on('misses nothing of a connection on which nothing comes any more', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const proxy = await startFaultProxy(`127.0.0.1:${fake.port}`);
    try {
      const kubeconfig = fake.kubeconfig().replace(fake.url, `http://${proxy.address}`);
      const seen = new Seen(open(undefined, (config) => config.loadFromString(kubeconfig)));
      await seen.reaches('10.0.0.1:7000');
      await until(() => fake.streams === 1, 'a stream');
      proxy.pause();
      fake.put(slice('pi-1', [pod('10.0.0.2')]));
      // After 30 s of silence the client ends the stream, and gets no other.
      await until(() => /no answer within 10 s$/.test(failure(seen) ?? ''), 'the failure', 90_000);
      assert.equal(seen.hosts, '10.0.0.1:7000');
      proxy.resume();
      await seen.reaches('10.0.0.2:7000');
    } finally {
      await proxy.close();
    }
  });

  on('takes up where a stream ended, and misses nothing', async ({ fake, open, warnings }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const seen = new Seen(open());
    await seen.reaches('10.0.0.1:7000');
    for (const [n, lose] of [() => fake.end(), () => fake.cut(), () => fake.end()].entries()) {
      await until(() => fake.streams === 1, 'a stream');
      lose();
      fake.putUnheard(slice('pi-1', [pod(`10.0.1.${n}`)]));
      await seen.reaches(`10.0.1.${n}:7000`);
    }
    assert.equal(fake.count('list'), 1);
    assert.ok(seen.views.every(({ state }) => state !== 'failed'));
    assert.deepEqual(warnings, []);
  });

  on('goes on from a bookmark', async ({ fake, open }) => {
    const seen = new Seen(open());
    await seen.reaches('');
    await until(() => fake.streams === 1, 'a stream');
    fake.compact();
    fake.bookmark();
    fake.end();
    await until(() => fake.count('watch') === 2 && fake.streams === 1, 'the next stream');
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    await seen.reaches('10.0.0.1:7000');
    assert.equal(fake.requests.at(-1)?.query.get('allowWatchBookmarks'), 'true');
    assert.equal(fake.count('list'), 1);
  });

  for (const goneBy of ['status', 'event'] as const) {
    on(`lists again when its version is gone, said by ${goneBy}`, async ({ fake, open, warnings }) => {
      fake.goneBy = goneBy;
      fake.put(slice('pi-1', [pod('10.0.0.1')]));
      const seen = new Seen(open());
      await seen.reaches('10.0.0.1:7000');
      await until(() => fake.streams === 1, 'a stream');
      fake.cut();
      fake.putUnheard(slice('pi-1', [pod('10.0.0.2')]));
      fake.compact();
      await seen.reaches('10.0.0.2:7000');
      assert.ok(seen.views.every(({ state }) => state !== 'failed'));
      assert.deepEqual(warnings, []);
      await until(() => fake.streams === 1, 'the next stream');
    });
  }

  on('takes versions that went back, as after a restore', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const seen = new Seen(open());
    await seen.reaches('10.0.0.1:7000');
    await until(() => fake.streams === 1, 'a stream');
    fake.restore();
    fake.putUnheard(slice('pi-1', [pod('10.0.0.2')]));
    fake.end();
    await seen.reaches('10.0.0.2:7000');
  });

  on('is not misled by half lines and nonsense in the stream', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    let configured = 0;
    const configure = (config: KubeConfig) => {
      configured++;
      config.loadFromString(fake.kubeconfig());
    };
    const seen = new Seen(open(undefined, configure));
    await seen.reaches('10.0.0.1:7000');
    await until(() => fake.streams === 1, 'a stream');
    fake.write('{"type":"MODIFIED","object":{"metadata":{"name":"pi-1","reso');
    fake.cut();
    await until(() => fake.streams === 1, 'the next stream');
    fake.write('<html>\n\nnull\n');
    fake.put(slice('pi-1', [pod('10.0.0.2')]));
    await seen.reaches('10.0.0.2:7000');
    assert.equal(fake.count('list'), 1, 'what is no change is none');
    for (const [n, line] of ['{}', '{"type":"MODIFIED","object":{"metadata":{}}}'].entries()) {
      const [lists, watches] = [fake.count('list'), fake.count('watch')];
      fake.putUnheard(slice('pi-1', [pod(`10.0.1.${n}`)]));
      fake.write(`${line}\n`);
      await seen.reaches(`10.0.1.${n}:7000`);
      assert.equal(fake.count('list'), lists + 1, 'a change that cannot be understood is looked up');
      await until(() => fake.count('watch') === watches + 1 && fake.streams === 1, 'the new stream alone');
    }
    assert.equal(configured, 1, 'what is ended by us has not failed');
  });

  on('follows a thousand pods in ten slices', async ({ fake, open }) => {
    const slices = Array.from({ length: 10 }, (_, of) =>
      Array.from({ length: 100 }, (_, n) => pod(`10.1.${of}.${n}`, { zone: `zone-${n % 3}` })),
    );
    for (const [of, pods] of slices.entries()) fake.put(slice(`pi-${of}`, pods));
    const registry = open();
    const seen = new Seen(registry);
    const counts = (count: number) =>
      until(() => seen.last?.state === 'known' && seen.last.endpoints.length === count, `${count} servers`);
    await counts(1_000);
    await until(() => fake.streams === 1, 'a stream');
    for (const [of, pods] of slices.entries()) {
      const ending = pods.slice(50).map((one) => ({ ...one, conditions: { ready: false, terminating: true } }));
      fake.put(slice(`pi-${of}`, [...pods.slice(0, 50), ...ending]));
    }
    await counts(500);
    assert.equal(registry.status().slices, 10);
    assert.deepEqual([fake.count('list'), fake.count('watch')], [1, 1]);
  });

  on('finds an API server that is elsewhere by now', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const other = await FakeKubernetes.start();
    try {
      let kubeconfig = other.kubeconfig();
      const seen = new Seen(open(undefined, (config) => config.loadFromString(kubeconfig)));
      await seen.reaches('');
      await other.stop();
      await failed(seen, /ECONNREFUSED/);
      kubeconfig = fake.kubeconfig();
      await seen.reaches('10.0.0.1:7000');
    } finally {
      await other.stop();
    }
  });

  on(
    'keeps the last view while the API server is away, and goes on when it is back',
    async ({ fake, open, warnings }) => {
      fake.put(slice('pi-1', [pod('10.0.0.1')]));
      const registry = open();
      const seen = new Seen(registry);
      await seen.reaches('10.0.0.1:7000');
      await fake.stop();
      await failed(seen, /^the API server http:\/\/127\.0\.0\.1:\d+ cannot be asked: connect ECONNREFUSED/);
      assert.equal(seen.hosts, '10.0.0.1:7000');
      assert.equal(registry.status().state, 'stale');
      const late = new Seen(registry);
      await until(() => late.last?.state === 'failed', 'one who comes later');
      assert.equal(late.hosts, '10.0.0.1:7000');
      await systemClock.sleep(2_000);
      await fake.listen();
      fake.put(slice('pi-1', [pod('10.0.0.2')]));
      await seen.reaches('10.0.0.2:7000');
      assert.equal(registry.status().state, 'known');
      assert.equal(warnings.length, 1, warnings.join('\n'));
    },
  );

  on('waits for an API server that is not there at the start', async ({ fake, open }) => {
    await fake.stop();
    const seen = new Seen(open());
    await failed(seen, /ECONNREFUSED/);
    assert.equal(seen.hosts, undefined);
    await fake.listen();
    await seen.reaches('');
  });

  on('says in one line that it is forbidden, and reads when it is allowed', async ({ fake, open, warnings }) => {
    const message = 'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:demo:x" cannot list';
    let answer: Answer = { status: 403, message, reason: 'Forbidden' };
    fake.answer = () => answer;
    const seen = new Seen(open());
    await failed(
      seen,
      /^we may not list endpointslices .* in the namespace demo: .* needs a Role .*: endpointslices.* cannot list$/,
    );
    await until(() => fake.count('list') >= 3, 'more than one try');
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.ok(seen.views.length <= 2);
    answer = 'ok';
    await seen.reaches('');
  });

  on('goes on by lists alone where it may not watch', async ({ fake, open, warnings }) => {
    fake.answer = (kind) => (kind === 'list' ? 'ok' : { status: 403 });
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const seen = new Seen(open());
    await failed(seen, /^we may not watch endpointslices/);
    assert.equal(seen.hosts, '10.0.0.1:7000');
    await until(() => fake.count('watch') >= 3, 'more than one try');
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.ok(seen.views.length <= 3);
  });

  on('is failed while the API server answers nonsense or errors', async ({ fake, open }) => {
    let answer: Answer = { status: 500, message: 'etcd\nis ill' };
    fake.answer = () => answer;
    const seen = new Seen(open());
    await failed(seen, /answered 500: etcd is ill$/);
    answer = { status: 404, message: 'the server could not find the requested resource' };
    await failed(seen, /^we cannot list endpointslices .* in the namespace demo: .* has none: is it Kubernetes 1\.21/);
    answer = { status: 429, message: 'too many' };
    await failed(seen, /answered 429: too many$/);
    // A proxy that says yes to everything.
    answer = { status: 200 };
    await failed(seen, /gave no list of EndpointSlices/);
    answer = 'ok';
    await seen.reaches('');
  });

  on('is failed when the API server ends a stream with an error, and takes it up again', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    const seen = new Seen(open());
    await seen.reaches('10.0.0.1:7000');
    await until(() => fake.streams === 1, 'a stream');
    fake.write('{"type":"ERROR","object":{"kind":"Status","code":500,"message":"out of storage"}}\n');
    await failed(seen, /answered 500: out of storage$/);
    await seen.reaches('10.0.0.1:7000');
    assert.equal(fake.count('list'), 1);
  });

  on('waits for a slow API server, and ends at once when it is closed meanwhile', async ({ fake, open }) => {
    fake.put(slice('pi-1', [pod('10.0.0.1')]));
    fake.answer = () => ({ delay: 1_500 });
    const slow = new Seen(open());
    await slow.reaches('10.0.0.1:7000');
    assert.ok(slow.views.every(({ state }) => state !== 'failed'));
    await until(() => fake.streams === 1, 'its stream');
    fake.put(slice('pi-1', [pod('10.0.0.2')]));
    await slow.reaches('10.0.0.2:7000');
    for (const kind of ['list', 'watch']) {
      fake.answer = (asked) => (asked === kind ? { delay: Number.POSITIVE_INFINITY } : 'ok');
      const before = fake.count(kind as 'list');
      const registry = open();
      const seen = new Seen(registry);
      await until(() => fake.count(kind as 'list') > before, `a ${kind} that is never answered`);
      await registry.close();
      await seen.done;
    }
  });

  on('gives up a request that is never answered, and says so', async ({ fake, open }) => {
    let answer: Answer = { delay: Number.POSITIVE_INFINITY };
    fake.answer = () => answer;
    const seen = new Seen(open());
    await failed(seen, /^the API server http:\S+ cannot be asked: no answer within 10 s$/);
    answer = 'ok';
    await seen.reaches('');
  });

  for (const shared of [false, true]) {
    const whose = shared ? 'that is the client\u2019s for all' : 'of its own';
    on(`leaves no connection ${whose} behind, whatever it waits for when it is closed`, async ({ fake, open }) => {
      // So it is for an API server whose certificate anybody knows.
      const configure = (config: KubeConfig) => {
        config.loadFromString(fake.kubeconfig());
        if (shared) config.createDispatcherOptions = () => ({ type: 'none' });
      };
      for (const never of ['list', 'watch', undefined] as const) {
        fake.answer = (kind) => (kind === never ? { delay: Number.POSITIVE_INFINITY } : 'ok');
        const before = fake.requests.length;
        const registry = open(undefined, configure);
        const seen = new Seen(registry);
        await until(() => fake.requests.slice(before).at(-1)?.kind === (never ?? 'watch'), 'the request');
        if (never === undefined) await until(() => fake.streams === 1, 'the stream');
        assert.ok(fake.connections > 0);
        await registry.close();
        await until(() => fake.connections === 0, `no connection: ${fake.connections}`, 5_000);
        await seen.done;
        assert.throws(() => registry.watch(AbortSignal.abort()), /is closed/);
      }
    });
  }

  on('takes IPv4 or IPv6 of a service that has both', async ({ fake, open }) => {
    fake.put(slice('pi-6', [pod('2001:db8::1', { uid: 'a' })], { addressType: 'IPv6' }));
    fake.put(slice('pi-4', [pod('10.0.0.1', { uid: 'a' })]));
    await new Seen(open()).reaches('10.0.0.1:7000');
    const seen = new Seen(open('//demo/pi?family=ipv6&protocol=classic'));
    await until(() => seen.last?.state === 'known', 'a view');
    const [one] = (seen.last as { endpoints: readonly Endpoint[] }).endpoints;
    assert.deepEqual([one?.id, one?.protocol], ['[2001:db8::1]:7000', 'classic']);
  });

  on('says which ports there are when it cannot know which is meant', async ({ fake, open }) => {
    const ports = [
      { name: 'rpc', port: 7000 },
      { name: 'ops', port: 9090 },
    ];
    fake.put(slice('pi-1', [pod('10.0.0.1')], { ports }));
    await failed(
      new Seen(open()),
      /more than one port \(rpc=7000, ops=9090\): say which by \?port=NAME or \?port=NUMBER/,
    );
    await new Seen(open('//demo/pi?port=ops')).reaches('10.0.0.1:9090');
    await new Seen(open('//demo/pi?port=7000')).reaches('10.0.0.1:7000');
    const seen = new Seen(open('//demo/pi?port=http'));
    await failed(seen, /has no port "http": its pods have rpc=7000, ops=9090/);
    fake.put(slice('pi-1', [pod('10.0.0.1')], { ports: [{ name: 'http', port: 80 }] }));
    await seen.reaches('10.0.0.1:80');
  });

  on(
    'cannot be written to, and has no live settings',
    async ({ open }) => {
      const registry = open();
      assert.throws(() => registry.announce(server('a')), /cannot be written to: Kubernetes itself lists the pods/);
      const seen = new SeenSettings(registry);
      await seen.reach(undefined);
      await assert.rejects(
        registry.configure(() => assert.fail('there is nothing to change')),
        /^Error: A kubernetes registry has no live settings: /,
      );
      await registry.close();
      await seen.done;
    },
    true,
  );
});

describe('a Kubernetes registry in a pod', () => {
  let fake: FakeKubernetes;
  const account = join(folder, 'var', 'run', 'secrets', 'kubernetes.io', 'serviceaccount');
  const opened: Registry[] = [];
  // As the client does it in a pod, whose root is elsewhere.
  const inPod = (config: KubeConfig) => config.loadFromCluster(folder);
  const open = (rest: string, configure = inPod) => {
    const options = { clock: systemClock, random: () => 0.5, log: silentLog };
    const registry = kubernetesRegistry(readKubernetesUrl(rest), options, configure);
    opened.push(registry);
    return registry;
  };
  before(async () => {
    fake = await FakeKubernetes.start({ tls: true });
    process.env.KUBERNETES_SERVICE_HOST = '127.0.0.1';
    process.env.KUBERNETES_SERVICE_PORT = String(fake.port);
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, 'ca.crt'), fake.certificate!.cert);
    writeFileSync(join(account, 'namespace'), 'own');
    writeFileSync(join(account, 'token'), 'first');
  });
  after(async () => {
    for (const registry of opened) await registry.close();
    await fake.stop();
  });

  it('uses its service account and its own namespace, and another one that is named', async () => {
    fake.token = 'first';
    fake.put(slice('pi-1', [pod('10.0.0.1')]), { namespace: 'own' });
    fake.put(slice('pi-1', [pod('10.0.0.2')]), { namespace: 'other' });
    const [own, other] = [open('///pi'), open('//other/pi')];
    await new Seen(own).reaches('10.0.0.1:7000');
    await new Seen(other).reaches('10.0.0.2:7000');
  });

  it('reads its token again when the old one is no longer taken', async () => {
    fake.token = 'first';
    const registry = open('///pi');
    const seen = new Seen(registry);
    await seen.reaches('10.0.0.1:7000');
    // Only then: a stream that is asked for with a token no longer taken never begins.
    await until(
      () => fake.streams > 0,
      () => `a stream, of ${fake.streams}`,
    );
    fake.token = 'second';
    fake.cut();
    await failed(seen, /does not take our token or certificate/);
    writeFileSync(join(account, 'token'), 'second');
    fake.put(slice('pi-1', [pod('10.0.0.3')]), { namespace: 'own' });
    await seen.reaches('10.0.0.3:7000');
    assert.doesNotMatch(JSON.stringify([seen.views, registry.status()]), /first|second/);
  });

  it('says that nobody told it where Kubernetes is', async () => {
    // What the client comes to when it finds nothing.
    const registry = open('//demo/pi', (config) =>
      config.loadFromClusterAndUser(
        { name: 'cluster', server: 'http://localhost:8080', skipTLSVerify: false },
        { name: 'user' },
      ),
    );
    await failed(new Seen(registry), /no Kubernetes to ask: .*\(automountServiceAccountToken: true\).* KUBECONFIG/);
  });

  it('finds a configuration that is there later', async () => {
    fake.token = 'second';
    let there = false;
    const registry = open('//own/nobody', (config) => {
      if (!there) throw new Error('ENOENT');
      writeFileSync(join(account, 'token'), 'second');
      inPod(config);
    });
    const seen = new Seen(registry);
    await failed(seen, /configuration cannot be read: ENOENT$/);
    there = true;
    await seen.reaches('');
  });

  it('shows nothing of a configuration that cannot be read', async () => {
    const registry = open('//demo/pi', (config) =>
      config.loadFromString('users:\n- name: us\n  user:\n    token: sesame\n   broken: ['),
    );
    const seen = new Seen(registry);
    await failed(seen, /^the Kubernetes configuration cannot be read: /);
    assert.doesNotMatch(failure(seen)!, /sesame/);
  });

  it('shows no token that cannot be sent', async () => {
    writeFileSync(join(account, 'token'), 'sesame\u0001');
    const registry = open('///pi');
    const seen = new Seen(registry);
    await until(() => failure(seen), 'the failure');
    assert.doesNotMatch(failure(seen)!, /sesame/);
  });
});

it('Kubernetes: says which package is missing', () => {
  const resolve = () => {
    throw new Error('ERR_MODULE_NOT_FOUND');
  };
  assert.throws(() => checkPackage(resolve), /needs the package @kubernetes\/client-node, .*: npm install/);
  checkPackage();
});

it('Kubernetes: addresses are ids, and none that a server must say', () => {
  for (const one of servers) assert.deepEqual([one.id, one.idAnnounced], [address(one), false]);
});
