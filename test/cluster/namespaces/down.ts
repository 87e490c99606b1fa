import { rm } from 'node:fs/promises';
import { removeCgroups } from './cgroups.ts';
import type { Layout } from './layout.ts';
import { machinesKnown, switchOff } from './machine.ts';

/** Switches the cluster off: what it keeps on disk is all that stays. */
export async function bringDown(layout: Layout): Promise<void> {
  // The others' cables end in the first: it goes last.
  for (const number of (await machinesKnown(layout)).reverse()) await switchOff(layout, number);
  await removeCgroups(layout.cgroup);
  await rm(layout.pid, { recursive: true, force: true });
}
