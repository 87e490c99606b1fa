/** The registry `kubernetes://` on a real API server, with the rights that the chart gives a gateway and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryV1Api, KubeConfig, type V1EndpointSlice } from '@kubernetes/client-node';
import { systemClock } from '../../src/core/clock.ts';
import { type Endpoint, endpoint } from '../../src/core/endpoint.ts';
import type { ClusterError } from '../../src/registry/kubernetes/cluster.ts';
import { driver } from '../../src/registry/kubernetes/driver.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { Seen, watchSuite } from '../support/registry-suite.ts';
import { until } from '../support/until.ts';
import { type Account, account, apiServer, chartRules } from './kubernetes-registry/account.ts';
import { deployment, listed, pod, pods, service, slice } from './kubernetes-registry/objects.ts';
import { apply, exec, kubectl } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { isReady } from './support/pod.ts';

/** ms. A stream is ended after 30 s of silence: this is two of them, and some more. */
const quiet = 70_000;
/** ms, for all that waits for pods. */
const patience = 90_000;

const servers: Endpoint[] = [
  endpoint({ host: '10.0.0.1', port: 7000 }),
  endpoint({ host: '10.0.0.2', port: 7000, zone: 'a' }),
  endpoint({ host: '10.0.0.3', port: 7001, zone: 'b' }),
];

const { now } = systemClock;
const failure = (seen: Seen) => (seen.last?.state === 'failed' ? seen.last.cause.message : '');

