/** A namespace for a test: fresh, with the strictest pod security, and gone afterwards. */
import type { TestContext } from 'node:test';
import { attempt } from './command.ts';
import { kubectl, kubectlJson } from './kubectl.ts';

/** By this label what a test that was killed has left can be found, and deleted. */
export const label = 'evenkeel.dev/e2e';

/** Begins the names of all namespaces. Two runs in one cluster do not meet: the API server adds letters of its own. */
const prefix = process.env.EVENKEEL_E2E_PREFIX ?? 'e2e';

/**
 * Makes a namespace whose name has `purpose` in it, and gives its name. When the test is over it is deleted, with its
 * volumes; when the test has failed, what helps to see why is printed before.
 */
export async function freshNamespace(test: TestContext, purpose: string): Promise<string> {
  const input = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      generateName: `${prefix}-${purpose}-`,
      labels: { [label]: 'true', 'pod-security.kubernetes.io/enforce': 'restricted' },
    },
  });
  const made = await kubectl(['create', '--filename', '-', '--output', 'name'], { input });
  const name = made.trim().replace('namespace/', '');
  let described = false;
  const describeOnce = async ({ passed }: { readonly passed: boolean }) => {
    if (passed || described) return;
    described = true;
    await describeNamespace(name);
  };
  // After the first part that fails, while all is as it was then; the test itself knows of it only later.
  test.afterEach((part) => describeOnce(part as TestContext));
  test.after(async () => {
    await describeOnce(test);
    await deleteNamespace(name);
  });
  return name;
}

/**
 * Deletes a namespace and the volumes that were bound in it, whatever the storage class would do with them. Resolves when
 * pods and volumes are gone: the empty namespace follows some seconds later.
 */
export async function deleteNamespace(name: string): Promise<void> {
  const volumes = (await kubectlJson<VolumeList>(['get', 'persistentvolumes'])).items
    .filter(({ spec }) => spec.claimRef?.namespace === name)
    .map(({ metadata }) => metadata.name);
  // From here on nothing new is made in it, and nothing that is in it is worth a graceful end.
  await kubectl(['delete', 'namespace', name, '--wait=false']);
  const within = { deadline: 120_000 };
  await kubectl(['delete', 'pods', '--all', '--namespace', name, '--grace-period=1', '--timeout=110s'], within);
  if (volumes.length === 0) return;
  await kubectl(['delete', 'pvc', '--all', '--namespace', name, '--timeout=110s'], within);
  await kubectl(['delete', 'persistentvolumes', ...volumes, '--ignore-not-found', '--timeout=110s'], within);
}

interface VolumeList {
  items: { metadata: { name: string }; spec: { claimRef?: { namespace: string } } }[];
}

/** Prints pods, events and the end of each log. Never fails: it is for a test that has failed already. */
export async function describeNamespace(name: string): Promise<void> {
  const show = async (title: string, args: readonly string[]) => {
    const { stdout, stderr } = await attempt('kubectl', [...args, '--namespace', name]).catch((cause) => ({
      stdout: '',
      stderr: String(cause),
    }));
    // A container that was never restarted has no log from before.
    if (!/previous terminated container .* not found/.test(stderr)) {
      console.error(`--- ${name}: ${title}\n${stdout}${stderr}`.trimEnd());
    }
    return stdout;
  };
  await show('workloads', ['get', 'all,pvc', '--output', 'wide']);
  await show('events', ['get', 'events', '--sort-by=.lastTimestamp']);
  const pods = await show('pods', ['get', 'pods', '--output', 'name']);
  for (const pod of pods.split('\n').filter((line) => line !== '')) {
    await show(`log of ${pod}`, ['logs', pod, '--all-containers', '--prefix', '--tail=25']);
    await show(`log before a restart of ${pod}`, ['logs', pod, '--all-containers', '--previous', '--tail=15']);
  }
}
