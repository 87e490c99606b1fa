/**
 * A Kubernetes to try evenkeel on, whoever brings it: one that exists, one of kind's, or one made of the namespaces of
 * this machine. `chooseProvider` (choose.ts) gives the one that is possible here.
 */
import type { ImageStore } from './image-store.ts';

export const providerNames = ['existing', 'kind', 'namespaces'] as const;
export type ProviderName = (typeof providerNames)[number];

export interface Provider {
  readonly name: ProviderName;
  /** What `command` reaches by itself: pods and Services as well, or the API alone, and the rest by `kubectl port-forward`. */
  readonly reaches: 'pods' | 'api';

  /**
   * Brings the cluster up and waits until its nodes, DNS and metrics-server are ready. Quick when it is up already.
   * @param nodes How many run pods. Default: as many as there are, else 2.
   */
  up(nodes?: number): Promise<void>;
  /** Stops it, in a way that the next `up` is quick. What was deployed comes back then. */
  down(): Promise<void>;
  /** Stops it and removes all that it kept. */
  destroy(): Promise<void>;

  /** What to run in place of `argv`, so that it finds the cluster, kubectl and helm. Rejects when the cluster is not up. */
  command(argv: readonly string[]): Promise<Command>;
  /** Puts images on every node: files as `docker save` writes them, or names of images that Docker or buildah has here. */
  load(images: readonly string[]): Promise<void>;

  /** Where images for it are built. What evenkeel's Dockerfile is built upon can be had there. */
  store(): Promise<ImageStore>;

  /**
   * Sends a signal to every process of a container, from outside: its own PID 1 too, which nothing inside can kill or
   * stop. `undefined` where nobody but Kubernetes reaches its processes. Rejects when there is no such container running.
   */
  readonly signal: ((target: ContainerOfPod, signal: OutsideSignal) => Promise<void>) | undefined;
}

export interface Command {
  file: string;
  args: readonly string[];
  /** All of it, not what differs. */
  env: NodeJS.ProcessEnv;
}

export interface ContainerOfPod {
  namespace: string;
  pod: string;
  container: string;
}

export type OutsideSignal = 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

/** It cannot be done on this machine, or was asked for wrongly: a sentence that says what would help. Exit code 2. */
export class Impossible extends Error {}
