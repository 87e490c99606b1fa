import { isObject, keyIn, readSettings } from './settings.ts';

/** What is to be set for one node. */
export interface NodeEdit {
  /** Forgets what was set before. */
  readonly reset?: boolean;
  /** 1..65,536. Absent: as it is. */
  readonly weight?: number;
  /** Absent: as it is. */
  readonly offline?: boolean;
}

/**
 * The document with one node's settings changed, and without those of nodes that are gone. All else stays as it is, also
 * what is not known here: a newer version may have written it. Pure.
 *
 * @param isRegistered whether a node of this id is there
 * @throws Error in one sentence, if the document is not what settings are, before or after
 */
export function editNode(
  document: Readonly<Record<string, unknown>> | undefined,
  id: string,
  edit: NodeEdit,
  isRegistered: (id: string) => boolean,
): Readonly<Record<string, unknown>> {
  const before = objectIn(document ?? {}, 'nodes', 'nodes');
  const old = edit.reset ? {} : objectIn(before, id, keyIn('nodes', id));
  const entry: Record<string, unknown> = { ...old };
  if (edit.weight !== undefined) entry.weight = edit.weight;
  if (edit.offline === true) entry.offline = true;
  if (edit.offline === false) delete entry.offline;
  const kept = Object.entries(before).filter(([other]) => other !== id && isRegistered(other));
  const nodes = Object.fromEntries(Object.keys(entry).length === 0 ? kept : [...kept, [id, entry]]);
  const after = { version: 1, ...document, nodes };
  const read = readSettings(after);
  if ('problems' in read) throw new Error(`the live settings cannot be changed: ${read.problems[0]}`);
  return after;
}

function objectIn(parent: Readonly<Record<string, unknown>>, key: string, name: string) {
  const value = Object.hasOwn(parent, key) ? parent[key] : {};
  if (!isObject(value)) throw new Error(`the live settings cannot be changed: ${name} is no object`);
  return value;
}
