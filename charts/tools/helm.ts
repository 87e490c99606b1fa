/** Runs Helm, where there is one: the project works without it, and says what it could not do. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The oldest Kubernetes that charts are for: without a cluster Helm must be told. */
export const kubeVersion = '1.30.0';

/** Path of Helm: what EVENKEEL_HELM names, else the one on PATH; undefined where there is none. */
export function findHelm(environment: Record<string, string | undefined> = process.env): string | undefined {
  const { EVENKEEL_HELM: named, PATH = '' } = environment;
  const places = named ? [named] : PATH.split(delimiter).map((folder) => join(folder, 'helm'));
  return places.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface HelmResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs it away from any cluster, unless `environment` names one. */
export function runHelm(helm: string, args: readonly string[], environment: Record<string, string> = {}): HelmResult {
  const { status, stdout, stderr, error } = spawnSync(helm, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
    env: { ...process.env, KUBECONFIG: '/dev/null', ...environment },
  });
  if (error !== undefined) throw new Error(`${helm} does not run: ${error.message}`, { cause: error });
  return { status, stdout, stderr };
}
