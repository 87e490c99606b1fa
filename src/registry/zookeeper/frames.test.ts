import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seeded } from '../../core/random.ts';
import { Frames } from './frames.ts';

const frame = (...bytes: number[]) => Buffer.from([0, 0, 0, bytes.length, ...bytes]);

it('gives the same frames, wherever the bytes are cut', () => {
  const frames = [frame(), frame(1), frame(2, 3, 4, 5, 6, 7, 8, 9), frame(10), frame(), frame(11, 12)];
  const all = Buffer.concat(frames);
  const random = seeded(3);
  for (let round = 0; round < 500; round++) {
    const reader = new Frames(100);
    const got: Buffer[] = [];
    for (let at = 0; at < all.length; ) {
      const size = 1 + Math.floor(random() * (round % 10) * 2);
      got.push(...reader.take(all.subarray(at, at + size)));
      at += size;
    }
    assert.deepEqual(got, frames);
  }
});

it('refuses a length that is not allowed as soon as it is read', () => {
  const take = (length: number, most: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    return [...new Frames(most).take(bytes)];
  };
  assert.deepEqual(take(100, 100), []);
  assert.throws(() => take(101, 100), /a frame of 101 bytes, allowed are 100/);
  assert.throws(() => take(-1, 100), /a frame of -1 bytes/);
  assert.throws(() => take(0x7fffffff, 100), /a frame of 2147483647 bytes/);
});

it('joins a long frame once, not with every piece', () => {
  const reader = new Frames(2 ** 25);
  const length = Buffer.alloc(4);
  length.writeInt32BE(2 ** 24);
  const piece = Buffer.alloc(2 ** 10);
  let frames = [...reader.take(length)];
  // Joined with every piece this would copy 128 GiB.
  for (let i = 0; i < 2 ** 14; i++) frames = frames.concat([...reader.take(piece)]);
  assert.deepEqual(
    frames.map((it) => it.length),
    [4 + 2 ** 24],
  );
});
