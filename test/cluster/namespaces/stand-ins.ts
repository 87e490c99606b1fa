/**
 * Images with the name, user, paths and entry point of public ones, made from packages of Debian, npm and Maven and from
 * the cluster's own tools, for machines that reach no registry of images. What is in each says its Dockerfile.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { fetchJars } from '../../support/apache-zookeeper-jars.ts';
import type { ImageStore } from '../image-store.ts';
import { output, run } from '../run.ts';
import { tell } from '../tell.ts';
import type { Layout } from './layout.ts';
import { ensurePackages, toStandIn } from './packages.ts';
import { type ImageKey, images } from './public-images.ts';
import { ensureTool, type ToolName } from './tools.ts';

interface Kitchen {
  layout: Layout;
  store: ImageStore;
  tools: string | undefined;
}

/** What those are built upon that hold more than one program. */
const baseImage = 'localhost/evenkeel-cluster/debian:slim';

/** Puts into `root` what the Dockerfile copies. */
const prepare: Record<ImageKey, (kitchen: Kitchen, root: string) => Promise<void>> = {
  async pause({ layout }, root) {
    await cp(join(layout.bin, 'pause'), join(root, 'pause'));
  },
  coredns: (kitchen, root) => withTool(kitchen, 'coredns', root, ''),
  'metrics-server': (kitchen, root) => withTool(kitchen, 'metrics-server', root, ''),
  async k6(kitchen, root) {
    await ensureBase(kitchen);
    await withTool(kitchen, 'k6', root, 'usr/bin');
  },
  async node(kitchen, root) {
    await ensureBase(kitchen);
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'));
    await fromNpm(`node-linux-${arch()}@${manifest.devDependencies.node}`, join(root, '..'), 'node');
    await cp(join(root, '../node/bin/node'), join(root, 'usr/local/bin/node'));
    await fromNpm('npm@11', join(root, 'usr/local/lib/node_modules'), 'npm');
    // Where a proxy signs with an authority of its own, npm works in a build only if it knows that one.
    const authorities = '/etc/ssl/certs/ca-certificates.crt';
    if (existsSync(authorities)) await cp(authorities, join(root, authorities));
  },
  async zookeeper(kitchen, root) {
    await ensureBase(kitchen);
    await fetchJars(jars, join(root, 'apache-zookeeper/lib'), join(root, '..'));
    for (const name of await readdir(join(root, 'apache-zookeeper/lib'))) {
      if (/osx|windows|aarch_64|aarch64/.test(name) && arch() === 'x64')
        await rm(join(root, 'apache-zookeeper/lib', name));
    }
  },
};

const zookeeper = '3.9.4';
const jars = [
  `org.apache.zookeeper:zookeeper:${zookeeper}`,
  `org.apache.zookeeper:zookeeper-prometheus-metrics:${zookeeper}`,
  'io.dropwizard.metrics:metrics-core:4.1.12.1',
  'org.xerial.snappy:snappy-java:1.1.10.5',
  'ch.qos.logback:logback-classic:1.3.15',
  // The admin server's.
  'org.eclipse.jetty:jetty-servlet:9.4.57.v20241219',
  'com.fasterxml.jackson.core:jackson-databind:2.15.2',
  'commons-cli:commons-cli:1.5.0',
];

const recipe = (name: string) => join(import.meta.dirname, 'stand-ins', name);

/** Changes when another image would be built. */
export async function standInVersion(key: ImageKey): Promise<string> {
  return versionOf(['base', key]);
}

async function versionOf(recipes: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(await readFile(import.meta.filename));
  for (const name of recipes) {
    for (const file of await readdir(recipe(name))) hash.update(await readFile(join(recipe(name), file)));
  }
  return `stand-in ${hash.digest('hex')}`;
}

/** Builds it in the store. */
export async function buildStandIn(key: ImageKey, kitchen: Kitchen): Promise<void> {
  await ensurePackages(toStandIn);
  tell(`making a stand-in for ${images[key].name}`);
  const folder = join(kitchen.layout.build, key);
  await rm(folder, { recursive: true, force: true });
  const root = join(folder, 'root');
  await mkdir(root, { recursive: true });
  await cp(recipe(key), folder, { recursive: true });
  await prepare[key](kitchen, root);
  await kitchen.store.build({ folder, image: images[key].name });
  await rm(folder, { recursive: true });
}

async function ensureBase({ layout, store }: Kitchen): Promise<void> {
  const note = join(layout.build, 'base.source');
  const version = await versionOf(['base']);
  if ((await store.has(baseImage)) && (await readFile(note, 'utf8').catch(() => '')) === version) return;
  const folder = join(layout.build, 'base');
  await rm(folder, { recursive: true, force: true });
  await cp(recipe('base'), folder, { recursive: true });
  // The suite of this machine: its keys and its mirrors are known here.
  const suite = /^VERSION_CODENAME=(\S+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  // What nobody reads there would be copied with every image, to every node. Java's package wants the folders of man.
  const nothing = [
    'path-exclude=/usr/share/doc/*',
    'path-exclude=/usr/share/locale/*',
    'path-exclude=/usr/share/man/*',
  ];
  const leaner = [...nothing, 'path-include=/usr/share/man/man?'].map((option) => `--dpkgopt=${option}`);
  const how = ['--quiet', '--variant=minbase', '--format=tar', '--include=ca-certificates,libstdc++6,libatomic1'];
  await output(['mmdebstrap', ...how, ...leaner, suite, join(folder, 'root.tar')], { timeout: 900_000 });
  await store.build({ folder, image: baseImage });
  await rm(folder, { recursive: true });
  await writeFile(note, version);
}

async function withTool({ layout, tools }: Kitchen, name: ToolName, root: string, folder: string): Promise<void> {
  const file = await ensureTool(layout, name, tools);
  await mkdir(join(root, folder), { recursive: true });
  await cp(file, join(root, folder, name));
  // One that was not built here may need libraries, and the image may be empty but for it.
  const { stdout } = await run(['ldd', file]);
  for (const library of stdout.match(/\/\S+/g) ?? []) {
    await mkdir(dirname(join(root, library)), { recursive: true });
    await cp(await realpath(library), join(root, library));
  }
}

/** Unpacks an npm package as a folder of that name. */
async function fromNpm(spec: string, parent: string, name: string): Promise<void> {
  await mkdir(parent, { recursive: true });
  const packed = await output(['npm', 'pack', '--silent', spec], { cwd: parent, timeout: 300_000 });
  const file = join(parent, packed.trim().split('\n').at(-1)!);
  await output(['tar', '-xzf', file, '-C', parent], { timeout: 120_000 });
  await rename(join(parent, 'package'), join(parent, name));
  await rm(file);
  for (const program of await readdir(join(parent, name, 'bin')))
    await chmod(join(parent, name, 'bin', program), 0o755);
}
