/** A cluster that somebody has: the one that KUBECONFIG names. It is used, and never brought up or down. */
import type { Candidate, ClusterOptions } from './choose.ts';
import { storeOf } from './image-files.ts';
import { imageNameIn } from './image-name.ts';
import { buildah, docker, dockerAnswers, type ImageStore } from './image-store.ts';
import { type Command, Impossible, type Provider } from './provider.ts';
import { run, succeeds } from './run.ts';
import { tell } from './tell.ts';

/** Possible where KUBECONFIG is set and what it names answers. */
export async function existing(options: ClusterOptions): Promise<Candidate> {
  const { KUBECONFIG } = process.env;
  if (KUBECONFIG === undefined || KUBECONFIG === '') return { lacks: 'needs KUBECONFIG, which is not set' };
  const { ended, stderr } = await run(['kubectl', 'get', '--raw', '/readyz', '--request-timeout=5s'], {
    timeout: 10_000,
  });
  if (ended !== 0) {
    const why = stderr.trim().split('\n').at(-1) ?? '';
    return {
      lacks: `needs the cluster of KUBECONFIG=${KUBECONFIG}, which does not answer (${why === '' ? ended : why})`,
    };
  }
  return { provider: new ExistingProvider(options.registry) };
}

export class ExistingProvider implements Provider {
  readonly name = 'existing';
  readonly reaches = 'api';
  /** Nobody but its owner reaches its processes. */
  readonly signal = undefined;
  readonly #registry: string | undefined;

  /** @param registry Where its nodes pull from. */
  constructor(registry: string | undefined) {
    this.#registry = registry;
  }

  async up(): Promise<void> {
    tell('the cluster of KUBECONFIG is up; it is used as it is');
  }

  async down(): Promise<void> {
    tell('the cluster of KUBECONFIG is not ours to stop');
  }

  async destroy(): Promise<void> {
    tell('the cluster of KUBECONFIG is not ours to remove');
  }

  async command(argv: readonly string[]): Promise<Command> {
    const [file, ...args] = argv;
    return { file: file!, args, env: { ...process.env, EVENKEEL_CLUSTER: this.name } };
  }

  async load(images: readonly string[]): Promise<void> {
    if (this.#registry === undefined) {
      throw new Impossible(
        'nodes of an existing cluster pull from a registry: push the image to one they reach, and set global.image.registry of the chart to it; or set EVENKEEL_E2E_REGISTRY=registry.example/team, and load pushes it there',
      );
    }
    const stores = await storesHere();
    for (const image of images) {
      const store = await storeOf(image, stores);
      const there = imageNameIn(this.#registry, image);
      await store.push(image, there);
      tell(`${image} is in the registry as ${there}`);
    }
  }

  async store(): Promise<ImageStore> {
    const [store] = await storesHere();
    if (store === undefined) throw new Impossible('to build an image there must be Docker or buildah');
    return store;
  }
}

async function storesHere(): Promise<ImageStore[]> {
  const stores: ImageStore[] = [];
  if (await dockerAnswers()) stores.push(docker);
  if (await succeeds(['buildah', '--version'])) stores.push(buildah());
  return stores;
}
