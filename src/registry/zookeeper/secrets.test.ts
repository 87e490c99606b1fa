/** Services with different secrets in one ZooKeeper: each has its own, none is in another's way, and strangers do no harm. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import zookeeper, { type Acl } from 'node-zookeeper-client';
import { Seen, SeenSettings, server } from '../../../test/support/registry-suite.ts';
import { until } from '../../../test/support/until.ts';
import { onEveryZooKeeper, type Scene } from '../../../test/support/zookeeper-scene.ts';
import { silentLog } from '../../core/log.ts';

const forbidden = { code: 'NO_AUTH' };
const auth = 'digest:shop:sesame';
const { READ, CREATE, DELETE, WRITE } = zookeeper.Permission;
const { CREATOR_ALL_ACL: own, OPEN_ACL_UNSAFE: open } = zookeeper.ACL;
const everybody = (permission: number) => new zookeeper.ACL(permission, zookeeper.Id.ANYONE_ID_UNSAFE);
const somebody = (permission: number) => new zookeeper.ACL(permission, new zookeeper.Id('ip', '127.0.0.1'));
/** The client would not make it. */
const nothing = Object.assign(somebody(READ), { permission: 0 });

/** Somebody with this secret who works on ZooKeeper by hand: each deed gives `OK`, or the error's name. */
async function person(scene: Scene, secret: string) {
  const client = scene.bare(scene.host, 4_000);
  await scene.connected(client);
  client.addAuthInfo('digest', Buffer.from(secret));
  const deed = (start: (done: (error: Error | null) => void) => void) =>
    new Promise<string>((resolve) => {
      start((error) => resolve(error === null || error === undefined ? 'OK' : error.name));
    });
  return {
    create: (path: string, acl: Acl[], data = '') =>
      deed((done) => client.create(path, Buffer.from(data), acl, zookeeper.CreateMode.PERSISTENT, done)),
    setACL: (path: string, acl: Acl[]) => deed((done) => client.setACL(path, acl, -1, done)),
    remove: (path: string) => deed((done) => client.remove(path, -1, done)),
  };
}

