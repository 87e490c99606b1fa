/**
 * Lets anybody write to a volume as soon as there is one: the controller manager makes its folder for root alone, and the
 * kubelet gives volumes of that kind to no fsGroup. Runs in the first machine, with the folder of all volumes.
 */
import { chmodSync, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2]!;

function open(name: string): void {
  try {
    const path = join(folder, name);
    // The watch tells of a changed mode as well: to change it again would go on for ever.
    if ((statSync(path).mode & 0o777) !== 0o777) chmodSync(path, 0o777);
  } catch (cause) {
    // It is told of one that is removed as well.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}

watch(folder, (_event, name) => {
  if (name !== null) open(name);
});
for (const name of readdirSync(folder)) open(name);
