/** Groups of processes that the kubelets put their pods into, in every hierarchy that there is. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { waitFor } from '../wait-for.ts';

/** One hierarchy for everything (cgroup v2), or one for each controller (v1). */
export async function hierarchies(root = '/sys/fs/cgroup'): Promise<string[]> {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  const names = await readdir(root);
  return names.map((name) => join(root, name)).filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

/** Controllers that kubelets use. */
const needed = ['cpu', 'cpuset', 'memory', 'pids', 'hugetlb', 'io'];

export async function makeCgroups(path: string, root?: string): Promise<void> {
  for (const hierarchy of await hierarchies(root)) {
    let folder = hierarchy;
    for (const part of path.split('/')) {
      // v2: a group has the controllers that its parent hands down.
      const controllers = join(folder, 'cgroup.controllers');
      if (existsSync(controllers)) {
        const there = (await readFile(controllers, 'utf8')).trim().split(' ');
        const handed = needed.filter((name) => there.includes(name)).map((name) => `+${name}`);
        await writeFile(join(folder, 'cgroup.subtree_control'), handed.join(' '));
      }
      folder = join(folder, part);
      await mkdir(folder, { recursive: true });
      // v1: a new group may use no CPU at all until it is told which.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if (existsSync(join(folder, file)) && !existsSync(join(folder, 'cgroup.controllers'))) {
          await writeFile(join(folder, file), await readFile(join(dirname(folder), file)));
        }
      }
    }
  }
}

/** Removes the group and all below it. Processes that were killed a moment ago may still be in it. */
export async function removeCgroups(path: string, root?: string): Promise<void> {
  for (const hierarchy of await hierarchies(root)) {
    const folder = join(hierarchy, path);
    await waitFor(() => removed(folder), { what: `${folder} to be empty`, deadline: 20_000 });
  }
}

async function removed(folder: string): Promise<boolean> {
  if (!existsSync(folder)) return true;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removed(join(folder, entry.name));
  }
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}
