/** Where things are: folders below the state folder, and addresses. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface Layout {
  state: string;
  /** Tools, ready to run. */
  bin: string;
  pki: string;
  log: string;
  pid: string;
  etcd: string;
  /** Images as files. */
  images: string;
  /** What images are made of. */
  build: string;
  /** buildah's own storage: the stand-ins must not take the place of somebody's images. */
  storage: string;
  /** Persistent volumes, shared by all nodes. */
  volumes: string;
  kubeconfig: string;
  /** A resolv.conf for programs that are run in the cluster's network. */
  resolver: string;
  /** Below every hierarchy of cgroups: of this cluster, whatever other one runs on the machine. */
  cgroup: string;
  node(number: number): NodeLayout;
}

/** Folders of one node. */
export interface NodeLayout {
  number: number;
  name: string;
  address: string;
  /** Its pods' addresses. */
  podRange: string;
  folder: string;
  containerd: string;
  kubelet: string;
  logs: string;
  cni: string;
  /** Below every hierarchy of cgroups. */
  cgroup: string;
}

/** Ranges of its own: where the machine itself uses them nothing breaks, as no packet leaves the nodes. */
export const podRanges = '10.89.0.0/16';
export const serviceRange = '10.97.0.0/16';
export const apiServiceAddress = '10.97.0.1';
export const dnsAddress = '10.97.0.10';

/** Inside a node, where it is on a /run of its own. */
export const containerdSocket = '/run/containerd/containerd.sock';

export function layoutOf(state: string): Layout {
  const cgroup = `evenkeel-cluster-${createHash('sha256').update(state).digest('hex').slice(0, 8)}`;
  return {
    state,
    cgroup,
    bin: join(state, 'bin'),
    pki: join(state, 'pki'),
    log: join(state, 'log'),
    pid: join(state, 'pid'),
    etcd: join(state, 'etcd'),
    images: join(state, 'images'),
    build: join(state, 'build'),
    storage: join(state, 'storage'),
    volumes: join(state, 'volumes'),
    kubeconfig: join(state, 'kubeconfig'),
    resolver: join(state, 'resolv.conf'),
    node(number) {
      const folder = join(state, `node${number}`);
      return {
        number,
        name: `node-${number}`,
        address: `172.31.9.${number}`,
        podRange: `10.89.${number}.0/24`,
        folder,
        containerd: join(folder, 'containerd'),
        kubelet: join(folder, 'kubelet'),
        logs: join(folder, 'logs'),
        cni: join(folder, 'cni'),
        cgroup: `${cgroup}/node${number}`,
      };
    },
  };
}
