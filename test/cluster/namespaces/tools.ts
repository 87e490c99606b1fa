/**
 * The programs a cluster is made of: taken from a folder of ready ones, else built from Go modules. Each has a folder in
 * `tools/` whose go.mod says what is built and in which version.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { Impossible } from '../provider.ts';
import { output, succeeds } from '../run.ts';
import { tell } from '../tell.ts';
import type { Layout } from './layout.ts';

/** What is built, as Go names it, and with which flags. */
const packages = {
  kube: '.',
  etcd: 'go.etcd.io/etcd/server/v3',
  helm: 'helm.sh/helm/v3/cmd/helm',
  k6: 'go.k6.io/k6',
  coredns: 'github.com/coredns/coredns',
  'metrics-server': 'sigs.k8s.io/metrics-server/cmd/metrics-server',
} as const;

export type ToolName = keyof typeof packages;

/** All parts of Kubernetes are one program, which is the part whose name it is called by. */
const partsOfKube = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'kubectl'];

/**
 * Sees to it that the tool is in the layout's `bin`, and new enough.
 * @param cache A folder that has it ready, as `NAME` or `NAME.zst`; `undefined` = there is none.
 */
export async function ensureTool(layout: Layout, name: ToolName, cache: string | undefined): Promise<string> {
  const file = join(layout.bin, name);
  await mkdir(layout.bin, { recursive: true });
  const ready = cache === undefined ? undefined : await findReady(cache, name);
  const source = ready === undefined ? await moduleState(name) : `${ready.path} ${ready.size} ${ready.mtimeMs}`;
  const note = `${file}.source`;
  if ((await readFile(note, 'utf8').catch(() => '')) === source) return file;
  const draft = `${file}.new`;
  if (ready === undefined) await build(name, draft);
  else if (ready.path.endsWith('.zst')) {
    await pipeline(createReadStream(ready.path), createZstdDecompress(), createWriteStream(draft));
  } else await copyFile(ready.path, draft);
  await chmod(draft, 0o755);
  await rename(draft, file);
  if (name === 'kube') await linkParts(layout.bin);
  await writeFile(note, source);
  return file;
}

async function findReady(
  cache: string,
  name: string,
): Promise<{ path: string; size: number; mtimeMs: number } | undefined> {
  for (const path of [join(cache, name), join(cache, `${name}.zst`)]) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) return { path, size: found.size, mtimeMs: found.mtimeMs };
  }
  return undefined;
}

async function linkParts(bin: string): Promise<void> {
  for (const part of partsOfKube) {
    await rm(join(bin, part), { force: true });
    await symlink('kube', join(bin, part));
  }
}

const moduleFolder = (name: ToolName) => join(import.meta.dirname, 'tools', name);

/** Changes when something else would be built. */
async function moduleState(name: ToolName): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(moduleFolder(name), file)));
  return `go.mod ${hash.digest('hex')}`;
}

async function build(name: ToolName, file: string): Promise<void> {
  if (!(await succeeds(['go', 'version']))) {
    throw new Impossible(
      `there is no ${name}: neither Go (1.21 or later) to build it with, nor a folder in EVENKEEL_CLUSTER_TOOLS that has it as ${name} or ${name}.zst`,
    );
  }
  tell(`building ${name} from its Go module: minutes, once`);
  const folder = moduleFolder(name);
  const flags = ['-trimpath', '-ldflags', await linkerFlags(name), '-o', file];
  // What is put into an empty image must need no library.
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' };
  await output(['nice', '-n', '15', 'go', 'build', '-C', folder, ...flags, packages[name]], {
    env,
    timeout: 3_600_000,
  });
}

/** No symbols; and Kubernetes learns its version from its own build scripts only, which clients compare. */
async function linkerFlags(name: ToolName): Promise<string> {
  const flags = ['-s', '-w'];
  if (name === 'kube') {
    const [, version, major, minor] =
      /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(await readFile(join(moduleFolder(name), 'go.mod'), 'utf8')) ?? [];
    for (const where of ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']) {
      flags.push(`-X ${where}.gitVersion=${version} -X ${where}.gitMajor=${major} -X ${where}.gitMinor=${minor}`);
    }
  }
  return flags.join(' ');
}
