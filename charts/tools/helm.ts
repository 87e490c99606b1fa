/** Runs Helm, where there is one: the project works without it, and says what it could not do. */
import { execFile } from 'node:child_process';
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
  /** Exit code. */
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs it away from any cluster, unless `environment` names one. Rejects where Helm cannot be run at all. */
export async function runHelm(
  helm: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<HelmResult> {
  const env = { ...process.env, KUBECONFIG: '/dev/null', ...environment };
  return new Promise((resolve, reject) => {
    const options = { env, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 };
    execFile(helm, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') resolve({ status, stdout, stderr });
      else reject(new Error(`${helm} does not run: ${error!.message}`, { cause: error }));
    });
  });
}
