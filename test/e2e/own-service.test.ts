/** A service of one's own, from the chart's example: its pods are servers, and clients of another service, at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './support/eventually.ts';
import { exec } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { install } from './support/release.ts';
import { settled } from './support/settled.ts';

test('a service that calls another one', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'own-service');
  const one = { replicaCount: 1 };
  const other = await install({ namespace, values: { server: one, gateway: { enabled: false } } });
  await settled(other, 1);
  const release = await install({
    namespace,
    name: 'shop',
    files: ['ci/own-service-values.yaml'],
    values: {
      // What the example supposes of a cluster and its registries, as they are here.
      global: { imageRegistry: '', imagePullSecrets: [], registry: { hosts: 'evenkeel-zookeeper:2181' } },
      zookeeper: { enabled: false },
      gateway: one,
      server: {
        ...one,
        image: { repository: '', digest: '' },
        extraEnv: [
          { name: 'PI_REGISTRY', value: `zookeeper://evenkeel-zookeeper:2181/evenkeel/${namespace}/evenkeel/pi` },
        ],
      },
    },
  });

  await t.test('answers with what the other one has answered', async () => {
    await settled(release, 1);
    assert.equal(await eventually(() => release.call('greet', 'you')), 'Hello, you: 3.138375782574414');
  });

  await t.test('finds what it has mounted', async () => {
    const [server] = await release.pods('server');
    await exec(namespace, server!.metadata.name, ['touch', '/models/one']);
  });

  await t.test('passes helm test, which makes no demonstration of it', async () => {
    const { status, stdout, stderr } = await release.test();
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

  await t.test('rolls when its text changes, and the new one answers', async () => {
    const text = `
      import { method, service } from 'evenkeel';
      import { z } from 'zod';
      const greet = method({ input: z.string(), output: z.string(), idempotent: true });
      export default { service: service('greeter', { greet }), handlers: { greet: (name) => 'Good day, ' + name } };
    `;
    await release.upgrade({ server: { moduleFrom: { text } } });
    await settled(release, 1);
    assert.equal(await eventually(() => release.call('greet', 'you')), 'Good day, you');
  });
});
