/** The script of `helm test`, against a stack of real processes: it finds all well, and finds what is not. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import { EvenkeelGroup } from '../support/evenkeel-group.ts';

const script = fileURLToPath(new URL('../../charts/evenkeel/files/stack.mjs', import.meta.url));
const going = ['--drain-delay', '100ms', '--grace', '10s', '--ops', '127.0.0.1:0'];

function run(env: Record<string, string>): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script],
      { env: { ...process.env, ...env }, timeout: 60_000 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout: `${stdout}${stderr}` }),
    );
  });
}

it('the script of helm test', async (test) => {
  const zookeeper = await startZooKeeper();
  test.after(() => zookeeper.close());
  const registry = ['--registry', `zookeeper://${zookeeper.connect}/evenkeel/ns/shop/pi`];
  const start = (...args: string[]) => EvenkeelGroup.start(test, [...args, '--listen', '127.0.0.1:0', ...going]);
  const server = start('serve', 'pi', ...registry);
  const stranger = start('serve', 'pi');
  const gateway = start('gateway', ...registry);
  /** Where a server is, as the script is told. */
  const at = async (group: EvenkeelGroup) => ({
    SERVERS: '127.0.0.1',
    SERVER_RPC: port((await group.line('serving')).listen),
    SERVER_OPS: port((await group.line('probes and metrics are served')).ops),
  });
  const { listen } = await gateway.line('the gateway serves');
  // The gateway shows on its own port what it shows on its ops port.
  const through = (host: unknown) => ({ GATEWAY: `http://${host}`, GATEWAY_OPS: `http://${host}` });
  const well = { ...(await at(server)), ...through(listen), DEMONSTRATION: 'true', TIMEOUT_SECONDS: '30' };

  await test.test('finds all well', async () => {
    const { code, stdout } = await run(well);
    assert.equal(code, 0, stdout);
    assert.equal(stdout.match(/^ok {6}/gm)?.length, 9, stdout);
    assert.match(stdout, /all is well\n$/);
  });

  await test.test('fails when it must', async () => {
    const { code, stdout } = await run({ ...well, MUST_FAIL: 'true', TIMEOUT_SECONDS: '0' });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^FAILED {2}what is wrong is found to be wrong$/m);
    assert.match(stdout, /^1 of 10 checks failed$/m);
  });

  await test.test('says what is wrong where there is no gateway', async () => {
    const { code, stdout } = await run({ ...well, ...through('127.0.0.1:9'), TIMEOUT_SECONDS: '0' });
    assert.equal(code, 1);
    assert.match(stdout, /FAILED {2}the gateway is ready\n.*(ECONNREFUSED|bad port)/);
  });

  await test.test('finds a server that is not registered', async () => {
    const { code, stdout } = await run({ ...well, ...(await at(stranger)), TIMEOUT_SECONDS: '0' });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /FAILED {2}every server that is ready is registered exactly once/);
    assert.match(stdout, /^ok {6}the gateway is ready$/m);
  });
});

function port(address: unknown): string {
  return String(address).split(':')[1]!;
}
