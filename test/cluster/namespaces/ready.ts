/** When the cluster is ready: by what it does, not by what it says, as that may be from before it was switched off. */
import { isoInstant } from '../../../src/core/clock.ts';
import { output, run, succeeds } from '../run.ts';
import { controlPlane } from './control-plane.ts';
import { type DaemonWait, waitForDaemons } from './daemon.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';
import { nodeDaemons } from './node.ts';

interface NodeObject {
  metadata: { name: string };
  status: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[] };
}

/**
 * Resolves when the node says that it is ready.
 * @param since ms since 1970. What it said earlier does not count.
 */
export async function waitForNode(layout: Layout, number: number, since: number): Promise<void> {
  const { name } = layout.node(number);
  const wait = { daemons: ['kube-apiserver', ...nodeDaemons(number)], what: `${name} to be ready` };
  await waitForDaemons(layout, wait, async () => {
    const { ended, stdout } = await run(kubectl(layout, ['get', 'node', name, '-o', 'json']), { timeout: 10_000 });
    if (ended !== 0) return false;
    return saysReady(JSON.parse(stdout), since);
  });
}

export function saysReady(node: NodeObject, since: number): boolean {
  const ready = node.status.conditions?.find(({ type }) => type === 'Ready');
  // The second is all it says.
  return ready?.status === 'True' && isoInstant(ready.lastHeartbeatTime) >= Math.floor(since / 1000) * 1000;
}

/**
 * Resolves when a Service's name is found by way of DNS's own Service.
 * @param lookup The command that looks it up.
 */
export async function waitForDns(layout: Layout, nodes: number, lookup: readonly string[]): Promise<void> {
  const answers = () => succeeds(lookup, { timeout: 10_000 });
  await waitForDaemons(layout, waitForPods(layout, nodes, 'DNS to answer'), answers);
}

/** Resolves when there are figures of so many nodes. */
export async function waitForMetrics(layout: Layout, nodes: number): Promise<void> {
  const asked = kubectl(layout, ['get', '--raw', '/apis/metrics.k8s.io/v1beta1/nodes']);
  const known = async () => {
    const { ended, stdout } = await run(asked, { timeout: 10_000 });
    return ended === 0 && (JSON.parse(stdout) as { items: unknown[] }).items.length >= nodes;
  };
  await waitForDaemons(layout, waitForPods(layout, nodes, 'metrics-server to have figures of all nodes'), known);
}

/** Needs everything there is. When it takes too long the pods say why, not the daemons. */
function waitForPods(layout: Layout, nodes: number, what: string): DaemonWait {
  const daemons = [...controlPlane, ...Array.from({ length: nodes }, (_, index) => nodeDaemons(index + 1)).flat()];
  const details = async () => {
    const asked = ['-n', 'kube-system', 'get', 'pods,events', '-o', 'wide'];
    return `; logs are in ${layout.log}, and in kube-system there are\n${(await run(kubectl(layout, asked))).stdout}`;
  };
  return { daemons, what, deadline: 300_000, details };
}

/** Forgets nodes that are no more, and their pods with them. */
export async function forgetOtherNodes(layout: Layout, nodes: number): Promise<void> {
  const known = JSON.parse(await output(kubectl(layout, ['get', 'nodes', '-o', 'json']))) as { items: NodeObject[] };
  const wanted = new Set(Array.from({ length: nodes }, (_, index) => layout.node(index + 1).name));
  for (const { metadata } of known.items) {
    if (!wanted.has(metadata.name)) await output(kubectl(layout, ['delete', 'node', metadata.name]));
  }
}
