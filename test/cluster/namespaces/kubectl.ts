import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { inMachine } from './machine.ts';

/** The command that runs kubectl, where it reaches the API. */
export function kubectl(layout: Layout, args: readonly string[]): string[] {
  const inside = inMachine(layout, 1, 'network');
  return [...inside, join(layout.bin, 'kubectl'), `--kubeconfig=${layout.kubeconfig}`, ...args];
}
