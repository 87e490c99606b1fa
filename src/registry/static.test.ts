import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Seen, SeenSettings, server, watchSuite } from '../../test/support/registry-suite.ts';
import { type Endpoint, endpoint } from '../core/endpoint.ts';
import { openRegistry } from './open.ts';

const servers: Endpoint[] = [
  endpoint({ host: 'a', port: 1 }),
  endpoint({ host: 'b', port: 2, weight: 10, protocol: 'classic' }),
  endpoint({ host: 'c', port: 3, weight: 65_536, workers: 4, zone: 'z', backup: true }),
  endpoint({ host: '::1', port: 4 }),
];
const url = 'static:a:1,b:2;weight=10;protocol=classic,c:3;weight=65536;workers=4;zone=z;backup=true,[::1]:4';

watchSuite('static', async () => ({ openWith: async () => openRegistry(url), async stop() {} }), servers);

it('static: cannot be written to', async () => {
  assert.throws(() => openRegistry(url).announce(server('a')), /cannot be written to/);
});

it('static: is known at once and for ever', async () => {
  const registry = openRegistry(url);
  const seen = new Seen(registry);
  await seen.reaches('a:1 b:2 c:3 ::1:4');
  assert.equal(seen.views.length, 1);
  await registry.close();
});

it('static: has no live settings, and says so to whoever would write them', async () => {
  const registry = openRegistry(url);
  const seen = new SeenSettings(registry);
  await seen.reach(undefined);
  await assert.rejects(
    registry.configure(() => assert.fail('there is nothing to change')),
    /^Error: A static registry has no live settings: /,
  );
  await registry.close();
  await seen.done;
  assert.deepEqual(seen.documents, [undefined]);
});
