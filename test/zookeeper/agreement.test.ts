/** The embedded ZooKeeper and Apache's must be one to their clients: the same cases run against both. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import { apacheZooKeeperMissing, apacheZooKeeperVersion, startApacheZooKeeper } from '../support/apache-zookeeper.ts';
import { aclCases } from './acl-cases.ts';
import { byteCases } from './byte-cases.ts';
import { Scene } from './case.ts';
import { clientCases } from './client-cases.ts';
import { multiCases } from './multi-cases.ts';
import { nodeCases } from './node-cases.ts';
import { sessionCases } from './session-cases.ts';
import { watchCases } from './watch-cases.ts';

/** Those that count transactions come first: sessions that others leave behind expire later, each a transaction. */
const cases = [...nodeCases, ...multiCases, ...watchCases, ...sessionCases, ...byteCases, ...aclCases, ...clientCases];

/** Short, so that sessions of a second are allowed. */
const tickTime = 500;
const apacheName = `Apache ZooKeeper ${apacheZooKeeperVersion}`;
const missing = await apacheZooKeeperMissing();

/** Returns how many passed. */
async function runCases(t: TestContext, port: number): Promise<number> {
  let passed = 0;
  for (const [index, { name, run }] of cases.entries()) {
    await t.test(name, { timeout: 120_000 }, async () => {
      const scene = new Scene(port, `/case-${index}`);
      try {
        const { error } = await (await scene.client()).create(scene.folder);
        assert.equal(error, 0);
        await run(scene);
        passed++;
      } finally {
        await scene.close();
      }
    });
  }
  return passed;
}

test('one to their clients', { concurrency: true }, async (t) => {
  const passed = { embedded: 0, apache: 0 };
  const embedded = t.test('embedded ZooKeeper', async (t) => {
    const zookeeper = await startZooKeeper({ tickTime });
    t.after(() => zookeeper.close());
    passed.embedded = await runCases(t, zookeeper.port);
  });
  const apache = t.test(apacheName, { skip: missing ?? false }, async (t) => {
    const zookeeper = await startApacheZooKeeper({ tickTime });
    t.after(() => zookeeper.stop());
    passed.apache = await runCases(t, zookeeper.port);
  });
  await Promise.all([embedded, apache]);
  if (missing !== undefined) {
    console.log(
      `embedded ZooKeeper: ${passed.embedded} of ${cases.length} cases; not compared with ${apacheName}: ${missing}`,
    );
  } else if (passed.embedded === cases.length && passed.apache === cases.length) {
    console.log(`embedded ZooKeeper and ${apacheName}: ${cases.length} cases each`);
  } else {
    console.log(`of ${cases.length} cases: embedded ZooKeeper ${passed.embedded}, ${apacheName} ${passed.apache}`);
  }
});
