/** Bytes spoilt by chance, the same for the same seed. */
import { type Random, systemRandom } from '../../src/core/random.ts';

/** `EVENKEEL_SEED`, or any. To be printed: with it, the run can be repeated. */
export function chosenSeed(): number {
  return Number(process.env.EVENKEEL_SEED ?? Math.floor(systemRandom() * 2 ** 32));
}

/** Values that a length, a type, an id or a flag should not have, or just barely. */
const tellingBytes = [0x00, 0x01, 0x04, 0x05, 0x7f, 0x80, 0xfe, 0xff, 0x22, 0x5b, 0x5c, 0x7b, 0x2f];

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

/** A copy with one to four things wrong: bytes changed, put in, left out, said twice, or the rest cut off. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let spoilt = bytes;
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) spoilt = mutateOnce(spoilt, random);
  return spoilt;
}

function mutateOnce(bytes: Buffer, random: Random): Buffer {
  const at = Math.floor(random() * (bytes.length + 1));
  const size = 1 + Math.floor(random() * 8);
  const head = bytes.subarray(0, at);
  switch (Math.floor(random() * 7)) {
    case 0:
      return Buffer.concat([head, Buffer.from([pick(random, tellingBytes)]), bytes.subarray(at + 1)]);
    case 1:
      return Buffer.concat([head, Buffer.from([Math.floor(random() * 256)]), bytes.subarray(at + 1)]);
    case 2: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at]! ^= 1 << Math.floor(random() * 8);
      return copy;
    }
    case 3:
      return Buffer.concat([head, Buffer.alloc(size, pick(random, tellingBytes)), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([head, bytes.subarray(at + size)]);
    case 5:
      return Buffer.concat([head, bytes.subarray(Math.max(0, at - size), at), bytes.subarray(at)]);
    default:
      return head;
  }
}
