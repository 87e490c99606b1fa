import type { Api } from './api.ts';
import { deployments, labels, type Service, selectorOf, services, statefulSets, type Workload } from './objects.ts';

/** What a release of the chart is made of, by name. */
export interface Release {
  name: string;
  namespace: string;
  /** Deployments. */
  server: string;
  gateway: string;
  /** StatefulSet; undefined where it does not bring its own ZooKeeper. */
  zookeeper: string | undefined;
  /** Services; undefined where servers have none. */
  services: { server: string | undefined; gateway: string };
  /** Base URL of the gateways' Service, by its address: names are not the same everywhere. */
  gatewayUrl: string;
  /** Addresses of Services in the namespace by their names. */
  addresses: ReadonlyMap<string, string>;
}

/** Finds a release by its name, or the only one that there is. Rejects with a sentence that lists what there is. */
export async function findRelease(api: Api, name: string | undefined): Promise<Release> {
  const { namespace } = api;
  const found = (await api.list(deployments, { selector: `${labels.partOf}=evenkeel` })).items;
  const names = [...new Set(found.flatMap((object) => releaseOf(object) ?? []))].sort();
  const chosen = name ?? (names.length === 1 ? names[0]! : undefined);
  if (chosen === undefined) {
    const there = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}: say which`;
    throw new Error(`no release of evenkeel was named, and in the namespace ${namespace} ${there}`);
  }
  if (!names.includes(chosen)) {
    const there = names.length === 0 ? 'there is none at all' : `there is ${names.join(', ')}`;
    throw new Error(`there is no release ${chosen} of evenkeel in the namespace ${namespace}; ${there}`);
  }
  const own = found.filter((object) => releaseOf(object) === chosen);
  const sets = (await api.list(statefulSets, { selector: selectorOf(chosen) })).items;
  const there = (await api.list(services)).items;
  const ofServers = there.find((object) => releaseOf(object) === chosen && componentOf(object) === 'server');
  const ofGateways = gatewayService(there, chosen, namespace);
  return {
    name: chosen,
    namespace,
    server: part(own, 'server', chosen, namespace),
    gateway: part(own, 'gateway', chosen, namespace),
    zookeeper: sets.find((object) => componentOf(object) === 'zookeeper')?.metadata.name,
    services: { server: ofServers?.metadata.name, gateway: ofGateways.name },
    gatewayUrl: ofGateways.url,
    addresses: new Map(
      there.flatMap(({ metadata, spec }) =>
        isAddress(spec.clusterIP) ? [[metadata.name, spec.clusterIP] as const] : [],
      ),
    ),
  };
}

function part(found: readonly Workload[], component: string, release: string, namespace: string): string {
  const name = found.find((object) => componentOf(object) === component)?.metadata.name;
  if (name === undefined) {
    throw new Error(`the release ${release} in the namespace ${namespace} has no Deployment of a ${component}`);
  }
  return name;
}

/** The one that callers come by: others have no address of their own. */
function gatewayService(found: readonly Service[], release: string, namespace: string): { name: string; url: string } {
  const service = found.find(
    (object) => releaseOf(object) === release && componentOf(object) === 'gateway' && isAddress(object.spec.clusterIP),
  );
  const port = service?.spec.ports?.find(({ name }) => name === 'http')?.port;
  if (service === undefined || port === undefined) {
    throw new Error(
      `the release ${release} in the namespace ${namespace} has no Service of its gateways with a port named http`,
    );
  }
  const address = service.spec.clusterIP!;
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  return { name: service.metadata.name, url };
}

function isAddress(clusterIP: string | undefined): clusterIP is string {
  return clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None';
}

/** Undefined where it is no part of the chart. */
function releaseOf({ metadata }: Workload | Service): string | undefined {
  return metadata.labels?.[labels.partOf] === 'evenkeel' ? metadata.labels[labels.release] : undefined;
}

function componentOf({ metadata }: Workload | Service): string | undefined {
  return metadata.labels?.[labels.component];
}
