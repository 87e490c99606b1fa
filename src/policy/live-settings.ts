import { isDeepStrictEqual } from 'node:util';
import { keyIn, noSettings, readSettings, type Settings } from './settings.ts';

/** One setting that changed. */
export interface SettingChange {
  /** Its name, e.g. `client.timeout` or `nodes["10.0.0.1:7000"].weight`. */
  readonly setting: string;
  readonly group: 'nodes' | 'client' | 'server';
  /** Of which node, where the group is `nodes`. */
  readonly id?: string;
  /** `null`: it was not set. */
  readonly from: unknown;
  /** `null`: it is not set any more. Then what client or server were started with holds again. */
  readonly to: unknown;
}

/** What one more document brought. */
export interface SettingsNews {
  readonly changes: readonly SettingChange[];
  /** What is to be logged of it. */
  readonly lines: readonly { level: 'info' | 'warn'; facts: object; message: string }[];
}

/** How much one line names. */
const mostNamed = 10;

/** The settings in force, document by document: one that is wrong changes nothing, and says why. */
export class LiveSettings {
  #now: Settings = noSettings;
  readonly #concerns: (change: SettingChange) => boolean;

  /** @param concerns which changes are news here */
  constructor(concerns: (change: SettingChange) => boolean) {
    this.#concerns = concerns;
  }

  get now(): Settings {
    return this.#now;
  }

  /** Takes what the registry holds now; `undefined` if it holds no settings. */
  take(document: unknown): SettingsNews {
    const read = document === undefined ? { settings: noSettings, ignored: [] } : readSettings(document);
    if ('problems' in read) {
      const facts = { problems: some(read.problems) };
      return {
        changes: [],
        lines: [{ level: 'warn', facts, message: 'the live settings are refused: nothing of them is taken' }],
      };
    }
    const changes = settingChanges(this.#now, read.settings).filter(this.#concerns);
    this.#now = read.settings;
    const lines: SettingsNews['lines'][number][] = changes.map(({ setting, from, to }) => ({
      level: 'info',
      facts: { setting, from, to },
      message: 'a live setting changed',
    }));
    if (read.ignored.length > 0) {
      const facts = { settings: some(read.ignored) };
      lines.push({ level: 'warn', facts, message: 'the live settings hold what is not known here: it is ignored' });
    }
    return { changes, lines };
  }
}

/** What differs, setting by setting. */
export function settingChanges(before: Settings, after: Settings): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const id of new Set([...before.nodes.keys(), ...after.nodes.keys()])) {
    changes.push(...compare('nodes', before.nodes.get(id) ?? {}, after.nodes.get(id) ?? {}, id));
  }
  return [
    ...changes,
    ...compare('client', before.client, after.client),
    ...compare('server', before.server, after.server),
  ];
}

function compare(group: SettingChange['group'], before: object, after: object, id?: string): SettingChange[] {
  const was = new Map(Object.entries(before));
  const is = new Map(Object.entries(after));
  const where = id === undefined ? group : keyIn(group, id);
  const keys = [...new Set([...was.keys(), ...is.keys()])].filter(
    (key) => !isDeepStrictEqual(was.get(key), is.get(key)),
  );
  return keys.map((key) => ({
    setting: keyIn(where, key),
    group,
    ...(id === undefined ? {} : { id }),
    from: was.get(key) ?? null,
    to: is.get(key) ?? null,
  }));
}

function some(sentences: readonly string[]): readonly string[] {
  if (sentences.length <= mostNamed) return sentences;
  return [...sentences.slice(0, mostNamed), `and ${sentences.length - mostNamed} more`];
}
