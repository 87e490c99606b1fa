import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type HandlerContext, method, type ServiceModule, service } from '../core/contract.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { callIdKey, Ledger, readExecutions, recorded } from './ledger.ts';

describe("the handlers' ledger", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('holds what began and what ended, and who wrote it', () => {
    const clock = new VirtualClock(1000);
    const ledger = new Ledger({ directory, server: 'server-1', clock });
    const endFirst = ledger.begin('r-0', 'pi');
    clock.advance(5);
    ledger.begin('r-1', 'append');
    clock.advance(5);
    endFirst();
    ledger.close();
    const writer = { server: 'server-1', pid: process.pid };
    assert.deepEqual(readExecutions(directory), [
      { id: 'r-0', method: 'pi', writer, began: 1000, ended: 1010 },
      { id: 'r-1', method: 'append', writer, began: 1005, ended: undefined },
    ]);
  });

  it('tells two runs of the same call apart', () => {
    const ledger = new Ledger({ directory });
    const end = ledger.begin('r-0', 'pi');
    ledger.begin('r-0', 'pi');
    end();
    ledger.close();
    assert.deepEqual(
      readExecutions(directory).map(({ id, ended }) => [id, ended !== undefined]),
      [
        ['r-0', true],
        ['r-0', false],
      ],
    );
  });

  it('survives its process being killed in the middle of a call', async () => {
    const script = `
      import { Ledger } from ${JSON.stringify(new URL('./ledger.ts', import.meta.url).href)};
      const ledger = new Ledger({ directory: ${JSON.stringify(directory)}, server: 'doomed' });
      ledger.begin('r-0', 'pi')();
      ledger.begin('r-1', 'pi');
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');
    const executions = readExecutions(directory);
    assert.deepEqual(
      executions.map(({ id, ended, writer }) => [id, ended !== undefined, writer.server]),
      [
        ['r-0', true, 'doomed'],
        ['r-1', false, 'doomed'],
      ],
    );
  });

  it('passes over a torn last line', () => {
    const ledger = new Ledger({ directory });
    ledger.begin('r-0', 'pi');
    ledger.close();
    appendFileSync(join(directory, readdirSync(directory)[0]!), '{"kind":"begin","call":2,"id":"r-1","met');
    assert.deepEqual(
      readExecutions(directory).map(({ id }) => id),
      ['r-0'],
    );
  });

  it('writes each call with an id, also one that fails, and none without', async () => {
    const ledger = new Ledger({ directory });
    const module: ServiceModule = {
      service: service('s', { fine: method(), bad: method() }),
      handlers: {
        fine: (input) => input,
        bad: () => {
          throw new Error('no');
        },
      },
    };
    const { handlers } = recorded(module, ledger);
    const context = (id?: string) =>
      ({ metadata: id === undefined ? {} : { [callIdKey]: id } }) as unknown as HandlerContext;
    assert.equal(await handlers.fine!(7, context('r-0')), 7);
    await assert.rejects(async () => handlers.bad!(7, context('r-1')), { message: 'no' });
    assert.equal(await handlers.fine!(8, context()), 8);
    ledger.close();
    assert.deepEqual(
      readExecutions(directory).map(({ id, method, ended }) => [id, method, ended !== undefined]),
      [
        ['r-0', 'fine', true],
        ['r-1', 'bad', true],
      ],
    );
  });
});
