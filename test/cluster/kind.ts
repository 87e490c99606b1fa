/** A cluster of kind's (https://kind.sigs.k8s.io): nodes are containers of Docker's. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Candidate, ClusterOptions } from './choose.ts';
import { withImageFiles } from './image-files.ts';
import { docker, dockerAnswers, type ImageStore } from './image-store.ts';
import { type PodObject, runningContainer } from './pod-status.ts';
import { type Command, type ContainerOfPod, Impossible, type OutsideSignal, type Provider } from './provider.ts';
import { output, succeeds } from './run.ts';
import { tell } from './tell.ts';

const clusterName = 'evenkeel';
const folder = join(import.meta.dirname, '../../.cache/kind');
const kubeconfig = join(folder, 'kubeconfig');

/** Possible where Docker answers and kind and kubectl are there. */
export async function kind(_options: ClusterOptions): Promise<Candidate> {
  if (!(await dockerAnswers())) return { lacks: 'needs Docker, which does not answer' };
  const commands = [
    ['kind', 'version'],
    ['kubectl', 'version', '--client'],
    ['helm', 'version'],
  ];
  for (const command of commands) {
    if (!(await succeeds(command))) return { lacks: `needs ${command[0]} on PATH, and there is none that works` };
  }
  return { provider: new KindProvider() };
}

/** One node for the control plane and some that run pods. */
export function kindConfig(workers: number): string {
  const nodes = [{ role: 'control-plane' }, ...Array.from({ length: workers }, () => ({ role: 'worker' }))];
  return JSON.stringify({ kind: 'Cluster', apiVersion: 'kind.x-k8s.io/v1alpha4', name: clusterName, nodes }, null, 2);
}

export class KindProvider implements Provider {
  readonly name = 'kind';
  readonly reaches = 'api';

  async up(nodes = 2): Promise<void> {
    await mkdir(folder, { recursive: true });
    if (await this.#exists()) {
      const all = await this.#nodes();
      if (!(await allRun(all))) await output(['docker', 'start', ...all], { timeout: 120_000 });
    } else {
      tell(`kind makes a cluster of ${nodes + 1} nodes: minutes, where it pulls its image`);
      const config = join(folder, 'config.json');
      await writeFile(config, kindConfig(nodes));
      const how = ['--config', config, '--kubeconfig', kubeconfig, '--wait', '5m'];
      await output(['kind', 'create', 'cluster', ...how], { timeout: 900_000, show: true });
    }
    await output(['kind', 'export', 'kubeconfig', '--name', clusterName, '--kubeconfig', kubeconfig]);
    await this.#kubectl('apply', '-f', join(import.meta.dirname, 'metrics-server.yaml'));
    await this.#kubectl('wait', 'node', '--all', '--for=condition=Ready', '--timeout=180s');
    for (const name of ['coredns', 'metrics-server']) {
      await this.#kubectl('-n', 'kube-system', 'rollout', 'status', `deployment/${name}`, '--timeout=300s');
    }
    await this.#kubectl('wait', 'apiservice/v1beta1.metrics.k8s.io', '--for=condition=Available', '--timeout=120s');
  }

  async down(): Promise<void> {
    if (await this.#exists()) await output(['docker', 'stop', ...(await this.#nodes())], { timeout: 120_000 });
  }

  async destroy(): Promise<void> {
    await output(['kind', 'delete', 'cluster', '--name', clusterName, '--kubeconfig', kubeconfig], {
      timeout: 120_000,
    });
    await rm(folder, { recursive: true, force: true });
  }

  async command(argv: readonly string[]): Promise<Command> {
    if (!(await this.#exists())) throw new Impossible('the cluster is not up: npm run cluster -- up');
    const [file, ...args] = argv;
    return { file: file!, args, env: { ...process.env, KUBECONFIG: kubeconfig, EVENKEEL_CLUSTER: this.name } };
  }

  async load(images: readonly string[]): Promise<void> {
    const scratch = await mkdtemp(join(tmpdir(), 'evenkeel-kind-'));
    try {
      await withImageFiles(images, [docker], scratch, async (file, image) => {
        await output(['kind', 'load', 'image-archive', file, '--name', clusterName], { timeout: 600_000 });
        tell(`${image} is on all nodes`);
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  async store(): Promise<ImageStore> {
    return docker;
  }

  readonly signal = async (target: ContainerOfPod, signal: OutsideSignal): Promise<void> => {
    const text = await this.#kubectl('-n', target.namespace, 'get', 'pod', target.pod, '-o', 'json');
    const { node, id } = runningContainer(JSON.parse(text) as PodObject, target);
    await output(['docker', 'exec', node, '/bin/sh', '-c', signalScript, id, signal.replace('SIG', '')]);
  };

  async #exists(): Promise<boolean> {
    const names = await output(['kind', 'get', 'clusters']);
    return names.split('\n').includes(clusterName);
  }

  async #nodes(): Promise<string[]> {
    const names = await output(['kind', 'get', 'nodes', '--name', clusterName]);
    return names.split('\n').filter((name) => name !== '');
  }

  #kubectl(...args: string[]): Promise<string> {
    return output(['kubectl', '--kubeconfig', kubeconfig, ...args], { timeout: 330_000 });
  }
}

/** Runs in a node, with a container's id and a signal: all processes of the container's groups get it. */
const signalScript = `pids=$(find /sys/fs/cgroup -path "*$0*" -name cgroup.procs -exec cat {} + | sort -u)
test -n "$pids" && kill -s "$1" $pids`;

async function allRun(nodes: readonly string[]): Promise<boolean> {
  const states = await output(['docker', 'inspect', '--format', '{{.State.Running}}', ...nodes]);
  return states.split('\n').every((state) => state === '' || state === 'true');
}
