import type { Command } from 'commander';
import { parseAddress } from '../core/endpoint.ts';
import { startZooKeeper } from '../dev/zookeeper.ts';
import { makeLog } from '../ops/log.ts';
import { listenError } from '../transport/network.ts';
import { command } from './command.ts';
import { onSignals } from './signals.ts';

export function zookeeperCommand(): Command {
  const made = command(
    'zookeeper',
    'Runs the embedded ZooKeeper: one node, in memory, for development. What it holds is gone when it stops.',
    ['listen', 'logLevel'],
    { listen: '127.0.0.1:2181' },
  );
  made
    .summary('Runs the embedded ZooKeeper')
    .addHelpText('after', '\nExample:\n  evenkeel zookeeper --listen 127.0.0.1:2181');
  return made.action(async () => {
    const { listen, logLevel } = made.values();
    const log = makeLog({ level: logLevel! });
    const at = parseAddress(listen!);
    const zookeeper = await startZooKeeper({ listen: at, log }).catch((error) => {
      throw listenError(error, at);
    });
    onSignals(
      log,
      () => void zookeeper.close().then(() => process.exit(0)),
      () => process.exit(130),
    );
  });
}
