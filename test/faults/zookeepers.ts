/** A ZooKeeper that can be taken away and brought back: Apache's where there is Java, or the embedded one. */
import type { TestContext } from 'node:test';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import {
  apacheZooKeeperMissing,
  apacheZooKeeperVersion,
  fourLetterWord,
  startApacheZooKeeper,
} from '../support/apache-zookeeper.ts';
import { RawClient } from '../support/raw-zookeeper-client.ts';

export interface FaultZooKeeper {
  readonly name: string;
  readonly port: number;
  /** Sessions and nodes stay, nothing answers, connections are reset. Resolves when it is so. */
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
  /** Ends the sessions of all servers at once, as if they had been silent too long. None where it cannot be done. */
  expireAll?(): number;
}

export async function embeddedZooKeeper(test: Pick<TestContext, 'after'>): Promise<FaultZooKeeper> {
  const zookeeper = await startZooKeeper({ tickTime: 500 });
  test.after(() => zookeeper.close());
  return {
    name: 'the embedded ZooKeeper',
    port: zookeeper.port,
    takeAway: () => zookeeper.suspend(),
    bringBack: () => zookeeper.resume(),
    expireAll: () =>
      zookeeper.sessions().filter(({ id, ephemerals }) => ephemerals.length > 0 && zookeeper.expireSession(id)).length,
  };
}

/** Apache's where it can be had, else the embedded one. */
export async function realZooKeeper(test: Pick<TestContext, 'after'>): Promise<FaultZooKeeper> {
  if ((await apacheZooKeeperMissing()) !== undefined) return embeddedZooKeeper(test);
  const zookeeper = await startApacheZooKeeper();
  test.after(() => zookeeper.stop('SIGKILL'));
  return {
    name: `Apache ZooKeeper ${apacheZooKeeperVersion}`,
    port: zookeeper.port,
    async takeAway() {
      await zookeeper.stop('SIGKILL');
      const answer = await fourLetterWord(zookeeper.port, 'ruok').catch(() => undefined);
      if (answer !== undefined) throw new Error('it still answers');
    },
    bringBack: () => zookeeper.restart(),
  };
}

/** What is registered in a folder now, asked by a client of its own. */
export async function entriesIn(port: number, folder: string): Promise<{ name: string; host: string; port: number }[]> {
  const client = await RawClient.connect(port);
  try {
    const { children = [] } = await client.getChildren(folder);
    const found = await Promise.all(
      children.map(async (name) => ({ name, data: (await client.getData(`${folder}/${name}`)).data })),
    );
    // One that went between the two questions is not there.
    return found.flatMap(({ name, data }) => (data == null ? [] : [{ name, ...JSON.parse(data.toString()) }]));
  } finally {
    await client.closeSession().catch(() => {});
    client.destroy();
  }
}
