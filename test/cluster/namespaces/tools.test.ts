import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { Impossible } from '../provider.ts';
import { type Layout, layoutOf } from './layout.ts';
import { missingPackages, toBuildImages, toRun, toStandIn } from './packages.ts';
import { ensureTool } from './tools.ts';

function somewhere(t: TestContext): { layout: Layout; cache: string } {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-tools-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return { layout: layoutOf(join(folder, 'state')), cache: folder };
}

test('a tool that is ready is taken as it is, or unpacked', async (t) => {
  const { layout, cache } = somewhere(t);
  writeFileSync(join(cache, 'etcd'), 'plain');
  writeFileSync(join(cache, 'helm.zst'), zstdCompressSync('packed'));
  for (const [name, text] of [
    ['etcd', 'plain'],
    ['helm', 'packed'],
  ] as const) {
    const file = await ensureTool(layout, name, cache);
    assert.equal(file, join(layout.bin, name));
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.equal(statSync(file).mode & 0o777, 0o755);
  }
});

test('it is taken again only when there is another one', async (t) => {
  const { layout, cache } = somewhere(t);
  writeFileSync(join(cache, 'etcd'), 'old');
  const file = await ensureTool(layout, 'etcd', cache);
  writeFileSync(file, 'touched');
  await ensureTool(layout, 'etcd', cache);
  assert.equal(readFileSync(file, 'utf8'), 'touched');
  writeFileSync(join(cache, 'etcd'), 'a new one');
  await ensureTool(layout, 'etcd', cache);
  assert.equal(readFileSync(file, 'utf8'), 'a new one');
});

test('all parts of Kubernetes are one program', async (t) => {
  const { layout, cache } = somewhere(t);
  writeFileSync(join(cache, 'kube'), 'all');
  await ensureTool(layout, 'kube', cache);
  for (const part of ['kube-apiserver', 'kubelet', 'kubectl'])
    assert.equal(readlinkSync(join(layout.bin, part)), 'kube');
});

test('neither ready nor Go: one sentence says what would help, and nothing is left behind', async (t) => {
  const { layout, cache } = somewhere(t);
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = cache;
  await assert.rejects(ensureTool(layout, 'k6', cache), (error) => {
    assert.ok(error instanceof Impossible);
    assert.match(error.message, /^there is no k6: neither Go .* nor a folder in EVENKEEL_CLUSTER_TOOLS .* k6\.zst$/);
    return true;
  });
  assert.equal(existsSync(join(layout.bin, 'k6')), false);
});

test('Debian packages that are missing', (t) => {
  const { cache } = somewhere(t);
  assert.deepEqual(missingPackages(toBuildImages, cache), ['buildah']);
  writeFileSync(join(cache, 'buildah'), '', { mode: 0o755 });
  assert.deepEqual(missingPackages(toBuildImages, cache), []);
  // A file that cannot be run is no program.
  writeFileSync(join(cache, 'mvn'), '', { mode: 0o644 });
  assert.deepEqual(missingPackages(toStandIn, cache), ['mmdebstrap', 'maven']);
  assert.ok(missingPackages(toRun, cache).includes('containerd'));
});