test('the registry kubernetes:// on a real API server', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'k-registry');
  const client = await account(t, namespace, 'client');
  await client.allow(await chartRules());

  // Nothing happens to it while the others are tested.
  await apply(namespace, [service('quiet', false), slice('quiet', 'quiet-1', [{ addresses: ['10.9.0.1'] }])]);
  const quietRegistry = client.open('quiet');
  const quietSeen = new Seen(quietRegistry);
  await quietSeen.reaches('10.9.0.1:7000');
  const quietSince = now();

  // Takes its time, too.
  const faults = outliveFaults(client, namespace);
  faults.catch(() => {});

  let folders = 0;
  watchSuite(
    'Kubernetes',
    async () => ({
      async openWith(endpoints) {
        const of = `suite-${++folders}`;
        const slices = endpoints.map(({ host, port, zone }, n) => {
          const ports = [{ name: 'rpc', port, protocol: 'TCP' }];
          return slice(of, `${of}-${n}`, [{ addresses: [host], ...(zone === undefined ? {} : { zone }) }], { ports });
        });
        await apply(namespace, [service(of, false), ...slices]);
        return client.open(of);
      },
      stop: async () => {},
    }),
    servers,
  );

  await t.test('lists a pod from when it is ready until it is told to end', async () => {
    await apply(namespace, [service('one')]);
    const seen = new Seen(client.open('one'));
    await seen.reaches('');
    await apply(namespace, [pod('one', 'one')]);
    const early = await until(async () => (await listed(namespace, 'one'))[0], 'its slice', patience);
    assert.deepEqual([early.ready, early.terminating, seen.hosts], [false, false, '']);

    await until(async () => (await pods(namespace, 'one'))[0]?.status.phase === 'Running', 'it to run', patience);
    assert.equal(seen.hosts, '');
    await exec(namespace, 'one', ['touch', '/tmp/ready']);
    await seen.reaches(`${early.host}:7000`);
    assert.equal(isReady((await pods(namespace, 'one'))[0]!), true);

    await kubectl(['delete', 'pod', 'one', '--namespace', namespace, '--wait=false']);
    await seen.reaches('');
    assert.deepEqual(
      await listed(namespace, 'one'),
      [{ host: early.host, ready: false, serving: true, terminating: true }],
      'it still serves',
    );
    const { length } = seen.views;
    await until(async () => (await listed(namespace, 'one')).length === 0, 'it to be gone', patience);
    await systemClock.sleep(2_000);
    assert.equal(seen.views.length, length, 'that is no news');
    await seen.stop();
  });

  await t.test('follows pods from 1 to 5 to 1, and loses none on the way', async () => {
    await apply(namespace, [service('many'), deployment('many', 1)]);
    const seen = new Seen(client.open('many'));
    const count = async (wanted: number) => {
      const reached = () => seen.last?.state === 'known' && seen.last.endpoints.length === wanted;
      await until(reached, () => `${wanted} pods, last seen ${seen.hosts}`, patience);
      return new Set((seen.last as { endpoints: readonly Endpoint[] }).endpoints.map(({ host }) => host));
    };
    const scale = (to: number) => kubectl(['scale', 'deployment/many', `--replicas=${to}`, '--namespace', namespace]);
    await count(1);
    await scale(5);
    const five = await count(5);
    const running = await pods(namespace, 'many');
    assert.deepEqual(five, new Set(running.map(({ status }) => status.podIP)));
    await scale(1);
    const one = await count(1);
    const slices = await listed(namespace, 'many');
    for (const { host, serving, terminating } of slices.filter(({ host }) => !one.has(host))) {
      assert.deepEqual([host, serving, terminating], [host, true, true]);
    }
    assert.equal(slices.length, 5, 'those that end are there still');
    await until(async () => (await listed(namespace, 'many')).length === 1, 'one to be left', patience);
    const sizes = seen.views.flatMap((view) => (view.state === 'known' ? [view.endpoints.length] : []));
    const top = sizes.indexOf(5);
    const ordered = [...sizes.slice(0, top).sort(), ...sizes.slice(top).sort().reverse()];
    assert.deepEqual(sizes, ordered, 'up and then down, and never back');
    assert.ok(seen.views.every(({ state }) => state !== 'failed'));

    await kubectl(['delete', 'service', 'many', '--namespace', namespace]);
    await seen.reaches('');
    await apply(namespace, [service('many')]);
    assert.deepEqual(await count(1), one, 'the same pod behind a service that was made again');
    await kubectl(['delete', 'deployment', 'many', '--namespace', namespace, '--wait=false']);
    await seen.stop();
  });

  await t.test('lists a thousand servers in ten slices, and both IP families as they are', async () => {
    const slices = Array.from({ length: 10 }, (_, of) => {
      const endpoints = Array.from({ length: 100 }, (_, n) => ({
        addresses: [`10.8.${of}.${n}`],
        zone: `zone-${n % 3}`,
      }));
      return slice('huge', `huge-${of}`, endpoints);
    });
    const v6 = slice('huge', 'huge-v6', [{ addresses: ['2001:db8::1'] }], { addressType: 'IPv6' });
    await apply(namespace, [service('huge', false), ...slices, v6]);
    const known = async (rest: string, wanted: number) => {
      const seen = new Seen(client.open(rest));
      await until(() => seen.last?.state === 'known' && seen.last.endpoints.length === wanted, `${wanted} of ${rest}`);
      await seen.stop();
    };
    await known('huge', 1_000);
    await known('huge?family=ipv6', 1);
  });

  await t.test('says which right is missing, and goes on when it is given', async () => {
    const stranger = await account(t, namespace, 'stranger');
    const seen = new Seen(stranger.open('quiet'));
    const where = `endpointslices (discovery.k8s.io) in the namespace ${namespace}: our service account (in a pod) or user needs a Role`;
    await until(
      () => failure(seen).startsWith(`we may not list ${where}`),
      () => `a failure, not ${failure(seen)}`,
    );
    assert.match(failure(seen), /User "system:serviceaccount:\S+:stranger" cannot list resource "endpointslices"/);
    assert.equal(seen.hosts, undefined);
    const resource = { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] };
    await stranger.allow([{ ...resource, verbs: ['list'] }]);
    await until(
      () => failure(seen).startsWith(`we may not watch ${where}`),
      () => `a failure, not ${failure(seen)}`,
    );
    assert.equal(seen.hosts, '10.9.0.1:7000');
    await stranger.allow([{ ...resource, verbs: ['list', 'watch'] }]);
    await seen.reaches('10.9.0.1:7000');
    await seen.stop();
  });

  await t.test('says that its token is not taken, and goes on with the next one', async () => {
    const passing = await account(t, namespace, 'passing');
    await passing.allow(await chartRules());
    await passing.replace();
    // The API server goes on taking it for some seconds.
    await until(
      async () => {
        const seen = new Seen(passing.open('quiet'));
        await until(() => seen.last !== undefined && seen.last.state !== 'pending', 'an answer');
        const said = failure(seen);
        await seen.stop();
        return said.startsWith('we cannot list endpointslices');
      },
      'a token that is not taken',
      patience,
    );
    const seen = new Seen(passing.open('quiet'));
    await until(
      () => /does not take our token or certificate/.test(failure(seen)),
      () => failure(seen),
    );
    await passing.renew();
    await seen.reaches('10.9.0.1:7000');
    await seen.stop();
  });

  await t.test('knows the words of the API server for a version that it does not have', async () => {
    const cluster = driver({ clock: systemClock, namespace, service: 'quiet', configure: client.configure });
    const { signal } = new AbortController();
    const isGone = ({ code }: ClusterError) => code === 'gone';
    await assert.rejects(cluster.list({ since: '999999999999', signal }), isGone);
    await assert.rejects(cluster.watch({ since: '1', signal, onOpen() {}, onChange() {} }), isGone);
    const { slices, version } = await cluster.list({ since: undefined, signal });
    assert.equal(slices.length, 1);
    await cluster.list({ since: version, signal });
  });

  await t.test('keeps what it knows while the API server is away or silent, and misses nothing', () => faults);

  await t.test('hears a change at once when nothing happened for long', async (test) => {
    await systemClock.sleep(Math.max(0, quietSince + quiet - now()));
    const { lists, streams } = quietRegistry.status() as { lists: number; streams: number };
    const idle = now() - quietSince;
    assert.deepEqual(quietSeen.views.filter(({ state }) => state !== 'pending').length, 1);
    assert.ok(streams >= 2, `the client ended none of ${streams} streams`);
    assert.ok(lists + streams <= 3 + idle / 20_000, `${lists} lists and ${streams} streams in ${idle} ms`);

    const config = new KubeConfig();
    config.loadFromDefault();
    const body = slice('quiet', 'quiet-2', [{ addresses: ['10.9.0.2'] }]) as V1EndpointSlice;
    const sent = now();
    const heard = quietSeen.reaches('10.9.0.1:7000 10.9.0.2:7000').then(() => now());
    await config.makeApiClient(DiscoveryV1Api).createNamespacedEndpointSlice({ namespace, body });
    const written = now();
    const delay = (await heard) - sent;
    const ms = (time: number) => `${Math.round(time)} ms`;
    test.diagnostic(
      `quiet for ${ms(idle)}: ${lists} lists and ${streams} streams. A change was written in ${ms(written - sent)}, heard after ${ms(delay)}`,
    );
    // Else a stream was not heard, and the next one has found it.
    assert.ok(delay < 10_000, ms(delay));
  });
});

