import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import { RawPeer } from '../../test/support/raw-peer.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { Channel } from './channel.ts';

/** A channel, what it told, and the stream at its other end. */
function scene(side: 'client' | 'server' = 'server', reads = true) {
  const clock = new VirtualClock();
  const [near, far] = duplexPair({ allowHalfOpen: true }) as [Duplex, Duplex];
  const told: string[] = [];
  const channel: Channel = new Channel(near, clock, side, {
    onData: (chunk) => void told.push(`data ${chunk}`),
    onReady: () => void told.push('ready'),
    onEnd: () => void told.push('end'),
    onClose: (cause) => void told.push(`close ${cause?.message}`),
  });
  const writes: number[] = [];
  const write = near.write.bind(near);
  near.write = ((chunk: Buffer) => {
    writes.push(chunk.length);
    return write(chunk);
  }) as typeof near.write;
  return { clock, channel, told, writes, near, far: new RawPeer(far, reads) };
}

function say(channel: Channel, bytes: number): void {
  channel.out.bytes(Buffer.alloc(bytes, 'x'));
  channel.flush();
}

test('what is said within a tick leaves in one write', async () => {
  const { clock, channel, writes, far } = scene();
  for (let i = 0; i < 10; i++) say(channel, 50);
  assert.deepEqual(writes, []);
  await clock.run(0);
  assert.deepEqual(writes, [500]);
  assert.equal(far.received, 500);
  say(channel, 1);
  await clock.run(0);
  assert.deepEqual(writes, [500, 1]);
});

test('enough of it leaves before the end of the tick', async () => {
  const { clock, channel, writes, far } = scene();
  for (let i = 0; i < 15; i++) say(channel, 100);
  assert.deepEqual(writes, [1_200]);
  await clock.run(0);
  assert.deepEqual(writes, [1_200, 300]);
  assert.equal(far.received, 1_500);
});

test('much of it leaves in slices, as the peer takes them', async () => {
  const { clock, channel, writes, far } = scene();
  say(channel, 1_000_000);
  await clock.run(0);
  assert.equal(far.received, 1_000_000);
  assert.ok(
    writes.every((size) => size <= 131_072),
    `${writes}`,
  );
});

test('a server reads no more from a peer that leaves over a MiB unread, and reads on when half of it is taken', async () => {
  const { clock, channel, told, far } = scene('server', false);
  say(channel, 1_048_576 + 131_072);
  assert.equal(channel.ready, true);
  say(channel, 1_000);
  assert.equal(channel.ready, false);
  far.send(Buffer.from('unheard'));
  await clock.run(0);
  assert.deepEqual(told, []);
  far.read();
  await clock.run(0);
  assert.deepEqual(told, ['ready', 'data unheard']);
  assert.equal(channel.ready, true);
  assert.equal(channel.waiting, 0);
});

test('a client reads on whatever waits', async () => {
  const { clock, channel, told, far } = scene('client', false);
  say(channel, 10_000_000);
  far.send(Buffer.from('heard'));
  await clock.run(0);
  assert.deepEqual(told, ['data heard']);
  assert.equal(channel.ready, true);
  assert.equal(channel.waiting > 9_000_000, true);
});

test('held, it reads nothing until it is released; congested as well, it needs both', async () => {
  const { clock, channel, told, far } = scene('server', false);
  channel.hold();
  far.send(Buffer.from('first'));
  await clock.run(0);
  assert.deepEqual(told, []);
  channel.release();
  await clock.run(0);
  assert.deepEqual(told, ['ready', 'data first']);
  channel.hold();
  say(channel, 2_000_000);
  channel.release();
  far.send(Buffer.from('second'));
  await clock.run(0);
  assert.deepEqual(told.slice(2), []);
  channel.hold();
  far.read();
  await clock.run(0);
  assert.deepEqual([told.slice(2), channel.ready], [[], false]);
  channel.release();
  await clock.run(0);
  assert.deepEqual(told.slice(2), ['ready', 'data second']);
});

