import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { RawPeer } from '../../test/support/raw-peer.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { MemoryNetwork } from './memory.ts';

const clock = new VirtualClock();

test('what is written at one end is read at the other, and the end is the end', async () => {
  const network = new MemoryNetwork();
  const accepted: RawPeer[] = [];
  const acceptor = await network.listen({ host: 'h', port: 0 }, (stream) => void accepted.push(new RawPeer(stream)));
  const stream = network.connect('h', acceptor.port);
  let connects = 0;
  stream.on('connect', () => connects++);
  const near = new RawPeer(stream);
  near.send(Buffer.from('there'));
  await clock.run(0);
  accepted[0]!.send(Buffer.from('and back'));
  near.stream.end();
  await clock.run(0);
  assert.deepEqual([String(accepted[0]!.bytes), String(near.bytes), connects], ['there', 'and back', 1]);
  assert.deepEqual([accepted[0]!.ended, near.ended, near.closed], [true, false, false]);
  accepted[0]!.stream.end();
  await clock.run(0);
  assert.deepEqual([near.closed, accepted[0]!.closed], [true, true]);
});

test('an end that goes away takes the other with it', async () => {
  const network = new MemoryNetwork();
  for (const side of [0, 1]) {
    const peers: RawPeer[] = [];
    const { port, stop } = await network.listen(
      { host: 'h', port: 0 },
      (stream) => void peers.push(new RawPeer(stream)),
    );
    peers.push(new RawPeer(network.connect('h', port)));
    await clock.run(0);
    peers[side]!.stream.destroy();
    await clock.run(0);
    assert.deepEqual(
      peers.map(({ closed }) => closed),
      [true, true],
    );
    await stop();
  }
});

test('where nobody listens a connection is refused', async () => {
  const network = new MemoryNetwork();
  const errors: NodeJS.ErrnoException[] = [];
  const stream: Duplex = network.connect('h', 7);
  stream.on('error', (error) => void errors.push(error));
  await clock.run(0);
  assert.deepEqual(
    errors.map(({ code, message }) => [code, message]),
    [['ECONNREFUSED', 'connect ECONNREFUSED h:7']],
  );
});

test('a port is taken until its listener stops', async () => {
  const network = new MemoryNetwork();
  const first = await network.listen({ host: 'h', port: 5 }, () => {});
  await assert.rejects(
    network.listen({ host: 'h', port: 5 }, () => {}),
    /cannot listen on h:5: the port is in use/,
  );
  await first.stop();
  const { port } = await network.listen({ host: 'h', port: 5 }, () => {});
  assert.equal(port, 5);
});
