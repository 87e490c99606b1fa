/** Service accounts in the cluster, and registries that use their tokens and nothing else, as in a pod. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Cluster, KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { kubernetesRegistry } from '../../../src/registry/kubernetes/kubernetes.ts';
import { readKubernetesUrl } from '../../../src/registry/kubernetes/url.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { chartFolder } from '../support/helm.ts';
import { apply, kubectl } from '../support/kubectl.ts';

/** What the chart allows a gateway whose registry is Kubernetes. */
export async function chartRules(): Promise<object[]> {
  const template = await readFile(`${chartFolder('gateway')}/templates/rbac.yaml`, 'utf8');
  const rules = /^rules:\n(?: .*\n)+/m.exec(template)?.[0];
  if (rules === undefined) throw new Error('the chart gives a gateway no rules');
  return (parse(rules) as { rules: object[] }).rules;
}

export interface Account {
  readonly name: string;
  /** The API server as in KUBECONFIG, and the account's token. */
  readonly configure: (config: KubeConfig) => void;
  /**
   * A registry that is closed after the test.
   *
   * @param at where the API server is, `HOST:PORT`, if it is reached by a detour: then its certificate is not looked at
   */
  open(service: string, at?: string): Registry;
  /** Gives it rights in its namespace. */
  allow(rules: readonly object[]): Promise<void>;
  /** A new token, in the file of the old one. */
  renew(): Promise<void>;
  /** Deletes and makes it again: its token is no longer taken. */
  replace(): Promise<void>;
}

/** The one that KUBECONFIG names. */
export function apiServer(): Cluster {
  const config = new KubeConfig();
  config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('KUBECONFIG names no cluster');
  return cluster;
}

/** A service account without any right. */
export async function account(test: TestContext, namespace: string, name: string): Promise<Account> {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-account-'));
  const tokenFile = join(folder, 'token');
  const opened: Registry[] = [];
  test.after(async () => {
    for (const registry of opened) await registry.close();
    await rm(folder, { recursive: true });
  });
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
  const user = { name, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  const configure = (config: KubeConfig) => config.loadFromClusterAndUser(apiServer(), user);
  const made: Account = {
    name,
    configure,
    open(service, at) {
      const detour = (config: KubeConfig) =>
        config.loadFromClusterAndUser({ name: 'detour', server: `https://${at}`, skipTLSVerify: true }, user);
      const options = { clock: systemClock, random: systemRandom, log: silentLog };
      const registry = kubernetesRegistry(
        readKubernetesUrl(`//${namespace}/${service}`),
        options,
        at === undefined ? configure : detour,
      );
      opened.push(registry);
      return registry;
    },
    async allow(rules) {
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
      const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name } };
      await apply(namespace, [
        { ...rbac, kind: 'Role', rules },
        { ...rbac, kind: 'RoleBinding', roleRef, subjects: [{ kind: 'ServiceAccount', name, namespace }] },
      ]);
    },
    async renew() {
      await writeFile(tokenFile, (await kubectl(['create', 'token', name, '--namespace', namespace])).trim());
    },
    async replace() {
      await kubectl(['delete', 'serviceaccount', name, '--namespace', namespace]);
      await apply(namespace, [object]);
    },
  };
  await apply(namespace, [object]);
  await made.renew();
  return made;
}
