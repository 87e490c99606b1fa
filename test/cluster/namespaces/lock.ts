/** One at a time brings the cluster up or down. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { readPidFile } from './pid-file.ts';
import { bootId } from './process-identity.ts';

/** Rejects when another process is at it. What a process left behind that has died does not count. */
export async function withLock<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  const file = join(layout.state, 'lock');
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${readFileSync('/proc/self/stat', 'utf8').trimEnd()}\n${bootId()}\n`);
  try {
    take(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** A link is made whole, and by one of several only. */
function take(draft: string, file: string): void {
  try {
    linkSync(draft, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const owner = readPidFile(file);
    if (owner !== undefined) throw new Error(`process ${owner.pid} is bringing this cluster up or down`);
    rmSync(file, { force: true });
    linkSync(draft, file);
  }
}
