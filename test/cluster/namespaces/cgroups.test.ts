import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hierarchies, makeCgroups, removeCgroups } from './cgroups.ts';

function root(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-cgroup-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('one hierarchy for all: a group hands its controllers down', async (t) => {
  const folder = root(t);
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids rdma misc\n');
  assert.deepEqual(await hierarchies(folder), [folder]);
  await makeCgroups('a/b', folder);
  assert.ok(existsSync(join(folder, 'a/b')));
  const handed = readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8');
  assert.equal(handed, '+cpu +cpuset +memory +pids +hugetlb +io');
});

test('one hierarchy for each controller: a new group may use the CPUs that its parent may', async (t) => {
  const folder = root(t);
  for (const name of ['cpuset', 'memory']) {
    mkdirSync(join(folder, name, 'a/b'), { recursive: true });
    writeFileSync(join(folder, name, 'cgroup.procs'), '');
  }
  // Beside them are links and folders that are none.
  mkdirSync(join(folder, 'none'));
  for (const [group, cpus] of Object.entries({ '.': '0-7', a: '', 'a/b': '' })) {
    writeFileSync(join(folder, 'cpuset', group, 'cpuset.cpus'), cpus);
    writeFileSync(join(folder, 'cpuset', group, 'cpuset.mems'), cpus);
  }
  assert.deepEqual((await hierarchies(folder)).sort(), [join(folder, 'cpuset'), join(folder, 'memory')]);
  await makeCgroups('a/b', folder);
  assert.equal(readFileSync(join(folder, 'cpuset/a/b/cpuset.cpus'), 'utf8'), '0-7');
  assert.equal(readFileSync(join(folder, 'cpuset/a/b/cpuset.mems'), 'utf8'), '0-7');
});

test('a group is removed with all below it, and one that is not there is removed already', async (t) => {
  const folder = root(t);
  mkdirSync(join(folder, 'memory/a/b/c'), { recursive: true });
  mkdirSync(join(folder, 'memory/other'));
  writeFileSync(join(folder, 'memory/cgroup.procs'), '');
  await removeCgroups('a', folder);
  await removeCgroups('a', folder);
  assert.equal(existsSync(join(folder, 'memory/a')), false);
  assert.ok(existsSync(join(folder, 'memory/other')));
});
