/**
 * Writes k8s/, the chart's stack as plain manifests for those who do not use Helm: `node charts/tools/manifests.ts` (npm run
 * manifests) writes, `--check` fails where something differs. Needs Helm.
 */
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMap, parseDocument } from 'yaml';
import { findHelm, kubeVersion, runHelm } from './helm.ts';

const chart = fileURLToPath(new URL('../evenkeel', import.meta.url));
export const folder = new URL('../../k8s/', import.meta.url);
/** Release and namespace of the plain manifests. */
const name = 'evenkeel';

/** Which of the chart's files count: with these alike, so are the manifests. */
export function chartDigest(): string {
  const hash = createHash('sha256');
  const files = globSync('**/*', { cwd: chart }).filter((file) => /\.(yaml|tpl|json)$/.test(file));
  for (const file of files.filter((each) => !/(^|\/)(ci|files)\/|schema\.json$|values-/.test(each)).sort()) {
    hash.update(`${file}\n${readFileSync(`${chart}/${file}`, 'utf8')}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

const head = '# Generated from charts/evenkeel by `npm run manifests`: change the chart, not this.\n';

const namespace = `${head}apiVersion: v1
kind: Namespace
metadata:
  name: ${name}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

function kustomization(parts: readonly string[]): string {
  return `${head}# Chart: ${chartDigest()}
#
#   kubectl apply -k k8s
#
# The image is built and brought to the nodes as charts/evenkeel/README.md says; \`kustomize edit set image\` names another.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${name}
resources:
  - namespace.yaml
${parts.map((part) => `  - ${part}.yaml\n`).join('')}images:
  - name: evenkeel
    newTag: "${appVersion()}"
`;
}

function appVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return version;
}

/** All files of k8s/, by name, as they should be. */
export async function manifests(helm: string): Promise<Map<string, string>> {
  const args = ['template', name, chart, '--namespace', name, '--kube-version', kubeVersion, '--no-hooks'];
  const { status, stdout, stderr } = await runHelm(helm, [...args, '--set', 'tests.enabled=false']);
  if (status !== 0) throw new Error(`helm template failed: ${stderr}`);
  const parts = new Map<string, string[]>();
  for (const text of stdout.split(/^---$/m)) {
    const source = /^# Source: evenkeel\/(?:charts\/(\w+)\/)?.*\n/m.exec(text);
    const document = parseDocument(text.replace(source?.[0] ?? '', ''));
    if (!isMap(document.contents)) continue;
    const part = source?.[1] ?? 'evenkeel';
    // These are applied by kubectl, whatever wrote them.
    document.deleteIn(['metadata', 'labels', 'helm.sh/chart']);
    document.setIn(['metadata', 'labels', 'app.kubernetes.io/managed-by'], 'kubectl');
    parts.set(part, [...(parts.get(part) ?? []), document.toString({ lineWidth: 0 }).trimStart()]);
  }
  const names = [...parts.keys()].sort();
  const files = new Map([
    ['kustomization.yaml', kustomization(names)],
    ['namespace.yaml', namespace],
  ]);
  for (const part of names) files.set(`${part}.yaml`, `${head}${parts.get(part)!.join('---\n')}`);
  return files;
}

if (import.meta.main) {
  const helm = findHelm();
  if (helm === undefined) throw new Error('npm run manifests needs Helm, on PATH or named by EVENKEEL_HELM');
  mkdirSync(folder, { recursive: true });
  for (const [file, wanted] of await manifests(helm)) {
    const at = new URL(file, folder);
    if (process.argv.includes('--check')) {
      if (readFileSync(at, 'utf8') === wanted) continue;
      console.error(`k8s/${file} is not what the chart says: npm run manifests`);
      process.exitCode = 1;
    } else writeFileSync(at, wanted);
  }
}
