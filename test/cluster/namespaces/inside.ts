import type { Layout } from './layout.ts';
import { inMachine } from './machine.ts';

/**
 * Runs a program with the network of the first node, where pods, Services and the API are, and with the cluster's name
 * servers; all else is as outside.
 */
export function inCluster(layout: Layout, argv: readonly string[]): string[] {
  // A mount that nobody else sees, and that ends with the program.
  const alone = ['unshare', '--mount', '--propagation=slave', '/bin/sh', '-c'];
  const named = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  return [...inMachine(layout, 1, 'network'), ...alone, named, layout.resolver, ...argv];
}
