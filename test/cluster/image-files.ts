/** Images that people name on the command line: files, or names in a store. */
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageStore } from './image-store.ts';
import { Impossible } from './provider.ts';

/**
 * Calls `use` with a file for each image, one after the other.
 * @param scratch A folder for files that are written for it, and removed afterwards.
 */
export async function withImageFiles(
  images: readonly string[],
  stores: readonly ImageStore[],
  scratch: string,
  use: (file: string, image: string) => Promise<void>,
): Promise<void> {
  for (const image of images) {
    if (statSync(image, { throwIfNoEntry: false })?.isFile()) {
      await use(image, image);
      continue;
    }
    const store = await storeOf(image, stores);
    const folder = await mkdtemp(join(scratch, 'image-'));
    try {
      const file = join(folder, 'image.tar');
      await store.save(image, file);
      await use(file, image);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** The first store that has it. Rejects with a sentence when none has. */
export async function storeOf(image: string, stores: readonly ImageStore[]): Promise<ImageStore> {
  for (const store of stores) if (await store.has(image)) return store;
  const places = stores.map(({ name }) => name).join(', ');
  throw new Impossible(
    `${image} is no file, and no image in ${places === '' ? 'Docker or buildah: neither is here' : places}`,
  );
}
