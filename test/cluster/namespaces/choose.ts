import type { Candidate, ClusterOptions } from '../choose.ts';
import { NamespacesProvider } from './provider.ts';

/** Possible for root on Linux. */
export async function namespaces(options: ClusterOptions): Promise<Candidate> {
  if (process.platform !== 'linux') return { lacks: `needs Linux, and this is ${process.platform}` };
  if (process.getuid?.() !== 0) return { lacks: 'needs root' };
  return { provider: new NamespacesProvider({ state: options.state, tools: options.tools }) };
}
