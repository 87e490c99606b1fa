/** Public images: pulled where a registry can be reached, otherwise made here. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildah, type ImageStore } from '../image-store.ts';
import { output } from '../run.ts';
import { tell } from '../tell.ts';
import type { Layout } from './layout.ts';
import { ctr } from './node.ts';
import { ensurePackages, toBuildImages } from './packages.ts';
import { type ImageKey, imageKeys, images } from './public-images.ts';
import { buildStandIn, standInVersion } from './stand-ins.ts';

/** ms. A machine without a way out says so at once or never. */
const reachDeadline = 3_000;

/** Sees to it that the images that nodes run are there as files. @returns those. */
export async function ensureNodeImages(layout: Layout, tools: string | undefined): Promise<string[]> {
  const needed = imageKeys.filter((key) => images[key].onNodes);
  for (const key of needed) {
    if (existsSync(imageFile(layout, key)) && (await isCurrent(layout, key))) continue;
    await obtain(key, layout, await ownStore(layout), tools);
  }
  return needed.map((key) => imageFile(layout, key));
}

/** Sees to it that the store has what evenkeel's Dockerfile is built upon. */
export async function ensureBuildImages(layout: Layout, store: ImageStore, tools: string | undefined): Promise<void> {
  for (const key of imageKeys) {
    if (!images[key].inBuilds) continue;
    if ((await store.has(images[key].name)) && (await isCurrent(layout, key))) continue;
    await obtain(key, layout, store, tools);
  }
}

const imageFile = (layout: Layout, key: ImageKey) => join(layout.images, `${key}.tar`);

/** Beside the files: where each image came from. */
export const sourceNote = (layout: Layout, key: string): string => join(layout.images, `${key}.source`);

async function isCurrent(layout: Layout, key: ImageKey): Promise<boolean> {
  const source = await readFile(sourceNote(layout, key), 'utf8').catch(() => '');
  return source === pulled(key) || source === (await standInVersion(key));
}

const pulled = (key: ImageKey) => `pulled ${images[key].name}`;

/** buildah, with a storage of the cluster's own: a stand-in must not be mistaken for the image whose name it has. */
export async function ownStore(layout: Layout): Promise<ImageStore> {
  await ensurePackages(toBuildImages);
  await mkdir(layout.storage, { recursive: true });
  return buildah(layout.storage);
}

async function obtain(key: ImageKey, layout: Layout, store: ImageStore, tools: string | undefined): Promise<void> {
  await mkdir(layout.images, { recursive: true });
  const note = sourceNote(layout, key);
  await rm(note, { force: true });
  const source = (await pull(key, store)) ? pulled(key) : await standInVersion(key);
  if (source !== pulled(key)) await buildStandIn(key, { layout, store, tools });
  if (images[key].onNodes) {
    const file = imageFile(layout, key);
    await rm(`${file}.new`, { force: true });
    await store.save(images[key].name, `${file}.new`);
    await rename(`${file}.new`, file);
  }
  await writeFile(note, source);
}

async function pull(key: ImageKey, store: ImageStore): Promise<boolean> {
  const { name } = images[key];
  if (!(await reaches(name.split('/')[0]!))) return false;
  tell(`pulling ${name}`);
  try {
    await store.pull(name);
    return true;
  } catch (cause) {
    tell(`${name} cannot be pulled (${(cause as Error).message.split('\n').at(-1)})`);
    return false;
  }
}

const asked = new Map<string, Promise<boolean>>();

function reaches(registry: string): Promise<boolean> {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  let answer = asked.get(host);
  if (answer === undefined) {
    const signal = AbortSignal.timeout(reachDeadline);
    // 401 is the usual answer: whom it does not know it lets pull all the same.
    answer = fetch(`https://${host}/v2/`, { signal }).then(
      ({ status }) => status === 200 || status === 401,
      () => false,
    );
    asked.set(host, answer);
  }
  return answer;
}

/** Puts an image on a node. */
export async function importImage(layout: Layout, number: number, file: string): Promise<void> {
  const command = [...ctr(layout, number), 'images', 'import', '--snapshotter', 'overlayfs', file];
  await output(command, { timeout: 600_000 });
}
