import type { ContainerOfPod } from './provider.ts';

/** What is read of a pod, as the API gives it. */
export interface PodObject {
  spec: { nodeName?: string };
  status: { containerStatuses?: { name: string; containerID?: string; state?: { running?: object } }[] };
}

/** Where a container runs, and its id as containerd knows it. Throws when it does not run. */
export function runningContainer(pod: PodObject, target: ContainerOfPod): { node: string; id: string } {
  const status = pod.status.containerStatuses?.find(({ name }) => name === target.container);
  const id = status?.containerID?.replace(/^containerd:\/\//, '');
  const node = pod.spec.nodeName;
  if (node === undefined || id === undefined || id === '' || status?.state?.running === undefined) {
    throw new Error(`${describeContainer(target)} does not run`);
  }
  return { node, id };
}

export function describeContainer({ namespace, pod, container }: ContainerOfPod): string {
  return `container ${container} of pod ${namespace}/${pod}`;
}
