/** Which provider is possible here. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { existing } from './existing.ts';
import { kind } from './kind.ts';
import { namespaces } from './namespaces/choose.ts';
import { Impossible, type Provider, type ProviderName, providerNames } from './provider.ts';

export interface ClusterOptions {
  /** Which one, whatever else there is. Default: the first that is possible. */
  provider?: ProviderName;
  /** The folder that the namespaces provider keeps all in. */
  state: string;
  /** A folder of ready tools for it. */
  tools?: string;
  /** A registry that nodes of an existing cluster pull from, such as `registry.example/team`. */
  registry?: string;
}

/** A provider, or what it lacks here: a sentence that its name begins. */
export type Candidate = { provider: Provider } | { lacks: string };

export type Candidates = Record<ProviderName, (options: ClusterOptions) => Promise<Candidate>>;

const all: Candidates = { existing, kind, namespaces };

export const defaultState = '/var/lib/evenkeel-cluster';

/** What the environment says; an argument says it with more weight. */
export function clusterOptions(env: NodeJS.ProcessEnv = process.env): ClusterOptions {
  const given = (name: string) => (env[name] === undefined || env[name] === '' ? undefined : env[name]);
  const [provider, tools, registry] = [
    given('EVENKEEL_CLUSTER'),
    given('EVENKEEL_CLUSTER_TOOLS'),
    given('EVENKEEL_E2E_REGISTRY'),
  ];
  return {
    state: resolve(given('EVENKEEL_CLUSTER_STATE') ?? defaultState),
    ...(provider === undefined ? {} : { provider: providerName(provider, 'EVENKEEL_CLUSTER=') }),
    ...(tools === undefined ? {} : { tools: toolsFolder(tools, 'EVENKEEL_CLUSTER_TOOLS=') }),
    ...(registry === undefined ? {} : { registry }),
  };
}

export function providerName(text: string, where: string): ProviderName {
  const name = providerNames.find((known) => known === text);
  if (name === undefined) throw new Impossible(`${where}${text}: expected ${providerNames.join(', ')}`);
  return name;
}

export function toolsFolder(text: string, where: string): string {
  if (!statSync(text, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Impossible(`${where}${text}: there is no such folder`);
  }
  return resolve(text);
}

/**
 * The provider that was asked for, else the first that is possible. Rejects with one sentence when none is.
 * @param asked What is not in here, the environment says.
 */
export async function chooseProvider(
  asked: Partial<ClusterOptions> = {},
  candidates: Candidates = all,
): Promise<Provider> {
  const options = { ...clusterOptions(), ...asked };
  const { provider: wanted } = options;
  const lacks: string[] = [];
  for (const name of wanted === undefined ? providerNames : [wanted]) {
    const candidate = await candidates[name](options);
    if ('provider' in candidate) return candidate.provider;
    lacks.push(`${name} ${candidate.lacks}`);
  }
  throw new Impossible(`there is no Kubernetes to be had here: ${lacks.join('; ')}`);
}
