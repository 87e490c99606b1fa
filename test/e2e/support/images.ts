/** The images under test: which ones, and where nodes have them from. */
import { imageNameIn } from '../../cluster/image-name.ts';

export interface Images {
  /** Of evenkeel itself; `TAG-kubernetes` has the Kubernetes client, too. */
  tag: string;
  /** Another tag of the same image: for an upgrade to roll to. */
  nextTag: string;
  /** Where nodes pull them from. Undefined where they were put on the nodes. */
  registry: string | undefined;
  /** The image's name without its tag. */
  repository: string;
  /** Its whole name. */
  image: string;
}

/** Of a cluster that is ours, nodes are given the images; only those of an existing one pull what `load` has pushed. */
export function imagesIn(env: NodeJS.ProcessEnv): Images {
  const { EVENKEEL_CLUSTER: cluster = '', EVENKEEL_E2E_REGISTRY: given = '', EVENKEEL_E2E_TAG: tag = 'dev' } = env;
  const registry = given === '' || !['', 'existing'].includes(cluster) ? undefined : given.replace(/\/+$/, '');
  const image = registry === undefined ? `evenkeel:${tag}` : imageNameIn(registry, `evenkeel:${tag}`);
  return { tag, nextTag: `${tag}-next`, registry, repository: image.slice(0, -tag.length - 1), image };
}

export const { tag, nextTag, registry, repository, image } = imagesIn(process.env);
