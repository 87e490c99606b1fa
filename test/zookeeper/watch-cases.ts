/** Watches: what is told, when, and once. */
import assert from 'node:assert/strict';
import { code, op } from '../../src/dev/protocol.ts';
import type { Case } from './case.ts';

export const watchCases: Case[] = [
  {
    name: "one's own write is told before it is answered, and only once",
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      const zxids: bigint[] = [];
      const note = async (reply: Promise<{ zxid: bigint }>) => void zxids.push((await reply).zxid);
      assert.equal((await client.exists(a, true)).error, code.noNode);
      await note(client.create(a));
      await client.getData(a, true);
      await client.exists(a, true);
      await note(client.setData(a, null));
      await client.setData(a, null);
      await client.getChildren(a, true);
      await note(client.create(`${a}/1`));
      await client.create(`${a}/2`);
      await client.getChildren(a, true);
      await note(client.delete(`${a}/1`));
      assert.deepEqual(client.arrivals, [
        'reply 1',
        `created ${a}`,
        'reply 2',
        'reply 3',
        'reply 4',
        `dataChanged ${a}`,
        'reply 5',
        'reply 6',
        'reply 7',
        `childrenChanged ${a}`,
        'reply 8',
        'reply 9',
        'reply 10',
        `childrenChanged ${a}`,
        'reply 11',
      ]);
      assert.deepEqual(client.eventZxids, zxids);
    },
  },
  {
    name: 'data watches do not see children, child watches do not see data',
    async run(scene) {
      const client = await scene.client();
      const [a, b] = [scene.path('a'), scene.path('b')];
      await client.create(a);
      await client.create(b);
      await client.getData(a, true);
      await client.getChildren(b, true);
      await client.create(`${a}/child`);
      await client.setData(b, null);
      await client.setData(`${a}/child`, null);
      assert.deepEqual(client.eventZxids, []);
      await client.delete(`${a}/child`);
      await client.setData(a, null);
      await client.create(`${b}/child`);
      assert.equal(client.eventZxids.length, 2);
      await client.getChildren(b, true);
      await client.setData(`${b}/child`, null);
      assert.equal(client.eventZxids.length, 2);
      await client.getChildren(`${b}/child`, true);
      await client.delete(`${b}/child`);
      assert.deepEqual(client.arrivals.slice(-3, -1), [`deleted ${b}/child`, `childrenChanged ${b}`]);
    },
  },
  {
    name: 'a deleted node is told once to who watched it twice, then to who watched its parent',
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      await client.create(a);
      await client.getData(a, true);
      await client.exists(a, true);
      await client.getChildren(a, true);
      await client.getChildren(scene.folder, true);
      await client.delete(a);
      assert.deepEqual(client.arrivals.slice(5), [`deleted ${a}`, `childrenChanged ${scene.folder}`, 'reply 6']);
    },
  },
  {
    name: 'a read that was refused leaves no watch, except exists',
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      await client.getData(a, true);
      await client.getChildren(a, true);
      await client.create(a);
      await client.delete(a);
      assert.deepEqual(client.eventZxids, []);
      await client.exists(a, true);
      await client.create(a);
      assert.equal(client.eventZxids.length, 1);
    },
  },
  {
    name: 'others are told before they can read the change',
    async run(scene) {
      const writer = await scene.client();
      const reader = await scene.client();
      const a = scene.path('a');
      await writer.create(a, { data: Buffer.from('0') });
      for (let round = 1; round <= 50; round++) {
        await reader.getData(a, true);
        const written = writer.setData(a, Buffer.from(String(round)));
        // Reads race with the write: none may see the new data before the event came.
        for (;;) {
          const { data } = await reader.getData(a);
          const told = reader.eventZxids.length;
          if (data?.toString() === String(round)) {
            assert.equal(told, round);
            break;
          }
        }
        await written;
      }
    },
  },
  {
    name: 'setWatches tells what was missed and watches the rest',
    async run(scene) {
      const client = await scene.client();
      const [a, b, c, gone, later] = ['a', 'b', 'c', 'gone', 'later'].map((name) => scene.path(name)) as string[];
      for (const path of [a, b, c, gone]) await client.create(path!);
      const { zxid: seen } = await client.ping();
      await client.setData(a!, null);
      await client.create(`${b}/child`);
      await client.delete(gone!);
      const from = client.arrivals.length;
      const reply = await client.setWatches(seen, {
        data: [a!, b!, c!, gone!],
        exist: [a!, later!],
        child: [a!, b!, c!, gone!],
      });
      assert.deepEqual([reply.xid, reply.error, reply.body.left], [-8, 0, 0]);
      assert.deepEqual(client.arrivals.slice(from), [
        `dataChanged ${a}`,
        `deleted ${gone}`,
        `created ${a}`,
        `childrenChanged ${b}`,
        `deleted ${gone}`,
        'reply -8',
      ]);
      assert.deepEqual(client.eventZxids, [-1n, -1n, -1n, -1n, -1n]);

      client.arrivals.length = 0;
      await client.setData(a!, null); // missed, so not watched
      await client.setData(b!, null);
      await client.create(`${a}/child`);
      await client.create(`${b}/other`); // missed
      await client.delete(c!);
      await client.create(later!);
      const events = client.arrivals.filter((arrival) => !arrival.startsWith('reply'));
      assert.deepEqual(events, [`dataChanged ${b}`, `childrenChanged ${a}`, `deleted ${c}`, `created ${later}`]);
    },
  },
  {
    name: 'watches end with their connection, not with their session',
    async run(scene) {
      const first = await scene.client();
      const other = await scene.client();
      const a = scene.path('a');
      await first.create(a);
      await first.getData(a, true);
      const second = await scene.client({ sessionId: first.sessionId, password: first.password });
      await first.closed;
      await other.setData(a, null);
      await second.request(op.sync, (w) => w.string(a));
      await second.ping();
      assert.deepEqual([...first.eventZxids, ...second.eventZxids], []);
    },
  },
  {
    name: 'lasting watches see every change until they are removed',
    async run(scene) {
      const client = await scene.client();
      const [a, b] = [scene.path('a'), scene.path('b')];
      const addWatch = async (path: string, mode: number) => {
        const reply = await client.request(op.addWatch, (w) => w.string(path).int(mode));
        return reply.error === 0 ? reply.body.int() : reply.error;
      };
      const removeWatches = async (path: string, kind: number) =>
        (await client.request(op.removeWatches, (w) => w.string(path).int(kind))).error;
      assert.equal(await addWatch(a, 0), 0);
      assert.equal(await addWatch(b, 1), 0);
      assert.equal(await addWatch(b, 9), code.marshallingError);
      for (const path of [a, b]) {
        await client.create(path);
        await client.create(`${path}/1`);
        await client.create(`${path}/1/2`);
        await client.setData(path, null);
        await client.setData(`${path}/1/2`, null);
        await client.delete(`${path}/1/2`);
        await client.delete(`${path}/1`);
        await client.delete(path);
      }
      const events = () => client.arrivals.filter((arrival) => !arrival.startsWith('reply'));
      assert.deepEqual(events(), [
        ...[`created ${a}`, `childrenChanged ${a}`, `dataChanged ${a}`, `childrenChanged ${a}`, `deleted ${a}`],
        ...[`created ${b}`, `created ${b}/1`, `created ${b}/1/2`, `dataChanged ${b}`, `dataChanged ${b}/1/2`],
        ...[`deleted ${b}/1/2`, `deleted ${b}/1`, `deleted ${b}`],
      ]);
      assert.equal(await removeWatches(a, 3), 0);
      assert.equal(await removeWatches(a, 3), code.noWatcher);
      assert.equal(await removeWatches(b, 3), 0);
      assert.equal(await removeWatches(b, 33), code.marshallingError);
      await client.create(a);
      await client.create(b);
      assert.equal(events().length, 13);
    },
  },
  {
    name: 'a one-shot watch that was removed is not told',
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      await client.create(a);
      const removeWatches = async (kind: number) =>
        (await client.request(op.removeWatches, (w) => w.string(a).int(kind))).error;
      await client.getData(a, true);
      await client.getChildren(a, true);
      assert.equal(await removeWatches(1), 0);
      assert.equal(await removeWatches(1), code.noWatcher);
      await client.create(`${a}/1`);
      await client.setData(a, null);
      const events = client.arrivals.filter((arrival) => !arrival.startsWith('reply'));
      assert.deepEqual(events, [`dataChanged ${a}`]);
    },
  },
];
