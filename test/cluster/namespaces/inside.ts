import type { Layout } from './layout.ts';
import { inMachine } from './machine.ts';

/**
 * Runs a program with the network of the first node, where pods, Services and the API are, and with the cluster's name
 * servers; all else is as outside.
 */
export function inCluster(layout: Layout, argv: readonly string[]): string[] {
  const named = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  // A mount that nobody else sees, as long as it runs. Those that it makes itself are still seen.
  const alone = ['unshare', '--mount', '--propagation=unchanged', '/bin/sh', '-c'];
  return [
    ...inMachine(layout, 1, 'network'),
    ...alone,
    `mount --make-private /etc 2>/dev/null; ${named}`,
    layout.resolver,
    ...argv,
  ];
}
