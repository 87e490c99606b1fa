/** Signals for the processes of a container, from outside. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/clock.ts';
import { describeContainer, type PodObject, runningContainer } from '../pod-status.ts';
import type { ContainerOfPod, OutsideSignal } from '../provider.ts';
import { output } from '../run.ts';
import { hierarchies } from './cgroups.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';

export async function signalContainer(layout: Layout, target: ContainerOfPod, signal: OutsideSignal): Promise<void> {
  const folder = await groupOf(layout, await containerId(layout, target));
  if (folder === undefined) throw new Error(`${describeContainer(target)} has no processes`);
  const reached = new Set<number>();
  // What it forks while we are at it is found in the next round.
  for (;;) {
    const fresh = (await pidsIn(folder)).filter((pid) => !reached.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) {
      reached.add(pid);
      send(pid, signal);
    }
    await systemClock.sleep(10);
  }
  if (reached.size === 0) throw new Error(`${describeContainer(target)} has no processes`);
}

/** Pids of all processes of a container, as this machine counts them. */
export async function hostPids(layout: Layout, target: ContainerOfPod): Promise<number[]> {
  const folder = await groupOf(layout, await containerId(layout, target));
  return folder === undefined ? [] : pidsIn(folder);
}

async function containerId(layout: Layout, target: ContainerOfPod): Promise<string> {
  const { namespace, pod } = target;
  const text = await output(kubectl(layout, ['-n', namespace, 'get', 'pod', pod, '-o', 'json']));
  return runningContainer(JSON.parse(text) as PodObject, target).id;
}

/** The container's group, in one hierarchy: it is in all of them. */
async function groupOf(layout: Layout, id: string): Promise<string | undefined> {
  for (const hierarchy of await hierarchies()) {
    const found = await findFolder(join(hierarchy, layout.cgroup), id);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findFolder(folder: string, name: string): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const found = entry.name === name ? path : await findFolder(path, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function pidsIn(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

function send(pid: number, signal: OutsideSignal): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    // It has ended by itself.
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
  }
}
