/** Live settings on real ZooKeepers, while connections, sessions and answers are lost. */
import assert from 'node:assert/strict';
import { Seen, SeenSettings, server } from '../../../test/support/registry-suite.ts';
import { until } from '../../../test/support/until.ts';
import { onEveryZooKeeper } from '../../../test/support/zookeeper-scene.ts';
import type { Link } from './link.ts';

await onEveryZooKeeper((fault) => {
  fault('a session that expires while the settings change', async (scene) => {
    const proxy = await scene.proxy();
    const registry = scene.registry(proxy.address);
    const seen = new SeenSettings(registry);
    const witness = scene.witness();
    await witness.configure(() => ({ n: 1 }));
    await seen.reach({ n: 1 });
    const lease = registry.announce(server('a'));
    await lease.registered;

    await proxy.refuse();
    proxy.cut();
    const entries = new Seen(witness);
    await entries.reaches('');
    await witness.configure(() => ({ n: 2 }));
    assert.deepEqual(seen.documents.at(-1), { n: 1 }, 'what was known is kept');
    await proxy.accept();
    await seen.reach({ n: 2 });
    assert.ok((registry.status().sessions as number) > 1);
    assert.ok(!seen.documents.slice(1).includes(undefined), 'the end of a session is no end of the settings');
    // Its watches went with the session: there are new ones.
    await witness.configure(() => ({ n: 3 }));
    await seen.reach({ n: 3 });
    await registry.configure((before) => ({ ...before, m: 4 }));
    await seen.reach({ n: 3, m: 4 });
  });

  for (const [what, before] of [
    ['a creation', undefined],
    ['a change', { n: 1 }],
  ] as const) {
    fault(`${what} of the settings whose answer is lost`, async (scene) => {
      const proxy = await scene.proxy();
      const look = await scene.link();
      const witness = scene.witness();
      await witness.announce(server('a')).registered;
      if (before !== undefined) await witness.configure(() => before);
      const seen = new SeenSettings(witness);
      await seen.reach(before);

      let writes = 0;
      const registry = scene.registry(proxy.address, {
        session: '6s',
        onLink(link) {
          const holding = <Args extends unknown[], Result>(write: (...args: Args) => Result) => {
            return (...args: Args) => {
              if (++writes === 1) proxy.pauseDownstream();
              return write(...args);
            };
          };
          link.create = holding(link.create.bind(link));
          link.setData = holding(link.setData.bind(link));
        },
      });
      const changed = registry.configure((settings) => ({ n: ((settings?.n as number | undefined) ?? 0) + 1 }));
      const after = { n: before === undefined ? 1 : 2 };
      await seen.reach(after);
      proxy.cut();
      proxy.resume();
      await changed;
      const { data, stat } = await look.getData(`${scene.folder}-config`);
      assert.deepEqual(JSON.parse(String(data)), after, 'it was not applied twice');
      assert.equal(stat.version, before === undefined ? 0 : 1);
      assert.equal(writes, 1);
      assert.ok((registry.status().connections as number) > 1);
    });
  }

  fault('a server that falls silent, for who reads and who writes', async (scene) => {
    const proxies = [await scene.proxy(), await scene.proxy()];
    const registry = scene.registry(proxies.map(({ address }) => address).join(), { session: '4s' });
    const seen = new SeenSettings(registry);
    await seen.reach(undefined);
    const before = registry.status().server;
    proxies.find(({ address }) => address === before)!.pause();
    await registry.configure(() => ({ n: 1 }));
    await seen.reach({ n: 1 });
    assert.notEqual(registry.status().server, before);
  });

  fault('settings that are written without us', async (scene) => {
    const look = await scene.link();
    const registry = scene.witness();
    const seen = new SeenSettings(registry);
    await registry.configure(() => ({ n: 1 }));
    await seen.reach({ n: 1 });
    const path = `${scene.folder}-config`;
    await look.setData(path, Buffer.from('{"n": 2'), 0);
    await look.setData(path, Buffer.from('{"n": 3}'), 1);
    await seen.reach({ n: 3 });
    await look.remove(path);
    await seen.reach(undefined);
    await look.create(path, Buffer.from('not ours'), 'persistent');
    await assert.rejects(
      registry.configure(() => ({ n: 4 })),
      /cannot be changed: it is no JSON$/,
    );
    assert.equal(String((await look.getData(path)).data), 'not ours');
  });

  fault('credentials: who has none can neither read nor change what who has them wrote', async (scene) => {
    const auth = 'digest:me:sesame';
    const links: Link[] = [];
    const owner = scene.registry(scene.host, { auth, session: '4s', onLink: (link) => links.push(link) });
    const seen = new SeenSettings(owner);
    await owner.configure(() => ({ n: 1 }));
    await seen.reach({ n: 1 });

    const stranger = scene.witness();
    const refused = new SeenSettings(stranger);
    await assert.rejects(
      stranger.configure(() => ({ n: 2 })),
      /^Error: the live settings cannot be written: .*NO_AUTH: \S+ belongs to a secret, and none is given$/,
    );
    assert.deepEqual(refused.documents, []);
    // In the next connection too.
    links[0]!.destroy(new Error('cut'));
    await until(() => links.length > 1, 'the next connection');
    await owner.configure(() => ({ n: 3 }));
    await seen.reach({ n: 3 });
  });
});
