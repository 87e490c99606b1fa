import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { ownFile } from '../own-file.ts';

/** What a reader must know to compare figures of two runs. */
export function environment(facts: { cluster: string; zookeeper: string }): Record<string, string> {
  const path = ownFile('../../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return {
    evenkeel: version,
    cluster: facts.cluster,
    ZooKeeper: facts.zookeeper,
    Node: process.version,
    machine: `${platform()} ${release()} ${arch()}`,
    CPU: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
}
