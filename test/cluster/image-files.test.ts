import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { withImageFiles } from './image-files.ts';
import type { ImageStore } from './image-store.ts';
import { Impossible } from './provider.ts';

function somewhere(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-images-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A store that has these images. */
function store(name: string, ...images: string[]): ImageStore {
  return {
    name,
    has: async (image: string) => images.includes(image),
    save: async (image: string, file: string) => writeFileSync(file, `${image} of ${name}`),
  } as ImageStore;
}

test('a file is taken as it is, an image from the first store that has it, and nothing stays behind', async (t) => {
  const scratch = somewhere(t);
  const file = join(scratch, 'image.tar');
  writeFileSync(file, 'a file');
  const seen: string[] = [];
  const stores = [store('one', 'a:1'), store('two', 'a:1', 'b:2')];
  await withImageFiles([file, 'a:1', 'b:2'], stores, scratch, async (path, image) => {
    seen.push(`${image}: ${readFileSync(path, 'utf8')}`);
  });
  assert.deepEqual(seen, [`${file}: a file`, 'a:1: a:1 of one', 'b:2: b:2 of two']);
  assert.deepEqual(readdirSync(scratch), ['image.tar']);
});

test('what was written goes also when its use fails', async (t) => {
  const scratch = somewhere(t);
  const use = () => Promise.reject(new Error('no space'));
  await assert.rejects(withImageFiles(['a:1'], [store('one', 'a:1')], scratch, use), { message: 'no space' });
  assert.deepEqual(readdirSync(scratch), []);
});

test('a folder that is called like an image is no file', async (t) => {
  const scratch = somewhere(t);
  const folder = join(scratch, 'evenkeel');
  mkdirSync(folder);
  assert.ok(existsSync(folder));
  await assert.rejects(
    withImageFiles([folder], [store('one'), store('two')], scratch, async () => {}),
    (error) => {
      assert.ok(error instanceof Impossible);
      assert.equal(error.message, `${folder} is no file, and no image in one, two`);
      return true;
    },
  );
});
