/** Live settings: what may change while clients and servers run. Shape version 1, and the reading of it. */
import { type BalancerName, type BalancerOptions, balancerNames, balancerOptions } from './balance/index.ts';

/** What is set for one server, over what it says of itself. */
export interface NodeSettings {
  /** Its base weight, in place of the announced one. 1..65,536. */
  readonly weight?: number;
  /** True if it gets no new calls. */
  readonly offline?: true;
}

/** What is set for all clients, over their own options. */
export interface ClientSettings {
  /** How a node is chosen. */
  readonly balancer?: BalancerName;
  /** What that balancer is told, in place of the client's own options of the same name. */
  readonly balancerOptions?: Partial<BalancerOptions>;
  /** How long a call waits that says nothing else, ms. 1..2^31-1. */
  readonly timeout?: number;
  /** How many nodes a call may reach. 1..1,000; 1 turns retries and hedging off. */
  readonly attempts?: number;
  /** Whether a call that may be repeated and is silent for long is also sent to a second node. */
  readonly hedging?: boolean;
}

/** What is set for all servers, over their own options. */
export interface ServerSettings {
  /** Calls at work at once in one process. 1..1,000,000. */
  readonly maxConcurrent?: number;
  /** How long a call may wait for its turn, ms. 0..60,000. */
  readonly maxQueueTime?: number;
}

/** All of it. What is absent is not set: then the options hold that client and server were started with. */
export interface Settings {
  /** By node id. */
  readonly nodes: ReadonlyMap<string, NodeSettings>;
  readonly client: ClientSettings;
  readonly server: ServerSettings;
}

export const noSettings: Settings = { nodes: new Map(), client: {}, server: {} };

/**
 * What a document comes to. One wrong value refuses all of it: half of what somebody wanted may be worse than nothing
 * of it. Keys that are not known here are left out and named: a newer version may know them.
 */
export type SettingsReading =
  | { readonly settings: Settings; readonly ignored: readonly string[] }
  /** A sentence for each thing that is wrong: its name, its value, and what is allowed. */
  | { readonly problems: readonly string[] };

interface Rule {
  readonly allowed: string;
  accepts(value: unknown): boolean;
}

type Rules<T> = Readonly<Record<keyof T, Rule>>;

const yesOrNo: Rule = { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' };

const nodeRules: Rules<NodeSettings> = { weight: whole(1, 65_536), offline: yesOrNo };
const clientRules: Rules<ClientSettings> = {
  balancer: oneOf(balancerNames),
  balancerOptions: { allowed: 'an object', accepts: isObject },
  timeout: whole(1, 2 ** 31 - 1),
  attempts: whole(1, 1_000),
  hedging: yesOrNo,
};
const serverRules: Rules<ServerSettings> = { maxConcurrent: whole(1, 1_000_000), maxQueueTime: whole(0, 60_000) };

/** The names of all settings there are, as documentation has them. */
export const settingNames: readonly string[] = [
  ...Object.keys(nodeRules).map((key) => `nodes.ID.${key}`),
  ...Object.keys(clientRules).map((key) => `client.${key}`),
  ...Object.keys(serverRules).map((key) => `server.${key}`),
];

/** Reads what a registry holds as settings, e.g. `{"version": 1, "nodes": {"ID": {"weight": 512}}}`. */
export function readSettings(document: unknown): SettingsReading {
  const found: Findings = { problems: [], ignored: [] };
  const all = objectAt('the document', document, found);
  if (all === undefined) return { problems: found.problems };
  if (all.version !== 1) found.problems.push(sentence('version', all.version, '1'));
  for (const key of Object.keys(all)) {
    if (!['version', 'nodes', 'client', 'server'].includes(key)) found.ignored.push(keyIn('', key));
  }
  const nodes = new Map<string, NodeSettings>();
  for (const [id, value] of Object.entries(objectAt('nodes', all.nodes ?? {}, found) ?? {})) {
    const { offline, ...rest } = group<NodeSettings>(keyIn('nodes', id), value, nodeRules, found);
    const node = offline ? { ...rest, offline } : rest;
    // One that says nothing is the same as none.
    if (Object.keys(node).length > 0) nodes.set(id, node);
  }
  const client = readClient(all.client ?? {}, found);
  const server = group<ServerSettings>('server', all.server ?? {}, serverRules, found);
  const { problems, ignored } = found;
  return problems.length > 0 ? { problems } : { settings: { nodes, client, server }, ignored };
}

/** The name of a setting, as sentences and logs have it: `client.timeout`, `nodes["10.0.0.1:7000"].weight`. */
export function keyIn(where: string, key: string): string {
  if (/^[A-Za-z]\w{0,63}$/.test(key) && where !== 'nodes') return where === '' ? key : `${where}.${key}`;
  // Quoted and cut, because anyone may have written it.
  return `${where}[${JSON.stringify(cut(key, 300))}]`;
}

function readClient(value: unknown, found: Findings): ClientSettings {
  const client = group<ClientSettings>('client', value, clientRules, found);
  if (client.balancerOptions === undefined) return client;
  const read: Record<string, unknown> = {};
  const known = balancerOptions();
  for (const [key, one] of Object.entries(client.balancerOptions)) {
    const name = keyIn('client.balancerOptions', key);
    if (!Object.hasOwn(known, key)) {
      found.ignored.push(name);
      continue;
    }
    try {
      // What is allowed stands where balancers are made.
      balancerOptions({ [key]: one });
      read[key] = one;
    } catch (error) {
      found.problems.push(`client.balancerOptions.${(error as Error).message}`);
    }
  }
  return { ...client, balancerOptions: read };
}

interface Findings {
  readonly problems: string[];
  readonly ignored: string[];
}

/** What stands in one object, checked key by key. */
function group<T>(where: string, value: unknown, rules: Rules<T>, found: Findings): T {
  const read: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(objectAt(where, value, found) ?? {})) {
    const name = keyIn(where, key);
    if (!Object.hasOwn(rules, key)) found.ignored.push(name);
    else if (rules[key as keyof T].accepts(one)) read[key] = one;
    else found.problems.push(sentence(name, one, rules[key as keyof T].allowed));
  }
  return read as T;
}

function objectAt(where: string, value: unknown, found: Findings): Readonly<Record<string, unknown>> | undefined {
  if (isObject(value)) return value;
  found.problems.push(sentence(where, value, 'an object'));
  return undefined;
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sentence(name: string, value: unknown, allowed: string): string {
  return value === undefined
    ? `${name} is missing: expected ${allowed}`
    : `${name} is ${shown(value)}: expected ${allowed}`;
}

/** A value as a sentence can hold it. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return typeof value === 'string' ? JSON.stringify(cut(value, 60)) : String(value);
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

function whole(min: number, max: number): Rule {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

function oneOf(names: readonly string[]): Rule {
  return {
    allowed: `one of ${names.join(', ')}`,
    accepts: (value) => names.some((name) => name === value),
  };
}