test('who holds it again when it is ready hears nothing', async () => {
  const clock = new VirtualClock();
  const [near, far] = duplexPair() as [Duplex, Duplex];
  let heard = 0;
  const channel: Channel = new Channel(near, clock, 'server', {
    onData: () => void heard++,
    onReady: () => channel.hold(),
    onEnd() {},
    onClose() {},
  });
  channel.hold();
  far.write('x');
  channel.release();
  await clock.run(0);
  assert.deepEqual([heard, channel.ready], [0, false]);
});

test('the time in which it did not read is not the peer’s silence', async () => {
  const { clock, channel } = scene();
  channel.hold();
  await clock.run(60_000);
  channel.release();
  assert.deepEqual([channel.readingSince, channel.lastReceived], [60_000, 0]);
});

test('end sends what is left, reads to the peer’s end without hearing it, and is gone then', async () => {
  const { clock, channel, told, far } = scene('server', false);
  say(channel, 3_000_000);
  channel.end();
  channel.end();
  far.send(Buffer.from('too late'));
  await clock.run(5_000);
  assert.equal(far.ended, false);
  far.read();
  await clock.run(0);
  assert.deepEqual([far.received, far.ended], [3_000_000, true]);
  assert.deepEqual(told, []);
  far.stream.end();
  await clock.run(0);
  assert.deepEqual(told, ['end', 'close undefined']);
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('a peer that does not end is cut off a second after it has everything', async () => {
  const { clock, channel, told, far } = scene();
  say(channel, 100);
  channel.end();
  await clock.run(999);
  assert.deepEqual([told, far.received], [[], 100]);
  await clock.run(1);
  assert.deepEqual(told, ['close undefined']);
});

test('a client does not wait longer than that for a server to take the rest', async () => {
  const { clock, channel, told } = scene('client', false);
  say(channel, 3_000_000);
  channel.end();
  await clock.run(1_000);
  assert.deepEqual(told, ['close undefined']);
});

test('after the peer’s end answers can still be said', async () => {
  const { clock, channel, told, far } = scene();
  far.stream.end();
  await clock.run(0);
  assert.deepEqual(told, ['end']);
  say(channel, 10);
  await clock.run(0);
  assert.equal(far.received, 10);
  channel.end();
  await clock.run(0);
  assert.deepEqual(told, ['end', 'close undefined']);
  assert.equal(clock.pending, 0);
});

test('destroyed, it is gone with its cause, and what is said then goes nowhere', async () => {
  const { clock, channel, told, far } = scene();
  channel.destroy(new Error('because'));
  assert.deepEqual([channel.closed, channel.ready], [true, false]);
  say(channel, 2_000);
  channel.release();
  channel.end();
  await clock.run(2_000);
  assert.deepEqual(told, ['close because']);
  assert.equal(far.received, 0);
});

test('signs of life: what comes in, and what is taken of what had waited', async () => {
  const { clock, channel, far } = scene('client', false);
  await clock.run(1_000);
  channel.look(clock.now());
  assert.deepEqual([channel.lastSign, channel.lastProgress], [0, 1_000]);
  // What the line takes at once proves nothing.
  say(channel, 10);
  await clock.run(1_000);
  channel.look(clock.now());
  assert.equal(channel.lastSign, 0);
  say(channel, 2_000_000);
  for (const now of [3_000, 4_000]) {
    await clock.run(1_000);
    assert.equal(clock.now(), now);
    channel.look(now);
  }
  assert.deepEqual([channel.lastSign, channel.lastProgress], [0, 2_000]);
  far.read();
  far.stream.pause();
  await clock.run(1_000);
  far.stream.resume();
  await clock.run(0);
  channel.look(clock.now());
  assert.deepEqual([channel.lastSign, channel.lastProgress], [5_000, 5_000]);
  far.send(Buffer.from('x'));
  await clock.run(1_000);
  assert.equal(channel.lastSign, 5_000);
  assert.equal(channel.lastReceived, 5_000);
});
