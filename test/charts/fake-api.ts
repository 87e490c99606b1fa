/** As much of a Kubernetes API server as Helm asks when it looks up objects, for what only a live cluster shows. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** The kinds that it says there are, by group and version. */
const kinds: Record<string, readonly string[]> = {
  v1: ['ConfigMap', 'PersistentVolumeClaim', 'Pod', 'Service', 'ServiceAccount'],
  'apps/v1': ['Deployment', 'StatefulSet'],
  'autoscaling/v2': ['HorizontalPodAutoscaler'],
  'batch/v1': ['Job'],
  'networking.k8s.io/v1': ['NetworkPolicy'],
  'rbac.authorization.k8s.io/v1': ['Role', 'RoleBinding'],
  'policy/v1': ['PodDisruptionBudget'],
};

const groups = Object.keys(kinds)
  .filter((groupVersion) => groupVersion !== 'v1')
  .map((groupVersion) => {
    const [name, version] = groupVersion.split('/');
    return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
  });

const resources: Record<string, unknown> = {
  '/version': { major: '1', minor: '30', gitVersion: 'v1.30.0' },
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', groups },
};
for (const [groupVersion, names] of Object.entries(kinds)) {
  resources[`${groupVersion === 'v1' ? '/api' : '/apis'}/${groupVersion}`] = {
    kind: 'APIResourceList',
    groupVersion,
    resources: names.map((kind) => {
      const singularName = kind.toLowerCase();
      const name = singularName.replace(/y$/, 'ie').concat('s');
      return { name, singularName, namespaced: true, kind, verbs: ['get', 'create'] };
    }),
  };
}

interface Live {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
}

/**
 * Starts one that has these Deployments in every namespace, by name, and these other objects. Gives the environment for Helm
 * to reach it.
 */
export async function fakeApi(
  test: Pick<TestContext, 'after'>,
  deployments: Record<string, { annotations?: Record<string, string>; replicas: number }>,
  others: readonly Live[] = [],
): Promise<Record<string, string>> {
  const objects = [
    ...Object.entries(deployments).map(([name, { annotations = {}, replicas }]) => {
      return { kind: 'Deployment', metadata: { name, annotations }, spec: { replicas } };
    }),
    ...others,
  ];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]!;
    const [, group, plural, name] = /^\/apis?\/(.+)\/namespaces\/[^/]+\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const live = objects.find(({ kind, metadata }) => `${kind.toLowerCase()}s` === plural && metadata.name === name);
    const found = live === undefined ? resources[path] : { apiVersion: group, ...live };
    const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? missing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-api-'));
  test.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'nobody' } }],
    'current-context': 'fake',
  };
  const KUBECONFIG = join(folder, 'config');
  await writeFile(KUBECONFIG, JSON.stringify(config));
  return { KUBECONFIG, HELM_CACHE_HOME: folder, HOME: folder, NO_PROXY: '127.0.0.1' };
}
