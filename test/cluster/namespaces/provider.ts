/**
 * A Kubernetes without Docker, for root on Linux: every node is a set of namespaces with its own containerd, kubelet and
 * kube-proxy; the first one runs etcd and the control plane too. Nothing in it reaches the outside.
 */
import { rm } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { withImageFiles } from '../image-files.ts';
import { buildah, docker, dockerAnswers, type ImageStore } from '../image-store.ts';
import { type Command, type ContainerOfPod, Impossible, type OutsideSignal, type Provider } from '../provider.ts';
import { succeeds } from '../run.ts';
import { tell } from '../tell.ts';
import { bringDown } from './down.ts';
import { ensureBuildImages, importImage, ownStore } from './images.ts';
import { inCluster } from './inside.ts';
import { type Layout, layoutOf } from './layout.ts';
import { withLock } from './lock.ts';
import { isOn, machinesOn } from './machine.ts';
import { hostPids, signalContainer } from './signal.ts';
import { claimState, isOurs } from './state.ts';
import { bringUp } from './up.ts';

export interface NamespacesOptions {
  /** The folder that all is kept in. Absolute. */
  state: string;
  /** A folder that has tools ready, as NAME or NAME.zst. Those that it has not are built. */
  tools: string | undefined;
}

export class NamespacesProvider implements Provider {
  readonly name = 'namespaces';
  readonly reaches = 'pods';
  readonly #layout: Layout;
  readonly #tools: string | undefined;

  constructor({ state, tools }: NamespacesOptions) {
    this.#layout = layoutOf(state);
    this.#tools = tools;
  }

  async up(nodes?: number): Promise<void> {
    await claimState(this.#layout.state);
    await withLock(this.#layout, () => bringUp(this.#layout, this.#tools, nodes));
  }

  async down(): Promise<void> {
    if (isOurs(this.#layout.state)) await withLock(this.#layout, () => bringDown(this.#layout));
  }

  async destroy(): Promise<void> {
    if (!isOurs(this.#layout.state)) return;
    await this.down();
    await rm(this.#layout.state, { recursive: true, force: true });
  }

  async command(argv: readonly string[]): Promise<Command> {
    if (!isOn(this.#layout, 1)) throw new Impossible('the cluster is not up: npm run cluster -- up');
    const [file, ...args] = inCluster(this.#layout, argv);
    const { state, bin, kubeconfig } = this.#layout;
    const env = {
      ...process.env,
      PATH: [bin, process.env.PATH ?? ''].join(delimiter),
      KUBECONFIG: kubeconfig,
      // Asked from inside it is this cluster again, and not just any that has a KUBECONFIG.
      EVENKEEL_CLUSTER: this.name,
      EVENKEEL_CLUSTER_STATE: state,
    };
    return { file: file!, args, env };
  }

  async load(images: readonly string[]): Promise<void> {
    const numbers = await machinesOn(this.#layout);
    if (numbers.length === 0) throw new Impossible('the cluster is not up: npm run cluster -- up');
    const stores: ImageStore[] = [];
    if (await dockerAnswers()) stores.push(docker);
    if (await succeeds(['buildah', '--version'])) stores.push(await ownStore(this.#layout), buildah());
    await withImageFiles(images, stores, this.#layout.state, async (file, image) => {
      await Promise.all(numbers.map((number) => importImage(this.#layout, number, file)));
      tell(`${image} is on ${numbers.length} nodes`);
    });
  }

  async store(): Promise<ImageStore> {
    if (await dockerAnswers()) return docker;
    await claimState(this.#layout.state);
    const store = await ownStore(this.#layout);
    await ensureBuildImages(this.#layout, store, this.#tools);
    return store;
  }

  readonly signal = (target: ContainerOfPod, signal: OutsideSignal): Promise<void> =>
    signalContainer(this.#layout, target, signal);

  /** Pids of all processes of a container, as this machine counts them. */
  hostPids(target: ContainerOfPod): Promise<number[]> {
    return hostPids(this.#layout, target);
  }
}
