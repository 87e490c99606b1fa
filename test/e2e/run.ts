import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseProvider } from '../cluster/choose.ts';
import { buildImages } from '../cluster/images.ts';
import type { Provider, ProviderName } from '../cluster/provider.ts';
import { tell } from '../cluster/tell.ts';
import { figures } from './figures.ts';
import type { Row } from './lossless/watched.ts';
import { verdict } from './verdict.ts';

export interface Asked {
  provider?: ProviderName;
  /** Tag of the images. */
  tag: string;
  /** Build them, and put them on the nodes. */
  build: boolean;
  /** Leave the cluster up. */
  keep: boolean;
  /** Where to write the figures. */
  json?: string;
  /** Test files. None: all. */
  files: readonly string[];
}

/** What needs a cluster, after what needs no more than the helm and the k6 that come with one. */
const everything = [
  'test/charts/*.test.ts',
  'src/load/generator/generators.test.ts',
  'test/loadtest-scripts.test.ts',
  'test/e2e/*.test.ts',
];

/** Gives the exit code: 0 when all tests passed. The cluster is taken down in any case, but one of somebody else's. */
export async function runEndToEnd(asked: Asked): Promise<number> {
  const provider = await chooseProvider(asked.provider === undefined ? {} : { provider: asked.provider });
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-e2e-'));
  const rowsFile = join(folder, 'rows');
  writeFileSync(rowsFile, '');
  try {
    await provider.up();
    if (asked.build) {
      const images = await buildImages(provider, asked.tag);
      // For an upgrade to roll to.
      images.push(...(await buildImages(provider, `${asked.tag}-next`, ['evenkeel'])));
      await provider.load(images);
    }
    const passed = await runTests(provider, asked, rowsFile);
    const rows = readFileSync(rowsFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
    if (rows.length > 0) console.log(`\n${verdict(rows)}`);
    if (asked.json !== undefined) {
      writeFileSync(asked.json, `${JSON.stringify(await figures(provider, rows), undefined, 2)}\n`);
    }
    return passed ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
    if (asked.keep) tell('the cluster stays up: npm run cluster -- --help says what can be done with it');
    else await provider.down();
  }
}

async function runTests(provider: Provider, asked: Asked, rowsFile: string): Promise<boolean> {
  const files = asked.files.length > 0 ? asked.files : everything.flatMap((pattern) => globSync(pattern).sort());
  if (files.length === 0) throw new Error(`no test file found in ${process.cwd()}`);
  // One file after the other: they share the CPU, and some of them measure.
  const runner = ['--test', '--test-concurrency=1', '--test-timeout=3600000', '--test-reporter=spec'];
  const argv = [process.execPath, '--conditions=evenkeel-source', ...runner, ...files];
  const { file, args, env } = await provider.command(argv);
  const child = spawn(file, args, {
    stdio: 'inherit',
    env: {
      ...env,
      EVENKEEL_CLUSTER: provider.name,
      EVENKEEL_E2E_TAG: asked.tag,
      EVENKEEL_E2E_ROWS: rowsFile,
    },
  });
  // The tests end first, then the cluster. Ctrl-C reaches the tests by itself.
  const pass = () => child.kill('SIGTERM');
  const wait = () => {};
  process.on('SIGTERM', pass).on('SIGINT', wait);
  try {
    const [code] = await once(child, 'close');
    return code === 0;
  } finally {
    process.off('SIGTERM', pass).off('SIGINT', wait);
  }
}
