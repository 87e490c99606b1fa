/** Services, pods behind them, and slices that are written by hand. */
import { image } from '../support/images.ts';
import { list } from '../support/kubectl.ts';
import type { Pod } from '../support/pod.ts';

const label = 'evenkeel.dev/test';
const port = 7_000;

/** @param selects Whether pods stand behind it. Else its slices are written by hand. Default true. */
export function service(name: string, selects = true): object {
  const selector = selects ? { selector: { [label]: name } } : {};
  const ports = [{ name: 'rpc', port, targetPort: selects ? 'rpc' : port }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { clusterIP: 'None', ...selector, ports } };
}

export function slice(of: string, name: string, endpoints: readonly object[], more: object = {}): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    ports: [{ name: 'rpc', port, protocol: 'TCP' }],
    endpoints,
    ...more,
  };
}

/**
 * Ready while there is /tmp/ready, or at once; after SIGTERM it lives on for 15 s, and is as ready as before. That is long
 * enough to be looked at meanwhile.
 */
const program = `
  const { existsSync } = require('node:fs');
  require('node:http').createServer((_, response) => {
    response.statusCode = process.env.READY === 'yes' || existsSync('/tmp/ready') ? 200 : 503;
    response.end();
  }).listen(${port});
  process.on('SIGTERM', () => setTimeout(() => process.exit(), 15_000));`;

function podSpec(ready: boolean): object {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 30,
    securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'pod',
        image,
        command: ['node', '-e', program],
        env: [{ name: 'READY', value: ready ? 'yes' : 'no' }],
        ports: [{ name: 'rpc', containerPort: port }],
        readinessProbe: { httpGet: { port: 'rpc' }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 5 },
        resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '128Mi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  };
}

/** A pod behind a service, ready from when `touch /tmp/ready` is run in it. */
export function pod(of: string, name: string): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { [label]: of } }, spec: podSpec(false) };
}

/** Pods behind a service, ready at once. */
export function deployment(of: string, replicas: number): object {
  const labels = { [label]: of };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: of },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(true) } },
  };
}

export interface Listed {
  host: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

/** What the slices of a service say, by address. */
export async function listed(namespace: string, of: string): Promise<Listed[]> {
  const slices = await list<Slice>(namespace, 'endpointslices', `kubernetes.io/service-name=${of}`);
  return slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .map(({ addresses: [host], conditions: { ready, serving, terminating } }) => ({
      host: host!,
      ready,
      serving,
      terminating,
    }));
}

interface Slice {
  endpoints?: { addresses: string[]; conditions: Omit<Listed, 'host'> }[] | null;
}

/** The pods behind a service, those that end too. */
export function pods(namespace: string, of: string): Promise<Pod[]> {
  return list<Pod>(namespace, 'pods', `${label}=${of}`);
}