async function outliveFaults(client: Account, namespace: string): Promise<void> {
  const { hostname, port } = new URL(apiServer().server);
  const proxy = await startFaultProxy(`${hostname}:${port === '' ? 443 : port}`);
  try {
    const put = (host: string) => apply(namespace, [slice('faults', 'faults', [{ addresses: [host] }])]);
    const failed = (text: RegExp) =>
      until(
        () => text.test(failure(seen)),
        () => `the failure ${text}, last seen ${failure(seen)}`,
        patience,
      );
    await put('10.7.0.1');
    const registry = client.open('faults', proxy.address);
    const seen = new Seen(registry);
    await seen.reaches('10.7.0.1:7000');
    // In pieces that are no lines, nor anything else.
    proxy.slice(7);
    await put('10.7.0.2');
    await seen.reaches('10.7.0.2:7000');
    proxy.slice(Number.POSITIVE_INFINITY);

    await proxy.refuse();
    proxy.cut();
    await failed(/ECONNREFUSED/);
    await put('10.7.0.3');
    assert.equal(seen.hosts, '10.7.0.2:7000');
    await proxy.accept();
    await seen.reaches('10.7.0.3:7000');

    // Nothing comes any more, and nobody says so.
    await until(() => (registry.status().streams as number) >= 2, 'a stream');
    proxy.pause();
    await put('10.7.0.4');
    await failed(/no answer within 10 s$/);
    assert.equal(seen.hosts, '10.7.0.3:7000');
    proxy.resume();
    await seen.reaches('10.7.0.4:7000');

    await registry.close();
    await until(
      () => proxy.connections === 0,
      () => `no connection, of ${proxy.connections}`,
    );
    await seen.done;
  } finally {
    await proxy.close();
  }
}
