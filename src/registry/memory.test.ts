import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  announceSuite,
  Seen,
  SeenSettings,
  server,
  settingsSuite,
  watchSuite,
} from '../../test/support/registry-suite.ts';
import { until } from '../../test/support/until.ts';
import { memoryStore } from './memory.ts';
import { openRegistry } from './open.ts';

let names = 0;
const fresh = () => `suite-${++names}`;

announceSuite('memory', async () => {
  const name = fresh();
  return { open: (folder) => openRegistry(`memory:${name}/${folder}`), async stop() {} };
});

settingsSuite('memory', async () => {
  const name = fresh();
  return { open: (folder) => openRegistry(`memory:${name}/${folder}`), async stop() {} };
});

watchSuite('memory', async () => ({
  async openWith(endpoints) {
    const name = fresh();
    for (const endpoint of endpoints) memoryStore(name).set(endpoint);
    return openRegistry(`memory:${name}`);
  },
  async stop() {},
}));

it('memory: a store can fail and recover, and hides changes meanwhile', async () => {
  const name = fresh();
  const store = memoryStore(name);
  const [a, b] = [server('a'), server('b')];
  store.set(a);
  const registry = openRegistry(`memory:${name}`);
  const seen = new Seen(registry);
  await seen.reaches('a:7000');
  store.fail(new Error('away'));
  await until(() => seen.last?.state === 'failed', 'the failure');
  store.set(b);
  store.delete(a.id);
  assert.equal(seen.hosts, 'a:7000');
  store.recover();
  await seen.reaches('b:7000');
  await registry.close();
});

it('memory: the live settings of a store that fails stay, and cannot be changed', async () => {
  const name = fresh();
  const store = memoryStore(name);
  store.configure({ n: 1 });
  const registry = openRegistry(`memory:${name}`);
  const seen = new SeenSettings(registry);
  await seen.reach({ n: 1 });
  store.fail(new Error('away'));
  await assert.rejects(
    registry.configure(() => ({ n: 2 })),
    /^Error: away$/,
  );
  store.configure(undefined);
  assert.deepEqual(seen.documents, [{ n: 1 }]);
  store.recover();
  await seen.reach(undefined);
  await registry.close();
});

it('memory: other names are other registries', async () => {
  const [one, two] = [openRegistry(`memory:${fresh()}`), openRegistry(`memory:${fresh()}`)];
  await one.announce(server('a')).registered;
  const seen = new Seen(two);
  await seen.reaches('');
  await one.close();
  await two.close();
});
