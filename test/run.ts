/**
 * Runs the tests: `node test/run.ts` those that every change must pass, with `--faults` the long ones with real processes
 * and many rounds, with paths only those. What needs a Kubernetes is run by `npm run e2e`. What needs a cluster, test/e2e, is in none of them. An unhandled rejection anywhere
 * fails the run: node's test runner sees to it.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const faults = process.argv.includes('--faults');
const given = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files =
  given.length > 0 ? given : globSync(faults ? 'test/faults/**/*.test.ts' : '{src,test,docs,bench}/**/*.test.ts');
const chosen = given.length > 0 || faults ? files : files.filter((file) => !/^test\/(faults|e2e)\//.test(file));
if (chosen.length === 0) throw new Error(`no test file found in ${process.cwd()}`);

// Faults are timed on whole processes: run one after the other they do not disturb each other. Of the others some mostly
// wait, for a session to expire or a server to drain: more of them than cores.
const concurrency = faults ? 1 : availableParallelism() + 2;
const { status } = spawnSync(
  process.execPath,
  [
    '--conditions=evenkeel-source',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-timeout=600000',
    '--test-reporter=spec',
    ...chosen.sort(),
  ],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
