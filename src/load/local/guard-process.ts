import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** See guard.ts. Reads `+GROUP`, `-GROUP` and `dFOLDER`; at the end of the input kills the groups and deletes the folders. */
const groups = new Set<number>();
const folders = new Set<string>();

// A Ctrl-C or a TERM to everybody at once must not end the one that cleans up after the others.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const rest = line.slice(1);
    if (line.startsWith('+')) groups.add(Number(rest));
    else if (line.startsWith('-')) groups.delete(Number(rest));
    else if (line.startsWith('d')) folders.add(rest);
  })
  .on('close', () => {
    for (const group of groups) {
      try {
        process.kill(-group, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
