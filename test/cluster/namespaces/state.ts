/** The state folder is removed whole one day: it must be one that we made. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, statfs, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Impossible } from '../provider.ts';

const mark = 'evenkeel-cluster';

/** How statfs names an overlay file system. */
const overlay = 0x794c7630;

/** Whether a cluster is or was kept there. */
export function isOurs(state: string): boolean {
  return existsSync(join(state, mark));
}

/** Makes the folder, or takes one that is empty. Rejects with a sentence when it cannot be used. */
export async function claimState(state: string): Promise<void> {
  // Machines have those of their own.
  if (!isAbsolute(state) || /^\/(run|proc|sys|dev)(\/|$)/.test(state)) {
    throw new Impossible(`--state ${state}: expected an absolute path, not below /run, /proc, /sys or /dev`);
  }
  if (isOurs(state)) return;
  await mkdir(state, { recursive: true, mode: 0o711 });
  if ((await readdir(state)).length > 0) {
    throw new Impossible(`--state ${state}: it holds other things; expected a folder that is empty or not there yet`);
  }
  // Overlay file systems cannot be stacked, and containers are made of them.
  if ((await statfs(state)).type === overlay) {
    throw new Impossible(`--state ${state}: it is on an overlay file system; expected one of a disk`);
  }
  await writeFile(
    join(state, mark),
    'The cluster that npm run cluster brings up. `npm run cluster -- destroy` removes it.\n',
  );
}
