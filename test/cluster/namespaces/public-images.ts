/** Images from public registries that the cluster runs, or that evenkeel's chart and its image rest on. */

export interface PublicImage {
  /** As containerd knows it: whole. */
  name: string;
  /** Put on every node by `up`. */
  onNodes: boolean;
  /** evenkeel's Dockerfile is built upon it. */
  inBuilds: boolean;
}

export const images = {
  pause: { name: 'registry.k8s.io/pause:3.10', onNodes: true, inBuilds: false },
  coredns: { name: 'docker.io/coredns/coredns:1.14.7', onNodes: true, inBuilds: false },
  'metrics-server': { name: 'registry.k8s.io/metrics-server/metrics-server:v0.9.0', onNodes: true, inBuilds: false },
  node: { name: 'docker.io/library/node:26-slim', onNodes: false, inBuilds: true },
  zookeeper: { name: 'docker.io/library/zookeeper:3.9', onNodes: true, inBuilds: false },
  k6: { name: 'docker.io/grafana/k6:1.8.1', onNodes: true, inBuilds: true },
} as const satisfies Record<string, PublicImage>;

export type ImageKey = keyof typeof images;
export const imageKeys = Object.keys(images) as ImageKey[];
