import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { until } from './until.ts';

/** A client that remembers what it got, and how it ended. */
interface Peer {
  socket: Socket;
  text(): string;
  chunks: string[];
  ended: 'no' | 'fin' | 'reset';
}

function peer(socket: Socket): Peer {
  const chunks: string[] = [];
  const made: Peer = { socket, chunks, text: () => chunks.join(''), ended: 'no' };
  socket.setNoDelay();
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => chunks.push(chunk));
  socket.on('end', () => {
    made.ended = 'fin';
  });
  socket.on('error', () => {
    made.ended = 'reset';
  });
  return made;
}

describe('the fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  let peers: Peer[];
  /** The server's ends, in order. */
  let served: Peer[];

  const join = async (): Promise<Peer> => {
    const made = peer(connect(proxy.port, '127.0.0.1'));
    peers.push(made);
    await once(made.socket, 'connect');
    return made;
  };
  /** Sends a line and waits for its echo. */
  const talk = async (client: Peer, line: string) => {
    client.socket.write(line);
    await until(() => client.text().endsWith(line), `the echo of ${line}`);
  };

  beforeEach(async () => {
    peers = [];
    served = [];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      const made = peer(socket);
      served.push(made);
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => socket.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await startFaultProxy(`127.0.0.1:${(server.address() as { port: number }).port}`);
  });

  afterEach(async () => {
    await proxy.close();
    for (const { socket } of [...peers, ...served]) socket.destroy();
    server.close();
  });

  it('passes bytes and the end of both sides on, and counts', async () => {
    const client = await join();
    await talk(client, 'hello');
    assert.deepEqual(
      [proxy.connections, proxy.accepted, proxy.bytesUp, proxy.bytesDown, proxy.address],
      [1, 1, 5, 5, `127.0.0.1:${proxy.port}`],
    );
    client.socket.end();
    await until(() => client.ended === 'fin', 'the end from the server');
    await until(() => proxy.connections === 0, 'the proxy to forget the connection');
    assert.equal(served[0]!.ended, 'fin');
  });

  it('carries megabytes whole', async () => {
    const client = await join();
    const size = 8 * 1024 * 1024;
    client.socket.write(Buffer.alloc(size, 'x'));
    await until(() => proxy.bytesDown === size && client.text().length === size, 'all bytes');
    assert.equal(client.text(), 'x'.repeat(size));
  });

  it('holds one direction and loses nothing', async () => {
    const client = await join();
    await talk(client, 'a');
    proxy.pauseDownstream();
    client.socket.write('b');
    await until(() => served[0]!.text() === 'ab', 'the server to get what goes up');
    await systemClock.sleep(50);
    assert.equal(client.text(), 'a');
    proxy.resume();
    await until(() => client.text() === 'ab', 'what was held');

    proxy.pauseUpstream();
    client.socket.write('c');
    served[0]!.socket.write('!');
    await until(() => client.text() === 'ab!', 'what goes down');
    assert.equal(served[0]!.text(), 'ab');
    proxy.resume();
    await until(() => client.text() === 'ab!c', 'what was held');
  });

  it('holds closes too, and new connections', async () => {
    const client = await join();
    await talk(client, 'a');
    proxy.pause();
    served[0]!.socket.resetAndDestroy();
    const late = await join();
    late.socket.write('late');
    await systemClock.sleep(50);
    assert.equal(client.ended, 'no');
    assert.equal(late.text(), '');
    proxy.resume();
    await until(() => client.ended === 'reset' && late.text() === 'late', 'what was held');
  });

  it('cuts with a reset on both sides', async () => {
    const [one, two] = [await join(), await join()];
    await talk(one, 'a');
    await talk(two, 'b');
    proxy.cut();
    await until(() => [one, two, ...served].every(({ ended }) => ended === 'reset'), 'resets everywhere');
    assert.equal(proxy.connections, 0);
    await talk(await join(), 'again');
  });

  it('cuts a connection that is just being closed', async () => {
    const client = await join();
    await talk(client, 'a');
    proxy.pause();
    served[0]!.socket.end();
    await systemClock.sleep(50);
    proxy.resume();
    proxy.cut();
    await until(() => client.ended !== 'no' && served[0]!.ended !== 'no', 'both ends to hear of it');
  });

  it('refuses new connections and keeps the old ones, until it accepts again', async () => {
    const client = await join();
    await talk(client, 'a');
    await proxy.refuse();
    await assert.rejects(join(), { code: 'ECONNREFUSED' });
    await talk(client, 'b');
    await proxy.accept();
    await talk(await join(), 'c');
    await talk(client, 'd');
  });

  it('delays each direction and keeps the order', async () => {
    const client = await join();
    await talk(client, 'a');
    proxy.delay(60, 0.5);
    const since = systemClock.now();
    for (const letter of 'bcdefgh') client.socket.write(letter);
    await until(() => client.text().length === 8, 'all letters');
    // Two directions, each at least half of 60 ms; a timer may be a millisecond early.
    assert.ok(systemClock.now() - since >= 58);
    assert.equal(client.text(), 'abcdefgh');
    proxy.delay(0);
    await talk(client, 'i');
  });

  it('slices', async () => {
    const client = await join();
    proxy.slice(3);
    client.socket.write('abcdefghijk');
    await until(() => client.text() === 'abcdefghijk', 'all bytes');
    // The kernel may join pieces again, but not all of them.
    assert.ok(client.chunks.length > 1, `one chunk: ${client.chunks}`);
    assert.throws(() => proxy.slice(0), /at least 1/);
  });

  it('passes exactly so many bytes down, then resets, once', async () => {
    const client = await join();
    await talk(client, 'abc');
    proxy.limitThenCut(4);
    client.socket.write('0123456789');
    await until(() => client.ended === 'reset', 'the reset');
    assert.equal(client.text(), 'abc0123');
    await talk(await join(), '0123456789');
  });

  it('resets the client when nobody listens behind it', async () => {
    server.close();
    const client = await join();
    await until(() => client.ended === 'reset', 'the reset');
  });

  it('sends new connections elsewhere', async () => {
    const other = createServer((socket) => socket.end('other')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const before = await join();
    await talk(before, 'a');
    proxy.retarget(`127.0.0.1:${(other.address() as { port: number }).port}`);
    const after = await join();
    await until(() => after.text() === 'other', 'the other server');
    await talk(before, 'b');
    other.close();
  });

  it('closes everything', async () => {
    const client = await join();
    await talk(client, 'a');
    await proxy.close();
    await until(() => client.ended === 'reset', 'the reset');
    await assert.rejects(join(), { code: 'ECONNREFUSED' });
  });
});
