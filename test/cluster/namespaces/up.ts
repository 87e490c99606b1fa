/** Everything that has to be there and to run, in order. What is there already is left as it is. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemClock } from '../../../src/core/clock.ts';
import { output } from '../run.ts';
import { tell } from '../tell.ts';
import { resolverConfig } from './configs.ts';
import { startControlPlane } from './control-plane.ts';
import { ensureNodeImages, importImage, sourceNote } from './images.ts';
import { inCluster } from './inside.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';
import { isOn, machinesKnown, machinesOn, switchOff, switchOn } from './machine.ts';
import { connectMachines } from './network.ts';
import { startContainerd, startKubelet } from './node.ts';
import { ensurePackages, toRun } from './packages.ts';
import { ensurePki, writeKubeconfig } from './pki.ts';
import { forgetOtherNodes, waitForDns, waitForMetrics, waitForNode } from './ready.ts';
import { ensureTool } from './tools.ts';

/**
 * @param wanted How many nodes. Default: as many as there were, else 2.
 * @param tools A folder of ready tools.
 */
export async function bringUp(layout: Layout, tools: string | undefined, wanted?: number): Promise<void> {
  const nodes = wanted ?? ((await machinesKnown(layout)).length || 2);
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  await prepare(layout, tools);
  const files = await ensureNodeImages(layout, tools);
  const switched = await switchMachines(layout, numbers);
  const since = systemClock.wallTime();
  // The API comes up while images are put on the nodes.
  await Promise.all([
    startControlPlane(layout),
    ...numbers.map(async (number) => {
      await startContainerd(layout, number);
      for (const file of files) await importOnce(layout, number, file);
    }),
  ]);
  await forgetOtherNodes(layout, nodes);
  const started = await Promise.all(numbers.map((number) => startKubelet(layout, number)));
  await Promise.all(numbers.map((number, index) => waitForNode(layout, number, started[index] ? since : 0)));
  if (switched) tell(`${nodes} ${nodes === 1 ? 'node is' : 'nodes are'} ready; now DNS and metrics-server`);
  await applyManifests(layout);
  await waitForDns(layout, nodes, inCluster(layout, ['getent', 'hosts', 'kubernetes.default.svc.cluster.local']));
  await waitForMetrics(layout, nodes);
}

async function prepare(layout: Layout, tools: string | undefined): Promise<void> {
  await ensurePackages(toRun);
  for (const folder of [layout.bin, layout.log, layout.pid, layout.volumes]) await mkdir(folder, { recursive: true });
  for (const tool of ['kube', 'etcd', 'helm', 'k6'] as const) await ensureTool(layout, tool, tools);
  const pause = join(layout.bin, 'pause');
  if (!existsSync(pause)) {
    await output(['gcc', '-static', '-Os', '-o', pause, join(import.meta.dirname, 'stand-ins/pause.c')]);
  }
  await writeFile(join(layout.state, 'no-name-servers.conf'), '');
  await writeFile(layout.resolver, resolverConfig());
  await ensurePki(layout);
  await writeKubeconfig(layout);
}

/** @returns whether one had to be switched on. */
async function switchMachines(layout: Layout, numbers: readonly number[]): Promise<boolean> {
  // All cables end in the first.
  if (!isOn(layout, 1)) for (const number of await machinesOn(layout)) await switchOff(layout, number);
  for (const number of await machinesKnown(layout)) {
    if (numbers.includes(number)) continue;
    await switchOff(layout, number);
    await rm(layout.node(number).folder, { recursive: true });
  }
  const switched = await Promise.all(numbers.map((number) => switchOn(layout, number)));
  await connectMachines(layout, numbers);
  return switched.includes(true);
}

/** A node keeps its images when it is switched off: which it has stands in files beside them. */
async function importOnce(layout: Layout, number: number, file: string): Promise<void> {
  const key = basename(file, '.tar');
  const source = await readFile(sourceNote(layout, key), 'utf8');
  const folder = join(layout.node(number).folder, 'imported');
  const note = join(folder, key);
  if ((await readFile(note, 'utf8').catch(() => '')) === source) return;
  await importImage(layout, number, file);
  await mkdir(folder, { recursive: true });
  await writeFile(note, source);
}

async function applyManifests(layout: Layout): Promise<void> {
  const manifests = [join(import.meta.dirname, 'manifests'), join(import.meta.dirname, '../metrics-server.yaml')];
  await output(kubectl(layout, ['apply', ...manifests.flatMap((path) => ['-f', path])]));
}
