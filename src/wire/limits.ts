/** What a peer may send. Each is checked before the bytes it bounds are kept. Sizes in bytes, times in ms. */
export interface Limits {
  /** A message: one call's input or one reply's output, encoded. Default 4 MiB; 1 KiB..256 MiB. */
  message: number;
  /** A call's or a reply's metadata, encoded. Default 16 KiB; 0..65,535. */
  metadata: number;
  /** Calls at work on one connection. Over it, framed calls are refused and a classic connection is not read. Default 4,096; 1..1,000,000. */
  calls: number;
  /** How long the head of a frame may take from its first byte, and a connection to say which protocol it speaks. Default 5,000; 100..600,000. */
  headerTimeout: number;
  /** How long the body of a frame may stand still. Default 10,000; 100..600,000. */
  bodyTimeout: number;
  /** How long a peer may leave what we wrote unread. Default 30,000; 100..600,000. */
  writeTimeout: number;
  /** How deep JSON may nest. Default 64; 1..1,000. */
  depth: number;
}

const MiB = 1_048_576;

export const ranges: Record<keyof Limits, { default: number; min: number; max: number }> = {
  message: { default: 4 * MiB, min: 1_024, max: 256 * MiB },
  metadata: { default: 16 * 1_024, min: 0, max: 65_535 },
  calls: { default: 4_096, min: 1, max: 1_000_000 },
  headerTimeout: { default: 5_000, min: 100, max: 600_000 },
  bodyTimeout: { default: 10_000, min: 100, max: 600_000 },
  writeTimeout: { default: 30_000, min: 100, max: 600_000 },
  depth: { default: 64, min: 1, max: 1_000 },
};

/** Every limit, with its default where none is given. Throws a RangeError that names the limit and its range. */
export function limits(given: Partial<Limits> = {}): Limits {
  const filled = {} as Limits;
  for (const [name, range] of Object.entries(ranges) as [keyof Limits, (typeof ranges)[keyof Limits]][]) {
    const value = given[name] ?? range.default;
    if (!Number.isInteger(value) || value < range.min || value > range.max) {
      throw new RangeError(
        `option "limits.${name}" is ${value}: expected a whole number from ${range.min} to ${range.max}`,
      );
    }
    filled[name] = value;
  }
  return filled;
}

/** What a frame may add to the message and the metadata in it: its head, a name, lengths. */
const frameOverhead = 1_024;

/** The longest frame that a peer with these limits takes: the largest value its length field may have. */
export function longestFrame(limits: Limits): number {
  return limits.message + limits.metadata + frameOverhead;
}
