import { type Api, ApiError, hasStatus, type Where } from './api.ts';
import { autoscalers, deployments, type Kind, type KubeObject, nodes, pods, statefulSets } from './objects.ts';

/**
 * What a load test changes for a time it first writes down, on the object itself, in the same request: whoever comes later can
 * put it back, whatever became of the conductor.
 */
export const annotation = 'evenkeel/loadtest-restore';

/** Fields of a spec; null: it is not set. */
export type Fields = Readonly<Record<string, number | boolean | null>>;

/** What stands in the annotation, as JSON. */
interface Note {
  /** Whose change it is: the pod of the conductor, or its host and process. */
  by: string;
  /** For which release: NAMESPACE/NAME. */
  release: string;
  /** How it was. */
  was: Fields;
}

/** What may be changed, and so put back. */
const changeable: readonly { kind: Kind; fields: readonly string[] }[] = [
  { kind: nodes, fields: ['unschedulable'] },
  { kind: statefulSets, fields: ['replicas'] },
  // The autoscaler first: it would change the Deployment again.
  { kind: autoscalers, fields: ['minReplicas', 'maxReplicas'] },
  { kind: deployments, fields: ['replicas'] },
];

export interface ChangesOptions {
  api: Api;
  release: { name: string; namespace: string };
  by: string;
}

/** Changes that are put back, by one conductor for one release. */
export class Changes {
  readonly #options: ChangesOptions;
  /** What we have changed and not put back yet, in order. */
  readonly #open = new Map<string, { kind: Kind; name: string }>();

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** Sets fields of an object's spec, and writes down how they were. Gives the object as it is then. */
  async make<T extends KubeObject>(kind: Kind<T>, name: string, fields: Fields): Promise<T> {
    const { api, by } = this.#options;
    const object = await api.get(kind, name);
    const spec = (object as unknown as { spec: Record<string, unknown> }).spec;
    const now = Object.fromEntries(Object.keys(fields).map((field) => [field, (spec[field] ?? null) as number | null]));
    // What is written there already is older, and so the truth.
    const was = { ...now, ...readNote(object)?.was };
    const note: Note = { by, release: this.#release, was };
    // Before the request: that it failed does not mean that nothing was done.
    this.#open.set(`${kind.plural}/${name}`, { kind, name });
    const metadata = { annotations: { [annotation]: JSON.stringify(note) } };
    return api.patch(kind, name, { metadata, spec: fields });
  }

  /** Whether anything is changed at the moment. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  /** Puts one object back as it was, if we have changed it. */
  async undo(kind: Kind, name: string): Promise<void> {
    const key = `${kind.plural}/${name}`;
    if (!this.#open.has(key)) return;
    await restoreOne(this.#options.api, kind, name);
    this.#open.delete(key);
  }

  /** Puts everything back as it was. Gives a sentence for each that could not be; the next time it is tried again. */
  async undoAll(): Promise<string[]> {
    const problems: string[] = [];
    for (const { kind } of changeable) {
      const ours = [...this.#open.values()].filter((change) => change.kind === kind);
      await Promise.all(
        ours.map(({ name }) => this.undo(kind, name).catch((cause) => problems.push(notRestored(kind, name, cause)))),
      );
    }
    return problems;
  }

  get #release(): string {
    const { namespace, name } = this.#options.release;
    return `${namespace}/${name}`;
  }
}

/**
 * Puts back what a conductor of this release that is no more has left. Gives a sentence for each object that was put back, and for
 * each that could not be. Rejects when a conductor is at work on it.
 */
export async function restoreLeftovers(options: ChangesOptions): Promise<{ restored: string[]; problems: string[] }> {
  const { api, release } = options;
  const restored: string[] = [];
  const problems: string[] = [];
  const left: { kind: Kind; name: string; note: Note }[] = [];
  for (const { kind } of changeable) {
    // Nodes may be none of our business, and then we have changed none.
    const found = await api.list(kind).catch((cause: unknown) => {
      if (kind.clusterWide && hasStatus(cause, 403)) return { items: [] };
      throw cause;
    });
    for (const object of found.items) {
      const note = readNote(object);
      if (note?.release === `${release.namespace}/${release.name}`)
        left.push({ kind, name: object.metadata.name, note });
    }
  }
  for (const by of new Set(left.map(({ note }) => note.by))) await assertOver(options, by);
  for (const { kind, name } of left) {
    try {
      await restoreOne(api, kind, name);
      restored.push(`${kind.plural}/${name} is as it was before an earlier load test`);
    } catch (cause) {
      problems.push(notRestored(kind, name, cause));
    }
  }
  return { restored, problems };
}

/** Two at once would put back what the other one needs. */
async function assertOver({ api, release, by: own }: ChangesOptions, by: string): Promise<void> {
  if (by === own) return;
  const pod = await api.get(pods, by, { namespace: release.namespace }).catch((cause: unknown) => {
    if (hasStatus(cause, 404, 403)) return undefined;
    throw cause;
  });
  if (pod?.status?.phase !== 'Running' || pod.metadata.deletionTimestamp !== undefined) return;
  throw new Error(
    `another load test is at work on ${release.name}, in the pod ${by}: wait until it is over, or delete it`,
  );
}

async function restoreOne(api: Api, kind: Kind, name: string, where: Where = {}): Promise<void> {
  try {
    const note = readNote(await api.get(kind, name, where));
    if (note === undefined) return;
    const { fields = [] } = changeable.find((entry) => entry.kind === kind) ?? {};
    // Whatever somebody wrote there, no other field is touched.
    const spec = Object.fromEntries(Object.entries(note.was).filter(([field]) => fields.includes(field)));
    await api.patch(kind, name, { metadata: { annotations: { [annotation]: null } }, spec }, where);
  } catch (cause) {
    // What is gone needs nothing.
    if (!hasStatus(cause, 404)) throw cause;
  }
}

function notRestored(kind: Kind, name: string, cause: unknown): string {
  const why = cause instanceof ApiError ? cause.message : String(cause);
  return `${kind.plural}/${name} could not be put back as it was: ${why}`;
}

function readNote({ metadata }: KubeObject): Note | undefined {
  const text = metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  try {
    const { by, release, was } = JSON.parse(text) as Note;
    return { by: String(by), release: String(release), was: { ...was } };
  } catch {
    return undefined;
  }
}
