import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { driver } from './driver.ts';
import type { DialOptions, Ticket } from './link.ts';

const ticket: Ticket = {
  id: Buffer.from('0102030405060708', 'hex'),
  password: Buffer.alloc(16, 7),
  timeout: 4_000,
  zxid: Buffer.from('000000050000002a', 'hex'),
};

const frame = (...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
};
const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
/** The answer to the greeting. */
const welcome = (timeout: number) => frame(int(0), int(timeout), ticket.id, int(16), ticket.password, Buffer.alloc(1));
/** An answer without a body. */
const reply = (xid: number, error: number) => frame(int(xid), Buffer.alloc(8, 1), int(error));

describe('a link', () => {
  let server: Server;
  let port: number;
  let sockets: Socket[];
  /** What the server does with each piece that comes. */
  let onData: (socket: Socket, data: Buffer, n: number) => void;
  const greeted = (timeout = 4_000) => {
    onData = (socket, _data, n) => {
      if (n === 1) socket.write(welcome(timeout));
    };
  };
  const dial = (options: Partial<DialOptions> = {}) =>
    driver(systemClock)({
      address: { host: '127.0.0.1', port },
      timeout: 4_000,
      deadline: 20_000,
      ticket: undefined,
      auth: undefined,
      signal: new AbortController().signal,
      ...options,
    });

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      let n = 0;
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (data: Buffer) => onData(socket, data, ++n));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('carries the session on: id, password, timeout and the newest transaction seen', async () => {
    let greeting: Buffer = Buffer.alloc(0);
    onData = (socket, data) => {
      greeting = data;
      socket.write(welcome(3_000));
    };
    const link = await dial({ ticket });
    assert.deepEqual(greeting.subarray(8, 16), ticket.zxid);
    assert.equal(greeting.readInt32BE(16), 4_000);
    assert.deepEqual(greeting.subarray(20, 28), ticket.id);
    assert.deepEqual(greeting.subarray(32, 48), ticket.password);
    assert.equal(link.sessionId, 0x0102030405060708n);
    assert.equal(link.timeout, 3_000, 'the server has the last word');
    assert.deepEqual(link.ticket, { ...ticket, timeout: 3_000 });
    link.destroy(new Error('done'));
  });

  it('sends credentials ahead of every request', async () => {
    const types: number[] = [];
    onData = (socket, data, n) => {
      if (n === 1) return void socket.write(welcome(4_000));
      for (let at = 0; at < data.length; at += 4 + data.readInt32BE(at)) types.push(data.readInt32BE(at + 8));
    };
    const link = await dial({ auth: { scheme: 'digest', secret: 'me:sesame' } });
    const asked = link.getData('/x');
    await until(() => types.length === 2, 'both packets');
    assert.deepEqual(types, [100, 4]);
    link.destroy(new Error('done'));
    await assert.rejects(asked, { code: 'LOST' });
  });

  it('gives every request a deadline, and takes a connection that misses one for dead', async () => {
    greeted(300);
    const link = await dial();
    await assert.rejects(link.getData('/x'), {
      code: 'LOST',
      message: /getData \/x: no answer to getData within 200 ms/,
    });
    assert.equal(link.ended.aborted, true);
    await assert.rejects(link.getData('/x'), { code: 'LOST' });
  });

  it('rejects what waits when the connection ends', async () => {
    greeted();
    const link = await dial();
    const asked = [link.getData('/x'), link.create('/y', undefined, 'persistent'), link.getChildren('/z')];
    sockets[0]!.resetAndDestroy();
    for (const one of asked) await assert.rejects(one, { code: 'LOST' });
    assert.equal(link.ended.aborted, true);
  });

  it('never connects again by itself', async () => {
    greeted();
    const link = await dial();
    sockets[0]!.resetAndDestroy();
    await until(() => link.ended.aborted, 'the end');
    await systemClock.sleep(300);
    assert.equal(sockets.length, 1);
  });

  it('tells the server’s refusals by their names', async () => {
    onData = (socket, data, n) => socket.write(n === 1 ? welcome(4_000) : reply(data.readInt32BE(4), -101));
    const link = await dial();
    await assert.rejects(link.getData('/x'), { code: 'NO_NODE', message: 'getData /x: NO_NODE' });
    assert.equal(await link.exists('/x'), undefined);
    assert.equal(link.ended.aborted, false);
    link.destroy(new Error('done'));
  });

  it('ends when the server says that the session is over', async () => {
    onData = (socket, data, n) => socket.write(n === 1 ? welcome(4_000) : reply(data.readInt32BE(4), -112));
    const link = await dial();
    await assert.rejects(link.getData('/x'), { code: 'SESSION_EXPIRED' });
    assert.equal(link.ended.aborted, true);
  });

  for (const [what, bytes] of [
    ['an error code that the driver does not know', (xid: number) => reply(xid, -118)],
    [
      'an event that it does not know',
      () => frame(int(-1), Buffer.alloc(8), int(0), int(77), int(3), int(1), Buffer.from('/')),
    ],
    ['half an answer in a whole frame', (xid: number) => frame(int(xid), Buffer.alloc(8), int(0), int(9))],
    ['an answer to nothing that was asked', () => reply(4_711, 0)],
    ['an empty frame', () => frame()],
    ['an endless frame', () => int(0x7fffffff)],
  ] as const) {
    it(`ends the connection and nothing else at ${what}`, async () => {
      onData = (socket, data, n) => socket.write(n === 1 ? welcome(4_000) : bytes(data.readInt32BE(4)));
      const link = await dial();
      await assert.rejects(link.getData('/x'), { code: 'LOST' });
      assert.equal(link.ended.aborted, true);
    });
  }

  it('rejects with how far it came', async () => {
    onData = () => {};
    await assert.rejects(dial({ deadline: 100 }), {
      stage: 'unanswered',
      message: /no answer to the greeting within 100 ms/,
    });
    onData = (socket) => socket.destroy();
    await assert.rejects(dial(), { stage: 'unanswered', message: /server closed the connection/ });
    onData = (socket) => socket.write(welcome(0));
    await assert.rejects(dial({ ticket }), { stage: 'expired' });
    onData = (socket) => socket.write(frame(int(1)));
    await assert.rejects(dial(), { stage: 'unanswered', message: /cannot read/ });
    server.close();
    await assert.rejects(dial(), {
      stage: 'unreachable',
      message: /ECONNREFUSED/,
    });
  });

  it('leaves nothing behind when an attempt is given up', async () => {
    greeted();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const stop = new AbortController();
    const attempt = dial({ signal: stop.signal, timeout: 8_000 });
    stop.abort(new Error('given up'));
    await assert.rejects(attempt, { stage: 'unreachable', message: /given up/ });
    await assert.rejects(dial({ signal: AbortSignal.abort(new Error('too late')) }), /too late/);
    await systemClock.sleep(20);
    assert.equal(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, before);
    assert.equal(sockets.filter((socket) => !socket.destroyed).length, 0);
  });

  it('speaks to IPv6 addresses', async () => {
    const six = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.once('data', () => socket.write(welcome(4_000)));
    });
    six.listen(0, '::1');
    const listening = await Promise.race([
      once(six, 'listening').then(() => true),
      once(six, 'error').then(() => false),
    ]);
    // Some machines have none.
    if (listening) {
      const link = await dial({ address: { host: '::1', port: (six.address() as { port: number }).port } });
      link.destroy(new Error('done'));
    }
    six.close();
  });

  it('waits no longer than told for the end of the session', async () => {
    greeted();
    const link = await dial();
    await link.closeSession(50);
    assert.equal(link.ended.aborted, true);
    await link.closeSession(50);
  });
});
