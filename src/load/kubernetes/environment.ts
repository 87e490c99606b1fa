import { readFileSync } from 'node:fs';
import { ownFile } from '../own-file.ts';
import type { Facts } from './facts.ts';
import type { Node, PodSpec } from './objects.ts';
import { replicasOf, type Site } from './site.ts';

/** What a reader must know to compare figures of two runs. */
export async function environmentOf(site: Site, facts: Facts): Promise<Record<string, string>> {
  const { release, zookeeper, autoscaler } = site;
  const { gitVersion } = await site.api.read<{ gitVersion: string }>('/version');
  const path = ownFile('../../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  const server = site.deployment('server').spec.template.spec;
  const gateway = site.deployment('gateway');
  return {
    evenkeel: version,
    Kubernetes: gitVersion,
    release: `${release.name} in the namespace ${release.namespace}`,
    nodes: facts.nodes === undefined ? 'unknown: the load test may not read nodes' : nodesInWords(facts.nodes),
    image: mainOf(server).image,
    server: resourcesInWords(server),
    processes: settingOf(server, 'EVENKEEL_PROCESSES') ?? '1',
    autoscaler:
      autoscaler === undefined
        ? 'none'
        : `${autoscaler.spec.minReplicas ?? 1} to ${autoscaler.spec.maxReplicas} servers${targetsOf(autoscaler.spec.metrics)}`,
    gateways: `${replicasOf(gateway)}, ${resourcesInWords(gateway.spec.template.spec)}`,
    ZooKeeper:
      zookeeper === undefined
        ? 'not of the release'
        : `${mainOf(zookeeper.spec.template.spec).image}, ${plural(replicasOf(zookeeper), 'member')}`,
    'Node of the load test': process.version,
  };
}

/** `2 x Debian 12, Linux 6.1 amd64, containerd 1.7, 2 CPUs, 8 GiB`: those that are alike together. */
function nodesInWords(found: readonly Node[]): string {
  const kinds = Map.groupBy(found, nodeInWords);
  return [...kinds].map(([words, group]) => `${group.length} x ${words}`).join('; ');
}

function nodeInWords({ status = {} }: Node): string {
  const { osImage, kernelVersion, containerRuntimeVersion, architecture } = status.nodeInfo ?? {};
  const { cpu, memory } = status.capacity ?? {};
  const kibibytes = /^(\d+)Ki$/.exec(memory ?? '')?.[1];
  const size = kibibytes === undefined ? memory : `${Math.round(Number(kibibytes) / 2 ** 20)} GiB`;
  const linux = kernelVersion === undefined ? undefined : `Linux ${kernelVersion} ${architecture ?? ''}`.trim();
  return [osImage, linux, containerRuntimeVersion?.replace('://', ' '), cpu && plural(Number(cpu), 'CPU'), size]
    .filter((word) => word !== undefined && word !== '')
    .join(', ');
}

function resourcesInWords(spec: PodSpec): string {
  const { requests = {}, limits = {} } = mainOf(spec).resources ?? {};
  const words = (of: Readonly<Record<string, string>>) =>
    ['cpu', 'memory'].flatMap((name) => (of[name] === undefined ? [] : [`${name} ${of[name]}`])).join(', ') || 'none';
  return `requests ${words(requests)}; limits ${words(limits)}`;
}

function mainOf({ containers }: PodSpec) {
  return containers[0]!;
}

function settingOf(spec: PodSpec, name: string): string | undefined {
  return mainOf(spec).env?.find((entry) => entry.name === name)?.value;
}

function targetsOf(metrics: NonNullable<Site['autoscaler']>['spec']['metrics'] = []): string {
  const targets = metrics.flatMap(({ resource }) => {
    const { averageUtilization, averageValue } = resource?.target ?? {};
    if (resource === undefined) return [];
    return [
      `${resource.name} ${averageUtilization === undefined ? averageValue : `${averageUtilization} % of what is requested`}`,
    ];
  });
  return targets.length === 0 ? '' : `, by ${targets.join(', ')}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
