/**
 * A machine of the cluster: a process that holds namespaces for network, mounts, pids and host name, with a /run, a /proc
 * and other places of its own. It is switched off by killing that process: the kernel then ends every process in it, and
 * with the last one its mounts and its network are gone too. Nothing has to be found and cleaned up one by one.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../wait-for.ts';
import { runningDaemon, startDaemon, waitForDaemons } from './daemon.ts';
import type { Layout } from './layout.ts';
import { processOf } from './process-identity.ts';

const machineName = (number: number) => `machine${number}`;

/** Runs as the machine's first process, with the state folder, the host name and the pause program. */
const firstProcess = `set -e
# Mounts of somebody's containers, copied into here, would keep their file systems busy after they have gone.
awk '$2 != "/" && ($3 == "overlay" || $3 == "nsfs" || ($3 == "tmpfs" && $2 ~ "^/var/lib/")) { print $2 }' /proc/self/mounts | sort -r | while read -r point; do umount -l "$point"; done
mount --make-rshared /
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/netns /run/lock /var/log/containers /var/lib/cni /tmp/hostpath_pv
mount -t tmpfs -o mode=755 containers /var/log/containers
mount -t tmpfs -o mode=755 cni /var/lib/cni
mount --bind "$0/volumes" /tmp/hostpath_pv
hostname "$1"
touch /run/machine-is-on
exec "$2"`;

/** Switches it on unless it is. @returns whether it had to. */
export async function switchOn(layout: Layout, number: number): Promise<boolean> {
  const { folder, name } = layout.node(number);
  await mkdir(folder, { recursive: true });
  // Mounts of the outside come in, so that what is unmounted there is not held here; none of ours gets out.
  const namespaces = ['--mount', '--propagation=slave', '--net', '--pid', '--mount-proc', '--uts', '--fork'];
  const started = await startDaemon(layout, machineName(number), [
    'unshare',
    ...namespaces,
    '--kill-child=SIGKILL',
    '--',
    '/bin/sh',
    '-c',
    firstProcess,
    layout.state,
    name,
    join(layout.bin, 'pause'),
  ]);
  const isOn = () => {
    const holder = runningDaemon(layout, machineName(number));
    return holder !== undefined && existsSync(`/proc/${holder.pid}/root/run/machine-is-on`);
  };
  const wait = { daemons: [machineName(number)], what: `${name} to be switched on`, deadline: 60_000 };
  await waitForDaemons(layout, wait, isOn);
  return started;
}

/** Ends all that runs in it. Resolves when nothing does. */
export async function switchOff(layout: Layout, number: number): Promise<void> {
  const holder = runningDaemon(layout, machineName(number));
  if (holder === undefined) return;
  // The holder waits for the first process, and that one's end waits for all others: killed itself it could not tell.
  const first = await childOf(holder.pid);
  process.kill(first ?? holder.pid, 'SIGKILL');
  await waitFor(() => runningDaemon(layout, machineName(number)) === undefined, {
    what: `the processes of ${layout.node(number).name} to end`,
    deadline: 60_000,
  });
}

export function isOn(layout: Layout, number: number): boolean {
  return runningDaemon(layout, machineName(number)) !== undefined;
}

/** Numbers of the machines that are on, rising. */
export async function machinesOn(layout: Layout): Promise<number[]> {
  return (await machinesKnown(layout)).filter((number) => isOn(layout, number));
}

/** Numbers of all machines that have a folder, rising. */
export async function machinesKnown(layout: Layout): Promise<number[]> {
  const names = await readdir(layout.state).catch(() => []);
  return names
    .map((name) => Number(/^node([1-9]\d*)$/.exec(name)?.[1]))
    .filter((number) => !Number.isNaN(number))
    .sort((a, b) => a - b);
}

/** What runs a command in a machine: in all of its namespaces, or in its network alone and otherwise outside. */
export function inMachine(layout: Layout, number: number, how: 'whole' | 'network'): string[] {
  const holder = runningDaemon(layout, machineName(number));
  if (holder === undefined) throw new Error(`${layout.node(number).name} is not on`);
  const space = (name: string) => `/proc/${holder.pid}/ns/${name}`;
  if (how === 'network') return ['nsenter', `--net=${space('net')}`];
  return [
    'nsenter',
    `--net=${space('net')}`,
    `--mount=${space('mnt')}`,
    `--pid=${space('pid_for_children')}`,
    `--uts=${space('uts')}`,
    '--',
  ];
}

async function childOf(parent: number): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && processOf(Number(name))?.parent === parent) return Number(name);
  }
  return undefined;
}
