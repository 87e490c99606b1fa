/** What is done to a release, each with the proof that it happened. */
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/core/clock.ts';
import { until } from '../../support/until.ts';
import type { Part, Values } from '../support/helm.ts';
import { exec, kubectl } from '../support/kubectl.ts';
import type { PodLife } from './pod-watch.ts';
import type { Scene } from './scene.ts';

/** `kubectl scale`, as an operator does it, and waits until so many are ready and the others gone. */
export async function scale({ release, pods }: Scene, replicas: number): Promise<void> {
  const name = `deployment/${release.object('server')}`;
  await kubectl(['scale', name, '--namespace', release.namespace, `--replicas=${replicas}`]);
  await pods.settled('server', replicas);
}

/** Changes values of the release, and waits until every pod of these parts has been replaced. */
export async function upgrade({ release, pods }: Scene, values: Values, replaced: readonly Part[]): Promise<string> {
  const since = systemClock.wallTime();
  const before = replaced.map((part) => pods.ready(part));
  await release.upgrade(values);
  for (const [index, part] of replaced.entries()) await pods.settled(part, before[index]!.length);
  return replaced
    .map((part, index) => {
      const old = before[index]!;
      assert.ok(
        old.every(({ goneAt }) => goneAt !== undefined),
        `every pod of ${part} was replaced`,
      );
      return `${part}: ${old.length} pods replaced, never less than ${pods.fewestReady(part, since)} ready`;
    })
    .join('; ');
}

/** `kubectl rollout restart`. */
export async function restart({ release, pods }: Scene, part: 'server' | 'gateway'): Promise<string> {
  const since = systemClock.wallTime();
  const old = pods.ready(part);
  const name = `deployment/${release.object(part)}`;
  await kubectl(['rollout', 'restart', name, '--namespace', release.namespace]);
  await until(() => old.every(({ goneAt }) => goneAt !== undefined), `every pod of ${part} to be gone`, 180_000);
  await pods.settled(part, old.length);
  return `${old.length} pods replaced, never less than ${pods.fewestReady(part, since)} ready`;
}

/** `kubectl drain`, and uncordon when all that was there runs elsewhere. */
export async function drain(scene: Scene, node: string, ours: boolean): Promise<string> {
  const { release, pods } = scene;
  const since = systemClock.wallTime();
  const parts = ['zookeeper', 'server', 'gateway'] as const;
  const there = parts.flatMap((part) => pods.ready(part).filter((pod) => pod.node === node));
  const counts = parts.map((part) => pods.ready(part).length);
  assert.ok(there.length > 0, `pods of the release run on ${node}`);
  // Of a cluster that others use as well, only our own pods are moved.
  const selector = ours ? [] : ['--pod-selector', `app.kubernetes.io/instance=${release.name}`];
  try {
    const how = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=240s', ...selector];
    await kubectl(['drain', node, ...how], { deadline: 250_000 });
    for (const [index, part] of parts.entries()) await pods.settled(part, counts[index]!);
  } finally {
    await kubectl(['uncordon', node]);
  }
  for (const pod of there) assert.ok(pod.goneAt !== undefined, `${pod.name} left ${node}`);
  const fewest = parts.map((part, index) => `${part} ${pods.fewestReady(part, since)} of ${counts[index]}`);
  return `${there.length} pods evicted; fewest ready: ${fewest.join(', ')}`;
}

/** Deletes pods of ZooKeeper, as `kubectl delete pod` does it, and waits until others stand in their place. */
export async function deleteZooKeeper({ release, pods }: Scene, victims: readonly PodLife[]): Promise<void> {
  const size = pods.ready('zookeeper').length;
  const names = victims.map(({ name }) => name);
  // To wait is the watch's: kubectl may miss that a pod went where another of its name comes at once.
  await kubectl(['delete', 'pods', ...names, '--namespace', release.namespace, '--wait=false']);
  await until(() => victims.every(({ goneAt }) => goneAt !== undefined), `${names.join(', ')} to be gone`);
  await pods.settled('zookeeper', size);
}

/** The member of ZooKeeper that leads. */
export async function leader({ release, pods }: Scene): Promise<PodLife> {
  const ask = ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/2181; printf srvr >&3; cat <&3'];
  return until(
    async () => {
      for (const pod of pods.ready('zookeeper')) {
        const answer = await exec(release.namespace, pod.name, ask).catch(() => '');
        if (/^Mode: leader$/m.test(answer)) return pod;
      }
      return undefined;
    },
    'a member of ZooKeeper that leads',
    60_000,
  );
}
