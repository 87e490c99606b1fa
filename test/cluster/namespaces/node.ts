/** What makes a machine a node: containerd, kubelet and kube-proxy. */
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Impossible } from '../provider.ts';
import { succeeds } from '../run.ts';
import { makeCgroups } from './cgroups.ts';
import { containerdConfig, kubeletConfig, podNetwork } from './configs.ts';
import { startDaemon, waitForDaemons } from './daemon.ts';
import { containerdSocket, type Layout, podRanges } from './layout.ts';
import { inMachine } from './machine.ts';
import { images } from './public-images.ts';

/** Names of its daemons. */
export function nodeDaemons(number: number): string[] {
  return [`containerd${number}`, `kube-proxy${number}`, `kubelet${number}`];
}

/** Resolves when it takes images. */
export async function startContainerd(layout: Layout, number: number): Promise<void> {
  const node = layout.node(number);
  for (const folder of [node.cni, node.containerd, node.kubelet, node.logs]) await mkdir(folder, { recursive: true });
  await write(join(node.cni, '10-evenkeel.conflist'), podNetwork(node));
  const config = join(node.folder, 'containerd.toml');
  await write(config, containerdConfig(node, images.pause.name, cniPlugins()));
  const inside = inMachine(layout, number, 'whole');
  const name = `containerd${number}`;
  await startDaemon(layout, name, [...inside, 'containerd', '--config', config]);
  const answers = () => succeeds([...ctr(layout, number), 'version'], { timeout: 5_000 });
  await waitForDaemons(layout, { daemons: [name], what: `containerd on ${node.name} to answer` }, answers);
}

/** Needs the API server and containerd. Resolves when both have been started: the node is ready a little later. @returns whether the kubelet had to be. */
export async function startKubelet(layout: Layout, number: number): Promise<boolean> {
  const node = layout.node(number);
  const inside = inMachine(layout, number, 'whole');
  const config = join(node.folder, 'kubelet.yaml');
  await write(config, kubeletConfig(layout, node));
  await makeCgroups(node.cgroup);
  const started = await startDaemon(layout, `kubelet${number}`, [
    ...inside,
    join(layout.bin, 'kubelet'),
    `--config=${config}`,
    `--kubeconfig=${layout.kubeconfig}`,
    `--hostname-override=${node.name}`,
    `--node-ip=${node.address}`,
    `--root-dir=${node.kubelet}`,
  ]);
  await startDaemon(layout, `kube-proxy${number}`, [
    ...inside,
    join(layout.bin, 'kube-proxy'),
    `--kubeconfig=${layout.kubeconfig}`,
    `--hostname-override=${node.name}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${podRanges}`,
    // The limit is the machine's, and cannot be set from here.
    '--conntrack-max-per-core=0',
  ]);
  return started;
}

/** containerd's own client, for what the kubelet uses. */
export function ctr(layout: Layout, number: number): string[] {
  return [...inMachine(layout, number, 'whole'), 'ctr', '--address', containerdSocket, '--namespace', 'k8s.io'];
}

function cniPlugins(): string {
  const folders = ['/usr/lib/cni', '/opt/cni/bin'];
  const found = folders.find((folder) => existsSync(join(folder, 'ptp')));
  if (found === undefined) throw new Impossible(`there are no CNI plugins in ${folders.join(' or ')}`);
  return found;
}

/** Whole or not at all: it may be read at this moment. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
