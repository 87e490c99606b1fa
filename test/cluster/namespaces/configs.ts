/** Files that the parts of Kubernetes read. JSON is YAML too. */
import { containerdSocket, dnsAddress, type Layout, type NodeLayout } from './layout.ts';

export interface Credentials {
  /** PEM */
  ca: string;
  cert: string;
  key: string;
}

export function kubeconfig(server: string, credentials: Credentials): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return json({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'evenkeel', cluster: { server, 'certificate-authority-data': base64(credentials.ca) } }],
    users: [
      {
        name: 'admin',
        user: {
          'client-certificate-data': base64(credentials.cert),
          'client-key-data': base64(credentials.key),
        },
      },
    ],
    contexts: [{ name: 'evenkeel', context: { cluster: 'evenkeel', user: 'admin' } }],
    'current-context': 'evenkeel',
  });
}

/** Each pod has a cable to its node and none to its neighbour: so every packet is routed, and a Service's addresses are rewritten both ways. */
export function podNetwork(node: NodeLayout): string {
  return json({
    cniVersion: '0.4.0',
    name: 'evenkeel-cluster',
    plugins: [
      {
        type: 'ptp',
        ipam: {
          type: 'host-local',
          // Below /run: when the node is switched off, its pods' addresses are free again.
          dataDir: '/run/cni-addresses',
          ranges: [[{ subnet: node.podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

export function containerdConfig(node: NodeLayout, pauseImage: string, cniPlugins: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${node.containerd}"
state = "/run/containerd"
[grpc]
  address = "${containerdSocket}"
[${cri}]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE a container's score cannot be lowered, and would not start.
  restrict_oom_score_adj = true
  [${cri}.cni]
    bin_dir = "${cniPlugins}"
    conf_dir = "${node.cni}"
  [${cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}

export function kubeletConfig(layout: Layout, node: NodeLayout): string {
  return json({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${layout.pki}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    // One for each: a kubelet removes pods that it does not know from below it.
    cgroupRoot: `/${node.cgroup}`,
    podLogsDir: node.logs,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    // The machine's own name servers cannot be reached from inside.
    resolvConf: `${layout.state}/no-name-servers.conf`,
    // All nodes count the machine's whole disk as theirs: a share of it that is used says nothing.
    evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    // An image that is loaded but not used yet must not be taken for rubbish.
    imageGCHighThresholdPercent: 100,
    nodeStatusUpdateFrequency: '4s',
    syncFrequency: '10s',
  });
}

/** How programs run by `exec` find Services by name. */
export function resolverConfig(): string {
  return `nameserver ${dnsAddress}\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
