/** Services with different secrets in one ZooKeeper: each has its own, and none is in another's way. */
import assert from 'node:assert/strict';
import { Seen, server } from '../../../test/support/registry-suite.ts';
import { onEveryZooKeeper } from '../../../test/support/zookeeper-scene.ts';

const forbidden = { code: 'NO_AUTH' };

await onEveryZooKeeper((fault) => {
  fault('releases with different secrets, and one with none, below the same folders', async (scene) => {
    const at = (release: string) => `${scene.folder}/market/${release}/pi`;
    const secrets = { shop: 'digest:shop:sesame', bank: 'digest:bank:other', open: undefined };
    for (const [release, auth] of Object.entries(secrets)) {
      const opening = { folder: at(release), ...(auth === undefined ? {} : { auth }) };
      await scene.registry(scene.host, opening).announce(server(release)).registered;
      await new Seen(scene.registry(scene.host, opening)).reaches(`${release}:7000`);
    }
  });

  fault('what belongs to a secret, where others may add to what is above', async (scene) => {
    const folder = `${scene.folder}/market/shop/pi`;
    await scene.registry(scene.host, { folder, auth: 'digest:shop:sesame' }).announce(server('a')).registered;
    const stranger = await scene.link();
    for (const above of [scene.folder, `${scene.folder}/market`]) {
      await stranger.create(`${above}/mine`, undefined, 'persistent');
      await assert.rejects(stranger.setData(above, Buffer.from('x'), -1), forbidden);
      await assert.rejects(stranger.remove(`${above}/mine`), forbidden);
    }
    // The service, its settings, and what holds both.
    await assert.rejects(stranger.getChildren(folder), forbidden);
    await assert.rejects(stranger.create(`${folder}/rpc-`, Buffer.from('{}'), 'ephemeral-sequential'), forbidden);
    await assert.rejects(stranger.create(`${folder}-config`, Buffer.from('{}'), 'persistent'), forbidden);
    await assert.rejects(stranger.create(`${scene.folder}/market/shop/other`, undefined, 'persistent'), forbidden);
  });

  fault('live settings that are the first to be written', async (scene) => {
    const folder = `${scene.folder}/market/shop/pi`;
    const owner = scene.registry(scene.host, { folder, auth: 'digest:shop:sesame' });
    await owner.configure(() => ({ n: 1 }));
    const stranger = await scene.link();
    await assert.rejects(stranger.create(folder, undefined, 'persistent'), forbidden);
    await stranger.create(`${scene.folder}/market/bank`, undefined, 'persistent');
  });
});
