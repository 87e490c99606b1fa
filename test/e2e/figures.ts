import { availableParallelism, cpus } from 'node:os';
import { isoTime, systemClock } from '../../src/core/clock.ts';
import type { Provider } from '../cluster/provider.ts';
import { output } from '../cluster/run.ts';
import type { Row } from './lossless/watched.ts';

/** What a run of all scenarios came to, and where. */
export interface Figures {
  /** YYYY-MM-DD */
  date: string;
  /** Versions and sizes, for people: `Kubernetes v1.35.4, 2 nodes`. */
  cluster: string;
  machine: string;
  rows: readonly Row[];
}

/** Where the rows were taken. The cluster has to be up. */
export async function figures(provider: Provider, rows: readonly Row[]): Promise<Figures> {
  const { file, args, env } = await provider.command(['kubectl', 'get', 'nodes', '--output', 'json']);
  const { items } = JSON.parse(await output([file, ...args], { env })) as Nodes;
  const versions = [...new Set(items.map(({ status }) => status.nodeInfo.kubeletVersion))].join(', ');
  const how = provider.name === 'namespaces' ? ' in network namespaces of one machine' : ` (${provider.name})`;
  return {
    date: isoTime(systemClock.wallTime()).slice(0, 10),
    cluster: `Kubernetes ${versions}, ${items.length} nodes${how}`,
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores`,
    rows,
  };
}

interface Nodes {
  items: { status: { nodeInfo: { kubeletVersion: string } } }[];
}
