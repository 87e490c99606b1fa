import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  apacheZooKeeperMissing,
  apacheZooKeeperVersion,
  fourLetterWord,
  startApacheZooKeeper,
} from './apache-zookeeper.ts';

const missing = await apacheZooKeeperMissing();

test('Apache ZooKeeper starts, freezes, stops and comes back on its port', { skip: missing ?? false }, async (t) => {
  const zookeeper = await startApacheZooKeeper();
  t.after(() => zookeeper.stop('SIGKILL'));
  assert.equal(await fourLetterWord(zookeeper.port, 'ruok'), 'imok');
  assert.match(
    await fourLetterWord(zookeeper.port, 'srvr'),
    new RegExp(`^Zookeeper version: ${apacheZooKeeperVersion}`),
  );

  zookeeper.pause();
  await assert.rejects(fourLetterWord(zookeeper.port, 'ruok'), /no answer to ruok/);
  zookeeper.resume();
  assert.equal(await fourLetterWord(zookeeper.port, 'ruok'), 'imok');

  const first = zookeeper.pid;
  await zookeeper.stop('SIGKILL');
  await assert.rejects(fourLetterWord(zookeeper.port, 'ruok'), /ECONNREFUSED/);
  await zookeeper.restart();
  assert.notEqual(zookeeper.pid, first);
  assert.equal(await fourLetterWord(zookeeper.port, 'ruok'), 'imok');

  await assert.rejects(startApacheZooKeeper({ port: zookeeper.port }), /exited on port[\s\S]*Address already in use/);
});
