/** Several releases in one ZooKeeper: each knows its own servers alone, whatever becomes of the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshId } from '../../src/core/random.ts';
import { eventually } from './support/eventually.ts';
import type { Values } from './support/helm.ts';
import { apply } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { install, type Release } from './support/release.ts';
import { settled } from './support/settled.ts';

const one = { replicaCount: 1 };

/** A service of its own, which says what it is. */
const orders = `
  import { method, service } from 'evenkeel';
  import { z } from 'zod';
  export default {
    service: service('orders', { whose: method({ input: z.null(), output: z.string(), idempotent: true }) }),
    handlers: { whose: () => 'orders' },
  };
`;

test('releases that share a ZooKeeper', { timeout: 900_000 }, async (t) => {
  const [home, abroad] = [await freshNamespace(t, 'home'), await freshNamespace(t, 'abroad')];
  // Where policies are enforced, other namespaces must be let in.
  const clientsFrom = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': abroad } } }];
  const shop = await install({
    namespace: home,
    values: { ...(await secret(home)), server: one, gateway: one, zookeeper: { networkPolicy: { clientsFrom } } },
  });
  const answersFor = async (release: Release, method: string, input: unknown, answer: unknown) =>
    eventually(async () => assert.deepEqual(await release.call(method, input), answer));

  await t.test('a second service beside the first, as servers and gateway of their own', async () => {
    const registry = { hosts: 'evenkeel-zookeeper:2181', service: 'orders', existingSecret: 'evenkeel-registry' };
    const global = { registry };
    const server = { ...one, moduleFrom: { text: orders } };
    await install({ namespace: home, name: 'orders', part: 'server', values: { global, ...server } });
    const url = `zookeeper://evenkeel-zookeeper:2181/evenkeel/${home}/orders/orders`;
    const gateway = { global: { registry: { ...registry, url } }, ...one };
    const front = await install({ namespace: home, name: 'front', part: 'gateway', values: gateway });
    await answersFor(front, 'whose', null, 'orders');
    await answersFor(shop, 'ping', 1, 1);
    await knowsOneServer(front);
    await knowsOneServer(shop);
    await assert.rejects(shop.call('whose', null));
  });

  await t.test('a release of the same name in another namespace, with another secret', async () => {
    const registry = { hosts: `evenkeel-zookeeper.${home}:2181` };
    const values = { zookeeper: { enabled: false }, global: { registry }, server: one, gateway: one };
    const other = await install({ namespace: abroad, values: { ...values, ...(await secret(abroad, registry)) } });
    await settled(other, 1);
    await settled(shop, 1);
    const { status, stdout, stderr } = await other.test();
    assert.equal(status, 0, `${stdout}${stderr}`);
    await other.uninstall();
  });

  await t.test('what one does leaves no mark on the other', async () => {
    await settled(shop, 1);
    assert.equal(await shop.call('ping', 'still'), 'still');
  });
});

/** A secret of the namespace's own, and the values that name it. */
async function secret(namespace: string, registry: Values = {}): Promise<Values> {
  const name = 'evenkeel-registry';
  const auth = `digest:evenkeel:${freshId()}`;
  await apply(namespace, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { auth } }]);
  return { global: { registry: { ...registry, existingSecret: name } } };
}

async function knowsOneServer(release: Release): Promise<void> {
  const [gateway] = await release.pods('gateway');
  const { nodes } = await release.nodes(gateway!.metadata.name);
  assert.deepEqual(
    nodes.map(({ state }) => state),
    ['live'],
  );
}
