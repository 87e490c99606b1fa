/** Kinds that the charts use on request, and that a cluster need not have: those of the Gateway API and of Prometheus' operator. */
import type { TestContext } from 'node:test';
import { apply, kubectl } from '../support/kubectl.ts';
import { label } from '../support/namespace.ts';

export const foreignKinds = [
  { group: 'gateway.networking.k8s.io', version: 'v1', kind: 'HTTPRoute', plural: 'httproutes' },
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'ServiceMonitor', plural: 'servicemonitors' },
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'PrometheusRule', plural: 'prometheusrules' },
];

/**
 * Gives the cluster those of them that it lacks, for the time of the test. They check no more than that an object is one: what it
 * says is checked where the cluster has the real ones.
 */
export async function withForeignKinds(test: TestContext): Promise<void> {
  const there = (await kubectl(['get', 'crd', '--output', 'name'])).split('\n');
  const nameOf = ({ plural, group }: (typeof foreignKinds)[number]) => `${plural}.${group}`;
  const missing = foreignKinds.filter(
    (kind) => !there.includes(`customresourcedefinition.apiextensions.k8s.io/${nameOf(kind)}`),
  );
  if (missing.length === 0) return;
  const names = missing.map(nameOf);
  test.diagnostic(`this cluster lacks ${names.join(', ')}: stand-ins check no more than names and kinds`);
  test.after(() => kubectl(['delete', 'crd', ...names, '--ignore-not-found', '--timeout=60s'], { deadline: 70_000 }));
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  };
  await apply(
    'default',
    missing.map((kind) => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: nameOf(kind),
        labels: { [label]: 'true' },
        annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in for a test' },
      },
      spec: {
        group: kind.group,
        scope: 'Namespaced',
        names: { kind: kind.kind, plural: kind.plural, singular: kind.kind.toLowerCase() },
        versions: [{ name: kind.version, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    })),
  );
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names.map((name) => `crd/${name}`)], {
    deadline: 70_000,
  });
}
