/** evenkeel's own images, from the Dockerfile of this project. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Impossible, type Provider } from './provider.ts';
import { tell } from './tell.ts';

const project = join(import.meta.dirname, '../..');

/** Targets that a Dockerfile is there for: stages that no other takes anything from. The default one, the last, is first. */
export function finalTargets(dockerfile: string): string[] {
  const stages = [...dockerfile.matchAll(/^FROM\s+(\S+)\s+AS\s+(\S+)/gim)].map(([, from, name]) => ({
    from,
    name: name!,
  }));
  const copied = [...dockerfile.matchAll(/--(?:from=|mount=\S*\bfrom=)([\w.-]+)/g)].map(([, from]) => from);
  const used = new Set([...stages.map(({ from }) => from), ...copied]);
  return stages
    .map(({ name }) => name)
    .filter((name) => !used.has(name))
    .reverse();
}

/** `evenkeel:dev` for the default target, `evenkeel:dev-NAME` for another one. */
export function imageTag(target: string, targets: readonly string[], tag: string): string {
  return target === targets[0] ? `evenkeel:${tag}` : `evenkeel:${tag}-${target}`;
}

/**
 * Builds them where the provider's `load` finds them.
 * @param wanted Targets. Default: all.
 * @returns their names.
 */
export async function buildImages(provider: Provider, tag = 'dev', wanted?: readonly string[]): Promise<string[]> {
  const targets = finalTargets(await readFile(join(project, 'Dockerfile'), 'utf8'));
  for (const target of wanted ?? []) {
    if (!targets.includes(target)) throw new Impossible(`--target ${target}: expected some of ${targets.join(', ')}`);
  }
  const store = await provider.store();
  const built: string[] = [];
  for (const target of wanted ?? targets) {
    const image = imageTag(target, targets, tag);
    tell(`building ${image} in ${store.name}`);
    await store.build({ folder: project, target, image });
    built.push(image);
  }
  return built;
}
