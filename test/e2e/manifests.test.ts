/** What the charts render, as the API server sees it; and k8s/, for those who do not use Helm. */
import assert from 'node:assert/strict';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { foreignKinds, withForeignKinds } from './manifests/foreign-kinds.ts';
import { attempt } from './support/command.ts';
import { eventually } from './support/eventually.ts';
import { chart, helm, parts } from './support/helm.ts';
import { repository, tag } from './support/images.ts';
import { kubectl, kubectlJson } from './support/kubectl.ts';
import { deleteNamespace, describeNamespace, freshNamespace } from './support/namespace.ts';
import { Release } from './support/release.ts';
import { settled } from './support/settled.ts';

/** Every chart with every file of values that it has: the umbrella, and each part alone. */
const renderings = [chart, ...parts.map((part) => `${chart}/charts/${part}`)].flatMap((folder) =>
  // A part alone may need to be told where others are: values.yaml by itself then is no installation.
  globSync(['values-*.yaml', 'ci/*-values.yaml'], { cwd: folder })
    .sort()
    .map((values) => ({ folder, values })),
);

/** Of what the charts need: newer clusters want another word for it, which older ones do not know. */
const deprecated = /spec\.trafficDistribution: "PreferClose" is deprecated/;

async function serverVersion(): Promise<string> {
  return (await kubectlJson<{ serverVersion: { gitVersion: string } }>(['version'])).serverVersion.gitVersion;
}

/** As text: what reads it in the cluster is an older YAML than the one here. */
async function render(folder: string, values: string, namespace: string): Promise<string> {
  const args = ['shop', folder, '--namespace', namespace, '--values', join(folder, values)];
  const text = await helm(['template', ...args, '--kube-version', await serverVersion()]);
  // Some go to the namespace of those who read them, which there is not here.
  return text.replaceAll(/^ {2}namespace: .*$/gm, `  namespace: ${namespace}`);
}

test('every values file is what Helm and the API server accept', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'manifests');
  await withForeignKinds(t);
  const seen = new Set<string>();
  for (const { folder, values } of renderings) {
    await t.test(`${basename(folder)} with ${values}`, async () => {
      const version = ['--kube-version', await serverVersion()];
      await helm(['lint', '--strict', folder, '--values', join(folder, values), ...version]);
      const input = await render(folder, values, namespace);
      const kinds = [...input.matchAll(/^kind: (.*)$/gm)].map(([, kind]) => kind!);
      for (const kind of kinds) seen.add(kind);
      const dryRun = ['apply', '--dry-run=server', '--namespace', namespace, '--filename', '-'];
      const { status, stdout, stderr } = await attempt('kubectl', dryRun, { input });
      assert.equal(status, 0, stderr);
      // Where a Deployment's pods break the namespace's pod security, for example.
      const warnings = stderr.split('\n').filter((line) => line.startsWith('Warning: ') && !deprecated.test(line));
      assert.deepEqual(warnings, []);
      assert.equal(stdout.trim().split('\n').length, kinds.length, stdout);
    });
  }
  await t.test('and each kind that the charts have was among them', () => {
    const missing = foreignKinds.map(({ kind }) => kind).filter((kind) => !seen.has(kind));
    assert.deepEqual(missing, []);
  });
});

test('kubectl apply -k k8s brings up a stack that answers', { timeout: 600_000 }, async (t) => {
  const folder = kustomization(t);
  const { resources, namespace } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
  assert.ok(resources.includes('namespace.yaml'));
  const there = await kubectl(['get', 'namespace', namespace, '--ignore-not-found', '--output', 'name']);
  assert.equal(there, '', `this cluster has a namespace ${namespace}, which may be in use: it is not touched`);
  t.after(async () => {
    if (!t.passed) await describeNamespace(namespace);
    await deleteNamespace(namespace);
  });
  const said = await kubectl(['apply', '--kustomize', folder]);
  assert.doesNotMatch(said, /unchanged|configured/);
  const release = new Release({ namespace });
  await settled(release, 2);
  assert.equal(await eventually(() => release.call<string>('ping', 'k8s')), 'k8s');
  // Ends with 1 where there is a difference.
  assert.equal(await kubectl(['diff', '--kustomize', folder]), '', 'to apply it again changes nothing');
  // The namespace is among them, and everything goes with it: without waiting, which `after` does.
  await kubectl(['delete', '--kustomize', folder, '--wait=false']);
});

/** k8s/ with the images under test in place of the released ones. */
function kustomization(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-k8s-'));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(fileURLToPath(new URL('../../k8s', import.meta.url)), folder, { recursive: true });
  const file = join(folder, 'kustomization.yaml');
  const content = parse(readFileSync(file, 'utf8'));
  assert.deepEqual(
    content.images.map(({ name }: { name: string }) => name),
    ['evenkeel'],
  );
  Object.assign(content.images[0], { newName: repository, newTag: tag });
  writeFileSync(file, stringify(content));
  return dirname(file);
}
