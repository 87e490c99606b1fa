/** Debian packages that the machine needs. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Impossible } from '../provider.ts';
import { output, succeeds } from '../run.ts';
import { tell } from '../tell.ts';

/** A program or file, and the package that has it. */
type Need = readonly [found: string, debian: string];

/** To run a cluster. */
export const toRun: readonly Need[] = [
  ['containerd', 'containerd'],
  ['runc', 'runc'],
  ['/usr/lib/cni/ptp', 'containernetworking-plugins'],
  ['nsenter', 'util-linux'],
  ['ip', 'iproute2'],
  ['iptables', 'iptables'],
  ['conntrack', 'conntrack'],
  ['sysctl', 'procps'],
  ['awk', 'mawk'],
  ['openssl', 'openssl'],
  ['gcc', 'gcc'],
  ['/usr/include/stdio.h', 'libc6-dev'],
];

/** To make and keep images. */
export const toBuildImages: readonly Need[] = [['buildah', 'buildah']];

/** To make stand-ins for public images. */
export const toStandIn: readonly Need[] = [
  ['mmdebstrap', 'mmdebstrap'],
  ['mvn', 'maven'],
];

/** Names of the packages among them that are not there. */
export function missingPackages(needs: readonly Need[], path = process.env.PATH ?? ''): string[] {
  return needs.filter(([found]) => !isThere(found, path)).map(([, name]) => name);
}

/** Installs what is missing, by apt-get. */
export async function ensurePackages(needs: readonly Need[]): Promise<void> {
  const missing = missingPackages(needs);
  if (missing.length === 0) return;
  if (!(await succeeds(['apt-get', '--version']))) {
    throw new Impossible(
      `there is no apt-get here to install what is missing: ${missing.join(', ')} (names of Debian packages)`,
    );
  }
  tell(`apt-get install ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await output(['apt-get', 'update', '-qq'], { env, timeout: 300_000 });
  const quietly = ['install', '-y', '-qq', '--no-install-recommends'];
  await output(['apt-get', ...quietly, ...missing], { env, timeout: 900_000 });
}

function isThere(found: string, path: string): boolean {
  if (found.startsWith('/')) {
    // Other distributions have CNI's plugins elsewhere.
    return (
      existsSync(found) || (found.startsWith('/usr/lib/cni/') && existsSync(join('/opt/cni/bin', found.slice(13))))
    );
  }
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, found), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
