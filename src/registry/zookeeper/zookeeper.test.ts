import { it } from 'node:test';
import { apacheZooKeeperMissing, startApacheZooKeeper } from '../../../test/support/apache-zookeeper.ts';
import { announceSuite, settingsSuite, watchSuite } from '../../../test/support/registry-suite.ts';
import { startZooKeeper } from '../../dev/zookeeper.ts';
import { openRegistry } from '../open.ts';

/** A server that speaks ZooKeeper. */
interface Host {
  connect: string;
  stop(): Promise<void>;
}

function suites(name: string, start: () => Promise<Host>): void {
  announceSuite(name, async () => {
    const host = await start();
    return {
      open: (folder) => openRegistry(`zookeeper://${host.connect}/suite/${folder}?session=4s`),
      stop: () => host.stop(),
    };
  });

  settingsSuite(name, async () => {
    const host = await start();
    return {
      open: (folder) => openRegistry(`zookeeper://${host.connect}/suite/${folder}?session=4s`),
      stop: () => host.stop(),
    };
  });

  watchSuite(name, async () => {
    const host = await start();
    let folders = 0;
    const writers: { close(): Promise<void> }[] = [];
    return {
      async openWith(endpoints) {
        const url = `zookeeper://${host.connect}/watching/${++folders}?session=4s`;
        const writer = openRegistry(url);
        writers.push(writer);
        for (const endpoint of endpoints) await writer.announce(endpoint).registered;
        return openRegistry(url);
      },
      async stop() {
        for (const writer of writers) await writer.close();
        await host.stop();
      },
    };
  });
}

suites('the embedded ZooKeeper', async () => {
  const host = await startZooKeeper({ tickTime: 500 });
  return { connect: host.connect, stop: () => host.close() };
});

const missing = await apacheZooKeeperMissing();
if (missing === undefined) suites('Apache ZooKeeper', () => startApacheZooKeeper());
else it('Apache ZooKeeper', { skip: missing }, () => {});
