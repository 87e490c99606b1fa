/** What holds for every pod and every object, whatever the values. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Command, Option } from 'commander';
import { gatewayCommand } from '../../src/cli/gateway.ts';
import { ledgerCommand } from '../../src/cli/ledger.ts';
import { loadtestCommand } from '../../src/cli/loadtest.ts';
import { serveCommand } from '../../src/cli/serve.ts';
import {
  type Container,
  chart,
  envOf,
  lint,
  namespace,
  parts,
  type Rendered,
  render,
  selects,
  withHelm,
} from './support.ts';

/** Those that come along for users. */
const offered = globSync('values-*.yaml', { cwd: chart }).sort();
const umbrella = [...offered, ...globSync('ci/*.yaml', { cwd: chart }).sort()];

/** Name, and how to render it. */
const cases: [name: string, given: Parameters<typeof render>[0]][] = [
  ['values.yaml', {}],
  ...umbrella.map((file): (typeof cases)[number] => [file, { files: [file] }]),
  ...parts.map((part): (typeof cases)[number] => [`${part} alone`, { part, files: ['ci/alone-values.yaml'] }]),
];

withHelm('helm lint', () => {
  it('finds nothing in the chart', async () => {
    await lint(
      chart,
      offered.map((file) => `${chart}/${file}`),
    );
  });
  for (const part of parts) {
    const folder = `${chart}/charts/${part}`;
    it(`finds nothing in ${part} alone`, async () => void (await lint(folder, [`${folder}/ci/alone-values.yaml`])));
  }
});

withHelm('rendered charts', () => {
  for (const [name, given] of cases) describe(basename(name), () => holds(() => render(given)));
});

function holds(load: () => Promise<Rendered>): void {
  let rendered: Rendered;
  before(async () => {
    rendered = await load();
  });

  it('has pods that pass Pod Security "restricted"', () => {
    assert.ok(rendered.pods.length > 0);
    for (const { owner, spec } of rendered.pods) {
      const where = `${owner.kind} ${owner.metadata.name}`;
      const { securityContext } = spec;
      assert.equal(securityContext.runAsNonRoot, true, where);
      assert.ok((securityContext.runAsUser as number) > 0, where);
      assert.deepEqual(securityContext.seccompProfile, { type: 'RuntimeDefault' }, where);
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        assert.deepEqual(
          container.securityContext,
          { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          where,
        );
      }
      const kinds = (spec.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'));
      for (const kind of kinds)
        assert.ok(['emptyDir', 'configMap', 'secret', 'persistentVolumeClaim'].includes(kind), `${where}: ${kind}`);
    }
  });

  it('mounts no token where none is needed, and has no service links', () => {
    for (const { owner, spec } of rendered.pods) {
      const bound = rendered.ofKind('RoleBinding').flatMap((binding) => binding.subjects ?? []);
      const needed = bound.some(({ name }) => name === spec.serviceAccountName);
      assert.equal(spec.automountServiceAccountToken, needed, owner.metadata.name);
      assert.equal(spec.enableServiceLinks, false, owner.metadata.name);
    }
    for (const account of rendered.ofKind('ServiceAccount')) assert.equal(account.automountServiceAccountToken, false);
  });

  it('has requests and memory limits for every container', () => {
    for (const { spec } of rendered.pods) {
      for (const { resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
        assert.ok(resources.requests?.cpu && resources.requests.memory && resources.limits?.memory);
      }
    }
  });

  it('has every mounted volume, and every account', () => {
    for (const { owner, spec } of rendered.pods) {
      const claims = ((owner.spec.volumeClaimTemplates ?? []) as { metadata: { name: string } }[]).map(
        (c) => c.metadata.name,
      );
      const volumes = [...(spec.volumes ?? []).map(({ name }) => name), ...claims];
      for (const { volumeMounts = [] } of [...spec.containers, ...(spec.initContainers ?? [])]) {
        for (const { name } of volumeMounts) assert.ok(volumes.includes(name), `${owner.metadata.name}: ${name}`);
      }
      assert.equal(new Set(volumes).size, volumes.length);
      const account = spec.serviceAccountName;
      if (account !== undefined) rendered.get('ServiceAccount', account);
      for (const volume of spec.volumes ?? []) {
        const name = (volume.configMap as { name?: string } | undefined)?.name;
        if (name !== undefined) rendered.get('ConfigMap', name);
      }
    }
  });

  it('has selectors that match pods, and only those of their own component', () => {
    const pods = rendered.pods;
    const matched = (selector: Record<string, string>) => pods.filter(({ labels }) => selects(selector, labels));
    for (const { owner, labels, spec } of pods) {
      const own = owner.spec.selector?.matchLabels as Record<string, string> | undefined;
      if (own !== undefined) assert.deepEqual(matched(own), [pods.find((pod) => pod.owner === owner)]);
      for (const { labelSelector, whenUnsatisfiable } of spec.topologySpreadConstraints ?? []) {
        assert.ok(selects(labelSelector.matchLabels, labels), owner.metadata.name);
        assert.equal(whenUnsatisfiable, 'ScheduleAnyway');
      }
      // Without labels for zones, spreading by constraints that name one does nothing at all.
      if (!['Deployment', 'StatefulSet'].includes(owner.kind)) continue;
      const apart = spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const terms = apart.map(({ podAffinityTerm }) => podAffinityTerm);
      assert.deepEqual(
        terms.map(({ topologyKey, labelSelector }) => [topologyKey, matched(labelSelector.matchLabels).length]),
        [['kubernetes.io/hostname', 1]],
        owner.metadata.name,
      );
      assert.ok(selects(terms[0]!.labelSelector.matchLabels, labels), owner.metadata.name);
    }
    for (const { metadata, spec } of rendered.ofKind('Service')) {
      const found = matched(spec.selector);
      assert.equal(found.length, 1, metadata.name);
      const names = found[0]!.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name));
      for (const { targetPort } of spec.ports) assert.ok(names.includes(targetPort), `${metadata.name}: ${targetPort}`);
    }
    for (const kind of ['PodDisruptionBudget', 'NetworkPolicy']) {
      for (const { metadata, spec } of rendered.ofKind(kind)) {
        const found = matched((spec.selector ?? spec.podSelector).matchLabels);
        assert.equal(new Set(found.map(({ labels }) => labels['app.kubernetes.io/component'])).size, 1, metadata.name);
      }
    }
    for (const { spec } of rendered.ofKind('HorizontalPodAutoscaler'))
      rendered.get('Deployment', spec.scaleTargetRef.name);
    for (const { spec } of rendered.ofKind('ServiceMonitor')) {
      const services = rendered
        .ofKind('Service')
        .filter((s) => selects(spec.selector.matchLabels, s.metadata.labels ?? {}));
      assert.equal(services.length, 1);
      assert.ok(services[0]!.spec.ports.some((port: { name: string }) => port.name === spec.endpoints[0].port));
    }
  });

  it('gives each object a name of its own, a namespace, and labels', () => {
    const names = rendered.objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
    assert.equal(new Set(names).size, names.length, names.join());
    for (const { kind, metadata } of rendered.objects) {
      if (metadata.name.endsWith('-extra')) continue;
      assert.equal(metadata.namespace === undefined, kind.startsWith('ClusterRole'), `${kind} ${metadata.name}`);
      assert.equal(metadata.labels?.['app.kubernetes.io/part-of'], 'evenkeel');
      assert.ok(metadata.name.length <= 63);
    }
  });

  it('has a policy for every pod', () => {
    for (const { labels, owner } of rendered.pods) {
      const found = rendered
        .ofKind('NetworkPolicy')
        .filter(({ spec }) => selects(spec.podSelector.matchLabels, labels));
      assert.ok(found.length > 0, owner.metadata.name);
      for (const { spec } of found) assert.ok(spec.policyTypes.includes('Ingress'));
    }
  });

  it('sets only variables that the commands take', () => {
    for (const { spec } of rendered.pods) {
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        const command = commandOf(container);
        if (command === undefined) continue;
        // The secret is no option, and the folder of what calls did is for the module.
        const others = ['EVENKEEL_REGISTRY_AUTH_FILE', 'EVENKEEL_LEDGER'];
        const taken = [...others, ...command.options.map(({ envVar }) => envVar)];
        for (const name of Object.keys(envOf(container)).filter((each) => each.startsWith('EVENKEEL_'))) {
          assert.ok(taken.includes(name), name);
        }
      }
    }
  });

  it('gives the commands values that they take', () => {
    for (const { spec } of rendered.pods) {
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) checkValues(container);
    }
  });
}