/** Warnings, as `MESSAGE: CAUSE`. */
function warnings() {
  const lines: string[] = [];
  const log = {
    ...silentLog,
    child: () => log,
    warn: (facts: object, message: string) => lines.push(`${message}: ${(facts as { cause?: string }).cause}`),
  };
  return { lines, log };
}

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

  const ways: [what: string, acl: Acl[], cause: RegExp][] = [
    [
      'for all',
      open,
      /belongs to everybody, not to this secret alone: take another folder, or remove what is there first$/,
    ],
    ['for all to add', [...own, everybody(READ | CREATE)], /belongs to everybody, not to this secret alone/],
    ['for all to remove', [...own, everybody(READ | DELETE)], /belongs to everybody, not to this secret alone/],
    ['for some to write', [everybody(READ), somebody(WRITE)], /belongs to others, not to this secret alone/],
    ['with rights that mean nothing', [everybody(READ), nothing], /belongs to others, not to this secret alone/],
    ['for himself, while all look on', [...own, everybody(READ)], /belongs to others, not to this secret alone/],
    ['for nobody to write', [everybody(READ)], /belongs to others, not to this secret alone/],
    ['for himself', own, /NO_AUTH: .* belongs to another secret$/],
  ];
  for (const [what, acl, cause] of ways) {
    fault(`folders that a stranger made before, ${what}: no secret is used there`, async (scene) => {
      const eve = await person(scene, 'eve:evil');
      const above = dirname(scene.folder);
      for (const path of [above, scene.folder]) assert.equal(await eve.create(path, open), 'OK');
      await eve.create(`${scene.folder}/rpc-x-0000009999`, open, '{"host":"evil","port":1}');
      await eve.create(`${scene.folder}-config`, open, '{"n":1}');
      for (const path of [`${scene.folder}-config`, scene.folder, above])
        assert.equal(await eve.setACL(path, acl), 'OK');

      const { lines, log } = warnings();
      const owner = scene.registry(scene.host, { auth, log });
      const lease = owner.announce(server('a'));
      await until(() => owner.status().cause !== undefined, 'the cause');
      assert.equal(lease.state, 'pending');
      assert.match(String(owner.status().cause), cause);
      assert.match(lines[0]!, new RegExp(`^the entry in ZooKeeper cannot be kept up: .*${cause.source}`));
      await assert.rejects(
        owner.configure(() => ({ n: 2 })),
        {
          message: new RegExp(`^the live settings cannot be written: .*${cause.source}`),
        },
      );

      const reader = scene.registry(scene.host, { auth, log });
      const seen = new Seen(reader);
      const settings = new SeenSettings(reader);
      await until(() => seen.last?.state === 'failed', 'the refusal');
      assert.match((seen.last as { cause: Error }).cause.message, cause);
      assert.equal(seen.hosts, undefined);
      await until(() => lines.some((line) => line.startsWith('the live settings')), 'the warning');
      assert.deepEqual(settings.documents, []);
    });
  }

  fault('what holds the service is a stranger’s, and nothing is in it yet', async (scene) => {
    const eve = await person(scene, 'eve:evil');
    const above = dirname(scene.folder);
    assert.equal(await eve.create(above, open), 'OK');
    const owner = scene.registry(scene.host, { auth });
    const lease = owner.announce(server('a'));
    await until(() => owner.status().cause !== undefined, 'the cause');
    assert.match(String(owner.status().cause), new RegExp(`^${above} belongs to everybody`));
    await assert.rejects(
      owner.configure(() => ({ n: 2 })),
      { message: new RegExp(`: ${above} belongs to everybody`) },
    );
    assert.equal(lease.state, 'pending');
  });

  fault('a folder that was made by hand, in one of ours: it is used when it is ours too', async (scene) => {
    const operator = await person(scene, 'shop:sesame');
    const owner = scene.registry(scene.host, { auth });
    await owner.configure(() => ({ n: 1 }));
    assert.equal(await operator.create(scene.folder, open), 'OK');
    const lease = owner.announce(server('a'));
    const seen = new Seen(scene.registry(scene.host, { auth }));
    await until(() => seen.last?.state === 'failed' && owner.status().cause !== undefined, 'the refusals');
    assert.match(String(owner.status().cause), new RegExp(`^${scene.folder} belongs to everybody`));
    // Others may look on.
    assert.equal(await operator.setACL(scene.folder, [...own, everybody(READ)]), 'OK');
    await lease.registered;
    await seen.reaches('a:7000');
    assert.equal(owner.status().cause, undefined);
  });

  fault('live settings that were made by hand: they are taken when they are ours', async (scene) => {
    const operator = await person(scene, 'shop:sesame');
    const owner = scene.registry(scene.host, { auth });
    await owner.announce(server('a')).registered;
    const path = `${scene.folder}-config`;
    assert.equal(await operator.create(path, open, '{"n":1}'), 'OK');
    const { lines, log } = warnings();
    const settings = new SeenSettings(scene.registry(scene.host, { auth, log }));
    await until(() => lines.length > 0, 'a warning');
    assert.match(lines[0]!, new RegExp(`^the live settings cannot be read.*: ${path} belongs to everybody`));
    // Even where there would be nothing to write.
    for (const n of [1, 2])
      await assert.rejects(
        owner.configure(() => ({ n })),
        /belongs to everybody/,
      );
    assert.deepEqual(settings.documents, []);
    assert.equal(await operator.setACL(path, own), 'OK');
    await settings.reach({ n: 1 });
    await owner.configure(() => ({ n: 2 }));
    await settings.reach({ n: 2 });
    assert.equal(lines.length, 1);
  });

  fault('what is made without a secret: nobody can make it his own', async (scene) => {
    const eve = await person(scene, 'eve:evil');
    const folder = `${scene.folder}/market/free/pi`;
    const free = scene.registry(scene.host, { folder });
    await free.announce(server('a')).registered;
    await free.configure(() => ({ n: 1 }));
    const [entry] = (await (await scene.link()).getChildren(folder)).names;
    const holder = dirname(folder);
    const market = dirname(holder);
    for (const path of [scene.folder, market, holder, folder, `${folder}-config`, `${folder}/${entry}`]) {
      assert.equal(await eve.setACL(path, own), 'NO_AUTH', path);
    }
    await scene.registry(scene.host, { folder: `${market}/shop/pi`, auth }).announce(server('a')).registered;
    // All can be taken away by who has no secret either.
    await free.close();
    for (const path of [`${folder}-config`, folder, holder]) assert.equal(await eve.remove(path), 'OK', path);
  });

  fault(
    'two secrets, or one and none, in folders that one holds: who came second is told where it fails',
    async (scene) => {
      const above = dirname(scene.folder);
      await scene.registry(scene.host, { auth }).announce(server('a')).registered;
      const folder = `${above}/orders`;
      for (const [secret, owner] of [
        ['digest:bank:other', 'another secret'],
        [undefined, 'a secret, and none is given'],
      ] as const) {
        const second = scene.registry(scene.host, { folder, ...(secret === undefined ? {} : { auth: secret }) });
        second.announce(server('b'));
        await until(() => second.status().cause !== undefined, 'the cause');
        assert.match(
          String(second.status().cause),
          new RegExp(`^\\w+ ${above}.*: NO_AUTH: ${above} belongs to ${owner}$`),
        );
      }
    },
  );

  fault('a refusal says whose the folder is that was asked, and a node made anew is another one', async (scene) => {
    const ours = await scene.link(auth);
    const above = dirname(scene.folder);
    await ours.create(above, undefined, 'persistent');
    await ours.create(scene.folder, undefined, 'persistent');
    const { czxid } = (await ours.exists(scene.folder))!;
    await ours.checkOwned(scene.folder, czxid);
    await assert.rejects(ours.checkOwned(scene.folder, czxid - 1n), { code: 'NO_NODE' });
    await assert.rejects(ours.checkOwned(`${scene.folder}/none`), { code: 'NO_NODE' });

    const theirs = await scene.link('digest:eve:evil');
    for (const [refused, message] of [
      [
        theirs.create(`${above}/x`, undefined, 'persistent'),
        `create ${above}/x: NO_AUTH: ${above} belongs to another secret`,
      ],
      [theirs.remove(scene.folder), `remove ${scene.folder}: NO_AUTH: ${above} belongs to another secret`],
      [theirs.getData(above), `getData ${above}: NO_AUTH: ${above} belongs to another secret`],
      [theirs.checkOwned(above), `getACL ${above}: NO_AUTH: ${above} belongs to another secret`],
    ] as const) {
      await assert.rejects(refused, { code: 'NO_AUTH', message });
    }
    await (await scene.link()).checkOwned(above);
  });

  fault('the end of a registry whose servers are still in it: no warning', async (scene) => {
    const { lines, log } = warnings();
    for (let i = 0; i < 10; i++) {
      const registry = scene.registry(scene.host, { log });
      await registry.announce(server('a')).registered;
      await registry.close();
    }
    assert.deepEqual(lines, []);
  });
});
