import { type Api, ApiError, hasStatus } from './api.ts';
import { autoscalers, deployments, type Kind, type KubeObject, nodes, pods, statefulSets } from './objects.ts';
import { isAtWorkHere } from './process-name.ts';

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
  /** What was set in its place, last. */
  set: Fields;
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
  /** Told what is not put back because somebody has set it since, a sentence each. */
  say?: ((sentence: string) => void) | undefined;
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
    const older = readNote(object);
    const was: Record<string, Fields[string]> = { ...older?.was };
    for (const [field, value] of Object.entries(fields)) {
      const now = fieldOf(object, field);
      // What is written there is older, and so the truth; unless somebody has set it since: neither we, nor who does what we order.
      const ours = field in was && (now === older?.set[field] || now === value);
      if (!ours) was[field] = now;
    }
    const note: Note = { by, release: this.#release, was, set: { ...older?.set, ...fields } };
    // Before the request: that it failed does not mean that nothing was done.
    this.#open.set(`${kind.plural}/${name}`, { kind, name });
    const metadata = { annotations: { [annotation]: JSON.stringify(note) } };
    const changed = await api.patch(kind, name, { metadata, spec: fields });
    // Once more: all may have been put back meanwhile, when this one was not there yet.
    this.#open.set(`${kind.plural}/${name}`, { kind, name });
    return changed;
  }

  /** Whether anything is changed at the moment. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  /** Puts one object back as it was, if we have changed it, and nobody has since. */
  async undo(kind: Kind, name: string): Promise<void> {
    const key = `${kind.plural}/${name}`;
    const { api, by, say } = this.#options;
    if (!this.#open.has(key)) return;
    // What another conductor has changed since is that one's to put back.
    const left = await restoreOne(api, kind, name, (note) => note.by === by);
    this.#open.delete(key);
    if (left !== undefined) say?.(left);
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

export interface Leftovers {
  /** What was seen to, a sentence each. */
  restored: string[];
  /** What could not be put back, a sentence each. */
  problems: string[];
  /** What could not even be looked at, for want of a right, a sentence each: who may not has changed none, but another one may have. */
  unseen: string[];
}

/**
 * Puts back what a conductor of this release that is no more has left, but for what somebody has set since. Rejects when a
 * conductor is at work on it.
 */
export async function restoreLeftovers(options: ChangesOptions): Promise<Leftovers> {
  const { api, release } = options;
  const restored: string[] = [];
  const problems: string[] = [];
  const unseen: string[] = [];
  const left: { kind: Kind; name: string; note: Note }[] = [];
  for (const { kind } of changeable) {
    const found = await api.list(kind).catch((cause: unknown) => {
      if (!kind.clusterWide || !hasStatus(cause, 403)) throw cause;
      unseen.push(`${kind.plural} could not be looked at: ${(cause as Error).message}`);
      return { items: [] };
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
      const left = await restoreOne(api, kind, name, () => true);
      restored.push(left ?? `${kind.plural}/${name} is as it was before an earlier load test`);
    } catch (cause) {
      problems.push(notRestored(kind, name, cause));
    }
  }
  return { restored, problems, unseen };
}

/** Two at once would put back what the other one needs. */
async function assertOver({ api, release, by: own }: ChangesOptions, by: string): Promise<void> {
  if (by === own) return;
  if (isAtWorkHere(by))
    throw new Error(`another load test is at work on ${release.name}, in the process ${by}: wait until it is over`);
  const pod = await api.get(pods, by, { namespace: release.namespace }).catch((cause: unknown) => {
    if (hasStatus(cause, 404, 403)) return undefined;
    throw cause;
  });
  if (pod?.status?.phase !== 'Running' || pod.metadata.deletionTimestamp !== undefined) return;
  throw new Error(
    `another load test is at work on ${release.name}, in the pod ${by}: wait until it is over, or delete it`,
  );
}

/** Takes the note from an object, and puts back what still is as the note says. Gives what is not, as a sentence. */
async function restoreOne(
  api: Api,
  kind: Kind,
  name: string,
  ours: (note: Note) => boolean,
): Promise<string | undefined> {
  try {
    const object = await api.get(kind, name);
    const note = readNote(object);
    if (note === undefined || !ours(note)) return undefined;
    const { fields = [] } = changeable.find((entry) => entry.kind === kind) ?? {};
    // Whatever somebody wrote there, no other field is touched.
    const known = Object.entries(note.was).filter(([field]) => fields.includes(field));
    const isForeign = (field: string) => field in note.set && fieldOf(object, field) !== note.set[field];
    const spec = Object.fromEntries(known.filter(([field]) => !isForeign(field)));
    await api.patch(kind, name, { metadata: { annotations: { [annotation]: null } }, spec });
    const left = known.filter(([field, was]) => isForeign(field) && fieldOf(object, field) !== was);
    if (left.length === 0) return undefined;
    const words = left.map(
      ([field]) => `${field} is ${fieldOf(object, field)}, not ${note.set[field]} as a load test set it`,
    );
    return `${kind.plural}/${name} was changed since, and stays so: ${words.join(', ')}`;
  } catch (cause) {
    // What is gone needs nothing.
    if (hasStatus(cause, 404)) return undefined;
    throw cause;
  }
}

function fieldOf(object: KubeObject, field: string): Fields[string] {
  const { spec } = object as unknown as { spec: Fields };
  return spec[field] ?? null;
}

function notRestored(kind: Kind, name: string, cause: unknown): string {
  const why = cause instanceof ApiError ? cause.message : String(cause);
  return `${kind.plural}/${name} could not be put back as it was: ${why}`;
}

function readNote({ metadata }: KubeObject): Note | undefined {
  const text = metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  try {
    const { by, release, was, set } = JSON.parse(text) as Note;
    return { by: String(by), release: String(release), was: { ...was }, set: { ...set } };
  } catch {
    return undefined;
  }
}
