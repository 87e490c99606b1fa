/** `helm install` with the values as they are: ready in time, tested, and gone without a trace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { eventually } from './support/eventually.ts';
import { kubectl, logs } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { install, Release } from './support/release.ts';
import { settled } from './support/settled.ts';

/** ms. */
const promised = 120_000;

test('the chart with its defaults', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'install');
  // A new namespace is given these two, somewhat later.
  const own = ['serviceaccount/default', 'configmap/kube-root-ca.crt'];
  await eventually(() => kubectl(['get', ...own, '--namespace', namespace]));
  const before = await everything(namespace);
  const release = new Release({ namespace, small: false });
  let notes = '';

  await t.test('is ready in less than two minutes', async (t) => {
    const since = systemClock.now();
    notes = await release.install();
    const took = systemClock.now() - since;
    t.diagnostic(`ready after ${(took / 1_000).toFixed(1)} s`);
    assert.ok(took < promised, `ready after ${Math.round(took)} ms`);
    await settled(release, 2);
  });

  await t.test('answers, and passes helm test, which leaves no pod', async () => {
    assert.equal(await release.call('pi', 98), 3.138375782574414);
    const { status, stdout, stderr } = await release.test();
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.match(stdout, /TEST SUITE: +evenkeel-test-stack\n(.*\n){2}Phase: +Succeeded/);
    assert.equal(await testPods(namespace), '');
  });

  await t.test('leaves nothing when it is uninstalled, but the volumes that the notes name', async () => {
    await release.uninstall();
    const claim = 'persistentvolumeclaim/data-evenkeel-zookeeper-0';
    await eventually(async () => assert.deepEqual(await since(before, namespace), [claim]));
    const [, command] = /`helm uninstall` leaves ZooKeeper's volumes.*\n +kubectl (.+)\n/.exec(notes)!;
    await kubectl(command!.split(' '));
    await eventually(async () => assert.deepEqual(await since(before, namespace), []));
  });
});

test('helm test', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'helm-test');
  const one = { replicaCount: 1 };
  const values = { server: one, gateway: one, tests: { keep: true } };
  const release = await install({ namespace, values });

  await t.test('shows the log of a test that passed, where its pod is kept', async () => {
    const { status, stdout, stderr } = await release.test('--logs');
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.match(stdout, /^ok {6}pi has its known digits$/m);
    assert.match(stdout, /^all is well$/m);
  });

  await t.test('fails where it is asked for what is wrong, and says so in the log that stays', async () => {
    await release.upgrade({ tests: { keep: false, mustFail: true, timeoutSeconds: 10 } });
    const { status, stdout, stderr } = await release.test();
    assert.notEqual(status, 0, stdout);
    assert.match(stderr, /evenkeel-test-must-fail.* failed/);
    const log = await logs(namespace, 'evenkeel-test-must-fail');
    assert.match(log, /^FAILED {2}what is wrong is found to be wrong\n +Expected values to be strictly equal/m);
    assert.match(log, /^1 of \d+ checks failed$/m);
  });
});

/** All objects of every kind that there is in a namespace, but for what reports and measures others. */
async function everything(namespace: string): Promise<Set<string>> {
  const kinds = (await kubectl(['api-resources', '--namespaced', '--verbs=list', '--output=name']))
    .split('\n')
    .filter((kind) => kind !== '' && !/^events($|\.)|\.metrics\.k8s\.io$/.test(kind));
  const found = await kubectl(['get', kinds.join(), '--namespace', namespace, '--ignore-not-found', '--output=name']);
  return new Set(found.split('\n').filter((name) => name !== ''));
}

async function since(before: ReadonlySet<string>, namespace: string): Promise<string[]> {
  return [...(await everything(namespace))].filter((name) => !before.has(name));
}

function testPods(namespace: string): Promise<string> {
  const selector = 'app.kubernetes.io/component=test';
  return kubectl(['get', 'pods', '--namespace', namespace, '--selector', selector, '--output=name']);
}