/** The command of ours that it runs. */
function commandOf({ args: [name = '', part] = [] }: Container): Command | undefined {
  const made = { serve: serveCommand, gateway: gatewayCommand, ledger: ledgerCommand, loadtest: loadtestCommand }[name];
  return name === 'loadtest' ? made?.().commands.find((each) => each.name() === part) : made?.();
}

/** Parses every flag and variable as the command itself would. */
function checkValues(container: Container): void {
  const command = commandOf(container);
  if (command === undefined) return;
  const env = envOf(container);
  const { args = [] } = container;
  for (const [place, flag] of args.entries()) {
    if (!flag.startsWith('--')) continue;
    const option: Option | undefined = command.options.find(({ long }) => long === flag);
    assert.ok(option, flag);
    option.parseArg?.(args[place + 1]!, undefined as never);
  }
  for (const option of command.options) {
    const value = option.envVar === undefined ? undefined : env[option.envVar];
    if (value !== undefined) option.parseArg?.(value, undefined as never);
  }
}

withHelm('values reach the commands', () => {
  it('every option of serve and of gateway can be set by a value', async () => {
    const rendered = await render({
      set: [
        'server.handlerTimeout=7s',
        'gateway.rpc.enabled=true',
        'gateway.serviceName=pi',
        'gateway.webhook.url=http://x',
      ],
    });
    for (const [name, command] of [
      ['shop-server', serveCommand()],
      ['shop-gateway', gatewayCommand()],
    ] as const) {
      const set = (rendered.container('Deployment', name).env ?? []).map((each) => each.name);
      // The pod's address is what a server announces, by POD_IP.
      const variables = command.options.map(({ envVar }) => envVar).filter((each) => each !== 'EVENKEEL_ADVERTISE');
      assert.deepEqual(
        variables.filter((variable) => variable !== undefined && !set.includes(variable)),
        [],
        name,
      );
    }
    assert.equal(rendered.get('Deployment', 'shop-server').metadata.namespace, namespace);
  });
});
