/** Where images are built and kept: Docker, or a storage of buildah's. */
import { join } from 'node:path';
import { fullImageName } from './image-name.ts';
import { output, succeeds } from './run.ts';

export interface ImageStore {
  readonly name: string;
  has(image: string): Promise<boolean>;
  build(build: ImageBuild): Promise<void>;
  /** Writes an image to a file as `docker save` does, under its full name. */
  save(image: string, file: string): Promise<void>;
  /** Takes in what `save` wrote. @returns its name. */
  read(file: string): Promise<string>;
  pull(image: string): Promise<void>;
  push(image: string, destination: string): Promise<void>;
}

export interface ImageBuild {
  /** Its Dockerfile, and what that takes. */
  folder: string;
  /** One of the Dockerfile. Default: the last. */
  target?: string;
  image: string;
  /** Shows what the builder says. */
  show?: boolean;
}

/** Images are hundreds of megabytes, and a build fetches packages. */
const timeout = 1_800_000;

export const docker: ImageStore = {
  name: 'Docker',
  has: (image) => succeeds(['docker', 'image', 'inspect', image]),
  async build({ folder, target, image, show = false }) {
    const which = target === undefined ? [] : ['--target', target];
    await output(['docker', 'build', '--tag', image, ...which, folder], { timeout, show });
  },
  async save(image, file) {
    await output(['docker', 'save', '--output', file, image], { timeout });
  },
  async read(file) {
    const said = await output(['docker', 'load', '--input', file], { timeout });
    return loadedName(said, file);
  },
  async pull(image) {
    await output(['docker', 'pull', image], { timeout });
  },
  async push(image, destination) {
    await output(['docker', 'tag', image, destination]);
    await output(['docker', 'push', destination], { timeout });
  },
};

/** Whether there is an engine behind the command. */
export const dockerAnswers = () => succeeds(['docker', 'info'], { timeout: 10_000 });

/** @param root Where it keeps images; default: where buildah does for everybody. */
export function buildah(root?: string): ImageStore {
  const place = root === undefined ? [] : ['--root', root, '--runroot', join(root, 'run')];
  // Its mounts would stay behind. In a namespace for them they end with it.
  const command = ['unshare', '--mount', 'buildah', '--storage-driver', 'overlay', ...place];
  // Needs less of a machine than its default does, and is as good for what we build.
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot' };
  const has = (image: string) => succeeds([...command, 'inspect', '--type', 'image', image]);
  /** The name that it has here: without a registry buildah calls it localhost's. */
  const known = async (image: string) => {
    const full = fullImageName(image);
    return (await has(full)) ? full : `localhost/${image}`;
  };
  return {
    name: root === undefined ? 'buildah' : `buildah in ${root}`,
    has: async (image) =>
      (await has(fullImageName(image))) || (!image.includes('/') && (await has(`localhost/${image}`))),
    async build({ folder, target, image, show = false }) {
      const which = target === undefined ? [] : ['--target', target];
      const how = ['--format', 'docker', '--layers', '--tag', fullImageName(image)];
      await output([...command, 'bud', ...how, ...which, folder], { env, timeout, show });
    },
    async save(image, file) {
      const named = `docker-archive:${file}:${fullImageName(image)}`;
      await output([...command, 'push', '--quiet', await known(image), named], { timeout });
    },
    async read(file) {
      const id = (await output([...command, 'pull', '--quiet', `docker-archive:${file}`], { timeout })).trim();
      return (await output([...command, 'inspect', '--type', 'image', '--format', '{{.FromImage}}', id])).trim();
    },
    async pull(image) {
      await output([...command, 'pull', '--quiet', fullImageName(image)], { timeout });
    },
    async push(image, destination) {
      await output([...command, 'push', '--quiet', await known(image), `docker://${destination}`], { timeout });
    },
  };
}

function loadedName(said: string, file: string): string {
  const name = /^Loaded image: (\S+)/m.exec(said)?.[1];
  if (name === undefined) throw new Error(`${file} holds no image with a name (docker load said: ${said.trim()})`);
  return name;
}
