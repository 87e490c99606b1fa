/** Images from public registries that the cluster runs, or that evenkeel's chart and its image rest on. */

export interface PublicImage {
  /** As containerd knows it: whole. */
  name: string;
  /** Loaded on every node by `up`. The others are built upon. */
  onNodes: boolean;
}

export const images = {
  pause: { name: 'registry.k8s.io/pause:3.10', onNodes: true },
  coredns: { name: 'docker.io/coredns/coredns:1.14.7', onNodes: true },
  'metrics-server': { name: 'registry.k8s.io/metrics-server/metrics-server:v0.9.0', onNodes: true },
  node: { name: 'docker.io/library/node:26-slim', onNodes: false },
  zookeeper: { name: 'docker.io/library/zookeeper:3.9', onNodes: true },
  k6: { name: 'docker.io/grafana/k6:1.8.1', onNodes: true },
} as const satisfies Record<string, PublicImage>;

export type ImageKey = keyof typeof images;
export const imageKeys = Object.keys(images) as ImageKey[];
