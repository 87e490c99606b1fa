import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { RawPeer } from '../../test/support/raw-peer.ts';
import { until } from '../../test/support/until.ts';
import { peerAddress, tcp } from './network.ts';

test('bytes go both ways; a side that has ended still hears the other', async (t) => {
  const accepted: RawPeer[] = [];
  const acceptor = await tcp.listen(
    { host: '127.0.0.1', port: 0 },
    (stream) => void accepted.push(new RawPeer(stream)),
  );
  t.after(() => acceptor.stop());
  const near = new RawPeer(tcp.connect('127.0.0.1', acceptor.port));
  near.send(Buffer.from('there'));
  near.stream.end();
  await until(() => accepted[0]?.ended === true, 'the end of the client’s side');
  assert.equal(String(accepted[0]!.bytes), 'there');
  assert.match(peerAddress(accepted[0]!.stream), /^127\.0\.0\.1:\d+$/);
  accepted[0]!.send(Buffer.from('and back'));
  accepted[0]!.stream.end();
  await until(() => near.closed, 'the end of both sides');
  assert.equal(String(near.bytes), 'and back');
});

test('a port that cannot be had is one sentence', async (t) => {
  const acceptor = await tcp.listen({ host: '127.0.0.1', port: 0 }, (stream) => stream.destroy());
  t.after(() => acceptor.stop());
  const { port } = acceptor;
  const nobody = () => {};
  await assert.rejects(tcp.listen({ host: '127.0.0.1', port }, nobody), {
    message: `cannot listen on 127.0.0.1:${port}: the port is in use`,
  });
  await assert.rejects(tcp.listen({ host: '192.0.2.1', port: 0 }, nobody), {
    message: 'cannot listen on 192.0.2.1:0: "192.0.2.1" is no address of this machine',
  });
});

test('where nobody listens a connection ends with an error', async () => {
  const acceptor = await tcp.listen({ host: '127.0.0.1', port: 0 }, () => {});
  await acceptor.stop();
  const stream = tcp.connect('127.0.0.1', acceptor.port);
  const errors: NodeJS.ErrnoException[] = [];
  stream.on('error', (error) => void errors.push(error));
  await until(() => stream.closed, 'the end of the attempt');
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ECONNREFUSED'],
  );
});

test('a stream without an address is in memory', () => {
  assert.equal(peerAddress(new Socket()), 'memory');
});
