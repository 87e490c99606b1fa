/** Charts rendered by Helm, as objects. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { findHelm, kubeVersion, runHelm } from '../../charts/tools/helm.ts';

export const chart = fileURLToPath(new URL('../../charts/evenkeel', import.meta.url));
export const release = 'shop';
export const namespace = 'market';
export const parts = ['zookeeper', 'server', 'gateway', 'loadtest'] as const;

const helm = findHelm();

/** A group of tests that need Helm. Without it they are skipped, with the reason. */
export function withHelm(name: string, body: () => void): void {
  const skip = helm === undefined && 'there is no helm: put it on PATH, or name it by EVENKEEL_HELM';
  describe(name, { skip }, body);
}

type Labels = Record<string, string>;

export interface Env {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: Env[];
  ports?: { name: string; containerPort: number }[];
  securityContext: Record<string, unknown>;
  resources: { requests?: Labels; limits?: Labels };
  volumeMounts?: { name: string; mountPath: string }[];
  lifecycle?: unknown;
  startupProbe?: unknown;
  readinessProbe?: unknown;
  livenessProbe?: unknown;
  restartPolicy?: string;
}

export interface PodSpec {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  imagePullSecrets?: { name: string }[];
  securityContext: Record<string, unknown>;
  containers: Container[];
  initContainers?: Container[];
  topologySpreadConstraints?: { labelSelector: { matchLabels: Labels }; whenUnsatisfiable: string }[];
  affinity?: {
    podAntiAffinity?: {
      preferredDuringSchedulingIgnoredDuringExecution: {
        podAffinityTerm: { topologyKey: string; labelSelector: { matchLabels: Labels } };
      }[];
    };
  };
  volumes?: ({ name: string } & Record<string, unknown>)[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels };
  // What a kind has in its spec is the business of the test that looks at it.
  // biome-ignore lint/suspicious/noExplicitAny: a tree as Kubernetes has it
  spec: any;
  data?: Labels;
  rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
  subjects?: { kind: string; name: string; namespace?: string }[];
  automountServiceAccountToken?: boolean;
}

export interface Given {
  /** What stands behind `--set`, each. */
  set?: readonly string[];
  /** Names of values files, from the chart's folder. */
  files?: readonly string[];
  /** One part alone. */
  part?: (typeof parts)[number];
  /** Of the release. */
  name?: string;
  environment?: Record<string, string>;
  args?: readonly string[];
}

const folderOf = (part?: (typeof parts)[number]) => (part === undefined ? chart : `${chart}/charts/${part}`);

async function template({ set = [], files = [], part, name = release, environment, args = [] }: Given) {
  const folder = folderOf(part);
  const where = ['template', name, folder, '--namespace', namespace, '--kube-version', kubeVersion];
  const values = [...files.flatMap((file) => ['--values', `${folder}/${file}`]), ...set.flatMap((s) => ['--set', s])];
  return runHelm(helm!, [...where, ...values, ...args], environment);
}

export async function lint(folder: string, files: readonly string[]): Promise<string> {
  const values = files.flatMap((file) => ['--values', file]);
  const { status, stdout, stderr } = await runHelm(helm!, [
    'lint',
    '--strict',
    folder,
    '--kube-version',
    kubeVersion,
    ...values,
  ]);
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

export class Rendered {
  readonly objects: readonly KubeObject[];
  constructor(text: string) {
    this.objects = parseAllDocuments(text)
      .map((document) => {
        assert.deepEqual(document.errors, [], text);
        return document.toJS() as KubeObject | null;
      })
      .filter((object) => object !== null);
    // As Kubernetes' reader takes it, to which N is false and 010 is eight.
    const older = parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());
    assert.deepEqual(
      older.filter((object) => object !== null),
      this.objects,
    );
  }

  ofKind(kind: string): KubeObject[] {
    return this.objects.filter((object) => object.kind === kind);
  }

  find(kind: string, name: string): KubeObject | undefined {
    return this.ofKind(kind).find(({ metadata }) => metadata.name === name);
  }

  get(kind: string, name: string): KubeObject {
    const found = this.find(kind, name);
    assert.ok(found, `no ${kind} ${name} among ${this.objects.map((o) => `${o.kind} ${o.metadata.name}`).join(', ')}`);
    return found;
  }

  /** Every pod that this makes, by the object that makes it. */
  get pods(): { owner: KubeObject; labels: Labels; annotations: Labels; spec: PodSpec }[] {
    return this.objects.flatMap((owner) => {
      const template = owner.kind === 'Pod' ? owner : owner.spec?.template;
      if (template?.spec?.containers === undefined) return [];
      const { labels = {}, annotations = {} } = template.metadata;
      return [{ owner, labels, annotations, spec: template.spec as PodSpec }];
    });
  }

  /** The one container of a workload. */
  container(kind: string, name: string): Container {
    const spec: PodSpec = this.get(kind, name).spec.template.spec;
    assert.equal(spec.containers.length, 1);
    return spec.containers[0]!;
  }
}

const known = new Map<string, Promise<Rendered>>();

/** Renders the charts, each set of values once. What it gives is not to be changed. */
export function render(given: Given = {}): Promise<Rendered> {
  const key = JSON.stringify(given);
  const rendered = known.get(key) ?? renderAnew(given);
  known.set(key, rendered);
  return rendered;
}

async function renderAnew(given: Given): Promise<Rendered> {
  const { status, stdout, stderr } = await template(given);
  assert.equal(status, 0, `${JSON.stringify(given)}: ${stderr}`);
  return new Rendered(stdout);
}

/** What `helm install` prints at its end. */
export async function notes(
  environment: Record<string, string>,
  set: readonly string[] = [],
  part?: (typeof parts)[number],
): Promise<string> {
  const args = [
    'install',
    release,
    folderOf(part),
    '--namespace',
    namespace,
    '--dry-run=client',
    '--disable-openapi-validation',
  ];
  const { status, stdout, stderr } = await runHelm(helm!, [...args, ...set.flatMap((s) => ['--set', s])], environment);
  assert.equal(status, 0, stderr);
  return stdout.slice(stdout.indexOf('\nNOTES:\n') + 8);
}

/** The sentence that Helm refuses these values with. */
export async function refusal(given: Given): Promise<string> {
  const { status, stdout, stderr } = await template(given);
  assert.notEqual(status, 0, `${JSON.stringify(given)} was not refused:\n${stdout.slice(0, 500)}`);
  return stderr;
}

export function envOf(container: Container): Record<string, string | undefined> {
  return Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
}

/** True if all of these labels are among those. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
