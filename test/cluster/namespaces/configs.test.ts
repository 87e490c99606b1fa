import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerdConfig, kubeconfig, kubeletConfig, podNetwork, resolverConfig } from './configs.ts';
import { apiServiceAddress, dnsAddress, layoutOf, podRanges, serviceRange } from './layout.ts';

const layout = layoutOf('/srv/cluster');
const node = layout.node(2);

test('what makes one node differ from another, and one cluster', () => {
  assert.deepEqual([node.name, node.address, node.podRange], ['node-2', '172.31.9.2', '10.89.2.0/24']);
  assert.equal(node.folder, '/srv/cluster/node2');
  assert.match(node.cgroup, /^evenkeel-cluster-[0-9a-f]{8}\/node2$/);
  assert.notEqual(node.cgroup, layoutOf('/srv/other').node(2).cgroup);
});

test('addresses lie in their ranges', () => {
  const begin = (range: string) => range.split('.').slice(0, 2).join('.');
  assert.equal(begin(node.podRange), begin(podRanges));
  for (const address of [apiServiceAddress, dnsAddress]) assert.equal(begin(address), begin(serviceRange));
});

test('kubeconfig', () => {
  const made = JSON.parse(kubeconfig('https://172.31.9.1:6443', { ca: 'CA', cert: 'CERT', key: 'KEY' }));
  assert.equal(made['current-context'], made.contexts[0].name);
  assert.deepEqual(made.contexts[0].context, { cluster: made.clusters[0].name, user: made.users[0].name });
  const ca = Buffer.from('CA').toString('base64');
  assert.deepEqual(made.clusters[0].cluster, { server: 'https://172.31.9.1:6443', 'certificate-authority-data': ca });
  assert.equal(Buffer.from(made.users[0].user['client-key-data'], 'base64').toString(), 'KEY');
});

test("kubelets do not touch each other's pods", () => {
  const [one, two] = [1, 2].map((number) => JSON.parse(kubeletConfig(layout, layout.node(number))));
  assert.equal(two.cgroupRoot, `/${node.cgroup}`);
  for (const own of ['cgroupRoot', 'podLogsDir']) assert.notEqual(one[own], two[own]);
  assert.deepEqual(two.clusterDNS, [dnsAddress]);
});

test('pods of a node have addresses of its range, which are free again when it is switched off', () => {
  const [bridge] = JSON.parse(podNetwork(node)).plugins;
  assert.deepEqual(bridge.ipam.ranges, [[{ subnet: '10.89.2.0/24' }]]);
  assert.match(bridge.ipam.dataDir, /^\/run\//);
});

test('containerd keeps its images below the state folder, and the rest on a /run of its own', () => {
  const text = containerdConfig(node, 'registry.example/pause:1', '/opt/cni/bin');
  const lines = ['root = "/srv/cluster/node2/containerd"', 'state = "/run/containerd"'];
  lines.push('sandbox_image = "registry.example/pause:1"', 'bin_dir = "/opt/cni/bin"');
  lines.push('conf_dir = "/srv/cluster/node2/cni"', 'restrict_oom_score_adj = true');
  for (const line of lines)
    assert.ok(
      text.split('\n').some((known) => known.trim() === line),
      line,
    );
});

test('names of Services are found from outside as from a pod of the default namespace', () => {
  assert.equal(
    resolverConfig(),
    'nameserver 10.97.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  );
});
