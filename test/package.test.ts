import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
// Below the root, so that what it depends on is found there.
const folder = join(root, '.cache', 'package-test');
const installed = join(folder, 'node_modules', 'evenkeel');
const tsc = join(root, 'node_modules', '.bin', 'tsc');

/** What a stranger writes who has installed the package. */
const consumer = `
import { connect, method, RpcError, serve, service, type Handlers } from 'evenkeel';
import { makeLog, makeMetrics, startOps } from 'evenkeel/ops';
import pino from 'pino';
import { z } from 'zod';

const math = service('math', {
  half: method({ input: z.object({ of: z.number() }), output: z.number(), idempotent: true }),
});
const handlers: Handlers<typeof math.methods> = {
  half({ of }) {
    if (of < 0) throw new RpcError('OUT_OF_RANGE', 'below zero');
    return of / 2;
  },
};
const metrics = makeMetrics();
const ops = await startOps({ listen: { host: '127.0.0.1', port: 0 }, metrics: () => metrics.text() });
const server = await serve(math, handlers, {
  listen: '127.0.0.1:0',
  drainDelay: 0,
  log: makeLog({ level: 'error' }),
  metrics,
});
const log = pino({ level: 'error' });
const client = connect(math, { registry: \`static:127.0.0.1:\${server.port}\`, log, metrics });
const half: number = await client.half({ of: 42 });
// @ts-expect-error the contract is typed
const wrong = client.half({ of: 'x' }).catch((error: unknown) => (RpcError.is(error) ? error.code : 'none'));
console.log(half, await wrong);
await client.close();
await server.close();
await ops.close();
`;

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist')], { cwd: root });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  writeFileSync(join(folder, 'consumer.ts'), consumer);
});

/** The files that the README shows, each with its name in its first line. */
function shown(): [name: string, text: string][] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  return Array.from(readme.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs), ([, name, text]) => [name!, text!]);
}

test('what is published works and is typed for who installs it, its declarations checked too', async () => {
  const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, types: ['node'], outDir: 'out' };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  await run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: folder }).catch((error) =>
    assert.fail(error.stdout),
  );
  const { stdout } = await run(process.execPath, [join(folder, 'out', 'consumer.js')], { cwd: folder });
  assert.equal(stdout, '21 INVALID_ARGUMENT\n');
});

test('what the README shows is whole: it needs nothing that it does not import', async () => {
  const files = shown();
  assert.deepEqual(
    files.map(([name]) => name),
    ['contract.ts', 'server.ts', 'module.ts', 'client.ts'],
  );
  const place = join(folder, 'readme');
  mkdirSync(place);
  for (const [name, text] of files) writeFileSync(join(place, name), text);
  const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, types: ['node'], noEmit: true };
  const config = {
    compilerOptions: { ...compilerOptions, allowImportingTsExtensions: true, typeRoots: ['../node_modules/@types'] },
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(config));
  await run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: place }).catch((error) => assert.fail(error.stdout));
});

test('the published command runs', async () => {
  const main = join(installed, 'dist', 'cli', 'main.js');
  const { stdout } = await run(process.execPath, [main, '--version']);
  assert.match(stdout, /^\d+\.\d+\.\d+/);
  const port = 20_000 + (process.pid % 20_000);
  const server = execFile(process.execPath, [
    main,
    'serve',
    'pi',
    '--listen',
    `127.0.0.1:${port}`,
    '--drain-delay',
    '0',
  ]);
  try {
    const call = await run(process.execPath, [main, 'call', 'pi', '98', '--registry', `static:127.0.0.1:${port}`]);
    assert.match(call.stdout, /^3\.13837578257/);
  } finally {
    server.kill('SIGTERM');
    await new Promise((resolve) => server.once('exit', resolve));
  }
  assert.equal(server.exitCode, 0);
});
