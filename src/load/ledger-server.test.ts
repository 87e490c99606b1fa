import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test';
import { request } from 'undici';
import { systemClock } from '../core/clock.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { Ledger, readExecutions } from './ledger.ts';
import { finalPatience, type Listing, mostBytes } from './ledger-protocol.ts';
import { LedgerReader } from './ledger-reader.ts';
import { type LedgerServer, startLedgerServer } from './ledger-server.ts';

const ids = (from: { executions: { id: string }[] }) => from.executions.map(({ id }) => id);

describe('the books, read from afar', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** The server on a clock that moves only when told, and a reader. */
  async function scene(t: TestContext, options: { keep?: number; directory?: string } = {}) {
    const clock = new VirtualClock();
    const listen = { host: '127.0.0.1', port: 0 };
    const server = await startLedgerServer({ directory, listen, server: 'pod-1', clock, ...options });
    t.after(() => server.close());
    return { clock, server, url: `http://127.0.0.1:${server.port}`, reader: reader(t, server) };
  }

  function reader(t: TestContext, { port }: LedgerServer): LedgerReader {
    const made = new LedgerReader(`http://127.0.0.1:${port}`, 'pod-1');
    t.after(() => made.close());
    return made;
  }

  function ledger(t: TestContext, options: { partSize?: number } = {}): Ledger {
    const made = new Ledger({ directory, server: 'pod-1', ...options });
    t.after(() => made.close());
    return made;
  }

  async function get(url: string): Promise<{ status: number; text: string }> {
    const { statusCode, body } = await request(url);
    return { status: statusCode, text: await body.text() };
  }

  it('come as they are written, each line once', async (t) => {
    const { reader } = await scene(t);
    await reader.read();
    assert.deepEqual(ids(reader), []);
    const ours = ledger(t);
    const end = ours.begin('r-0', 'pi');
    await reader.read();
    assert.deepEqual(
      reader.executions.map(({ id, writer, ended }) => [id, writer.server, ended]),
      [['r-0', 'pod-1', undefined]],
    );
    end();
    ours.begin('r-1', 'pi');
    await reader.read();
    await reader.read();
    assert.deepEqual(reader.executions, readExecutions(directory));
    assert.deepEqual(
      reader.executions.map(({ id, ended }) => [id, ended !== undefined]),
      [
        ['r-0', true],
        ['r-1', false],
      ],
    );
    assert.equal(reader.complete, false);
  });

  it('hold what a killed process wrote, and then what the one after it writes', async (t) => {
    const { reader } = await scene(t);
    const script = `
      import { Ledger } from ${JSON.stringify(new URL('./ledger.ts', import.meta.url).href)};
      const ledger = new Ledger({ directory: ${JSON.stringify(directory)}, server: 'pod-1' });
      ledger.begin('r-0', 'pi')();
      ledger.begin('r-1', 'pi');
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');
    ledger(t).begin('r-2', 'pi')();
    await reader.read();
    assert.deepEqual(
      reader.executions.map(({ id, ended }) => [id, ended !== undefined]),
      [
        ['r-0', true],
        ['r-1', false],
        ['r-2', true],
      ],
    );
  });

  it('are read on where a line was torn, whether it is finished later or never', async (t) => {
    const { reader } = await scene(t);
    ledger(t).begin('r-0', 'pi');
    const file = join(directory, readdirSync(directory)[0]!);
    // Torn within a letter of two bytes.
    const line = Buffer.from('{"kind":"begin","call":2,"id":"ré-1","method":"pi","at":1}\n');
    const middle = line.indexOf(0xc3) + 1;
    appendFileSync(file, line.subarray(0, middle));
    await reader.read();
    assert.deepEqual(ids(reader), ['r-0']);
    appendFileSync(file, line.subarray(middle));
    appendFileSync(file, '{"kind":"begin","call":3,"id":"r-2","met');
    await reader.read();
    await reader.read();
    assert.deepEqual(ids(reader).sort(), ['r-0', 'ré-1']);
  });

  it('go on in the next part when a file is large, and a call may end in another part than it began in', async (t) => {
    const { reader } = await scene(t);
    const ours = ledger(t, { partSize: 200 });
    const end = ours.begin('first', 'pi');
    for (let call = 0; call < 40; call++) ours.begin(`r-${call}`, 'pi')();
    end();
    await reader.read();
    assert.ok(readdirSync(directory).length > 10);
    assert.equal(reader.executions.length, 41);
    assert.ok(reader.executions.every(({ ended, writer }) => ended !== undefined && writer.server === 'pod-1'));
    assert.deepEqual(reader.executions, readExecutions(directory));
  });

  it('come in pieces, however large the file', async (t) => {
    const { reader, url } = await scene(t);
    ledger(t);
    const name = readdirSync(directory)[0]!;
    const filler = `${JSON.stringify({ kind: 'end', call: 0, at: 1, filler: 'x'.repeat(1000) })}\n`;
    appendFileSync(join(directory, name), filler.repeat(2500));
    appendFileSync(join(directory, name), '{"kind":"begin","call":1,"id":"last","method":"pi","at":1}\n');
    const { body } = await request(`${url}/calls?file=${name}&from=0`);
    assert.equal((await body.arrayBuffer()).byteLength, mostBytes);
    await reader.read();
    assert.deepEqual(ids(reader), ['last']);
  });

  it('stay until a reader has everything, when all processes have ended', async (t) => {
    const { reader, server, url } = await scene(t);
    const ours = ledger(t);
    ours.begin('r-0', 'pi')();
    await reader.read();
    ours.begin('r-1', 'pi')();
    const finished = server.finish();
    assert.equal((JSON.parse((await get(`${url}/calls`)).text) as Listing).state, 'final');
    await reader.read();
    assert.equal(await finished, true, 'no time has passed');
    assert.deepEqual(ids(reader), ['r-0', 'r-1']);
    assert.ok(reader.complete);
    await assert.rejects(reader.read(), 'it is gone');
    assert.ok(reader.complete, 'and that changes nothing');
  });

  it('go after a while when nobody comes; who comes before that gets all, who comes too late knows it', async (t) => {
    const { clock, server, reader: inTime } = await scene(t);
    const late = reader(t, server);
    ledger(t).begin('r-0', 'pi')();
    const finished = server.finish();
    clock.advance(finalPatience - 1);
    await inTime.read();
    assert.ok(inTime.complete);
    assert.equal(await finished, true);
    await assert.rejects(late.read());
    assert.equal(late.complete, false);

    const alone = await scene(t);
    const second = alone.server.finish();
    alone.clock.advance(finalPatience);
    assert.equal(await second, false);
    await assert.rejects(alone.reader.read());
  });

  it('are not let go by who has not all of them, or while processes may write', async (t) => {
    const { server, url } = await scene(t);
    const ours = ledger(t);
    ours.begin('r-0', 'pi');
    const done = async (bytes: number) => {
      const { statusCode, body } = await request(`${url}/calls/done?bytes=${bytes}`, { method: 'POST' });
      return [statusCode, await body.text()];
    };
    const { size } = statSync(join(directory, readdirSync(directory)[0]!));
    assert.deepEqual(await done(size), [409, 'processes may still write\n']);
    const finished = server.finish();
    assert.deepEqual(await done(size - 1), [409, `there are ${size} bytes, not ${size - 1}\n`]);
    assert.equal((await done(size))[0], 204);
    assert.equal(await finished, true);
  });

  it('make room for new ones: the oldest go, never what a process is writing, and who missed them hears of it', async (t) => {
    const { clock, reader: ahead, server, url } = await scene(t, { keep: 1000 });
    const behind = reader(t, server);
    const ours = ledger(t, { partSize: 300 });
    const idle = ledger(t);
    idle.begin('idle', 'pi');
    for (let call = 0; call < 20; call++) ours.begin(`r-${call}`, 'pi')();
    await ahead.read();
    clock.advance(1000);
    const listing = JSON.parse((await get(`${url}/calls`)).text) as Listing;
    assert.ok(listing.files.reduce((sum, { size }) => sum + size, 0) <= 1000);
    assert.ok(listing.removed.length > 3);
    await ahead.read();
    assert.equal(ahead.executions.length, 21);
    assert.deepEqual(ahead.lost, [], 'it had read them before');
    await behind.read();
    assert.ok(ids(behind).includes('idle') && ids(behind).includes('r-19') && !ids(behind).includes('r-0'));
    assert.equal(behind.lost.length, listing.removed.length);

    // What it has missed until now was of an earlier load test.
    behind.forget();
    ours.begin('r-new', 'pi')();
    await behind.read();
    assert.deepEqual([ids(behind), behind.lost], [['r-new'], []]);

    // It starts again: what is gone stays known.
    const again = await scene(t, { keep: 1000 });
    await again.reader.read();
    assert.equal(again.reader.lost.length, listing.removed.length);
    const finished = again.server.finish();
    await again.reader.read();
    assert.equal(await finished, true);
    assert.equal(again.reader.complete, false);
  });

  it('are refused when they are those of another server, who has the address now; what was read before is kept', async (t) => {
    const { reader, server, url } = await scene(t);
    ledger(t).begin('r-0', 'pi')();
    await reader.read();
    await server.close();
    const listen = { host: '127.0.0.1', port: Number(new URL(url).port) };
    const other = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    const newcomer = await startLedgerServer({ directory: other, listen, server: 'pod-2' });
    t.after(async () => {
      await newcomer.close();
      rmSync(other, { recursive: true });
    });
    const theirs = new Ledger({ directory: other, server: 'pod-2' });
    t.after(() => theirs.close());
    theirs.begin('r-1', 'pi')();
    // A connection of before may be found closed.
    await reader.read().catch(() => {});
    await assert.rejects(reader.read(), /^Error: the books there are those of pod-2$/);
    assert.deepEqual(ids(reader), ['r-0']);
  });

  it('are empty while there is no folder yet', async (t) => {
    const later = join(directory, 'later');
    const { reader } = await scene(t, { directory: later });
    await reader.read();
    mkdirSync(later);
    const ours = new Ledger({ directory: later });
    t.after(() => ours.close());
    ours.begin('r-0', 'pi');
    await reader.read();
    assert.deepEqual(ids(reader), ['r-0']);
  });

  it('are all that is served, and what is asked wrongly is told so', async (t) => {
    const { url } = await scene(t);
    ledger(t);
    appendFileSync(join(directory, 'secret.txt'), 'secret');
    const name = readdirSync(directory).find((each) => each.startsWith('handled-'))!;
    const cases: [path: string, status: number, text: RegExp][] = [
      ['/livez', 200, /^ok$/m],
      ['/', 404, /^there are GET \/calls, /],
      ['/calls?file=secret.txt', 404, /^there is no such file$/m],
      [`/calls?file=${encodeURIComponent('../../etc/passwd')}`, 404, /^there is no such file$/m],
      [`/calls?file=${encodeURIComponent(`../x/${name}`)}`, 404, /^there is no such file$/m],
      ['/calls?file=handled-1-none.1.ndjson', 404, /^there is no such file$/m],
      [`/calls?file=${name}&from=-1`, 400, /^from: expected a number of bytes$/m],
      [`/calls?file=${name}&from=999`, 416, /^the file has \d+ bytes$/m],
      [`/calls?file=${name}&file=${name}`, 404, /^there is no such file$/m],
    ];
    for (const [path, status, text] of cases) {
      const answer = await get(`${url}${path}`);
      assert.equal(answer.status, status, path);
      assert.match(answer.text, text);
    }
  });
});

it('a port that is taken is said with the way out', async (t) => {
  const listen = { host: '127.0.0.1', port: 0 };
  const options = { directory: tmpdir(), listen, server: 'x', clock: systemClock };
  const first = await startLedgerServer(options);
  t.after(() => first.close());
  await assert.rejects(
    startLedgerServer({ ...options, listen: { ...listen, port: first.port } }),
    /^Error: the ledger cannot listen on .* \(EADDRINUSE\)\. Another address is set by --listen HOST:PORT\.$/,
  );
});
