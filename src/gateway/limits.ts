/** What HTTP clients may do. Sizes in bytes, times in ms. */
export interface GatewayLimits {
  /** A request's body. Default 4 MiB, as a message on the wire; 1 KiB..256 MiB. */
  body: number;
  /** How deep JSON may nest. Default 64; 1..1,000. */
  depth: number;
  /** The request line and all headers together. Default 16 KiB; 1 KiB..1 MiB. */
  headers: number;
  /** Calls at work. More are refused as OVERLOADED, because memory is finite. Default 10,000; 1..1,000,000. */
  calls: number;
  /** Open connections. More are closed as they come. Default 10,000; 1..1,000,000. */
  connections: number;
  /** How long the headers of a request may take. Default 5,000; 100..600,000. */
  headerTimeout: number;
  /** How long a whole request may take to come in, at least `headerTimeout`. Default 10,000; 100..600,000. */
  requestTimeout: number;
  /** How long a client may leave what we wrote unread. Default 30,000; 100..600,000. */
  writeTimeout: number;
  /**
   * Bytes of answers that clients have not taken yet, all together. Over it the connection whose answer has waited longest
   * is cut. Default 64 MiB; 1 MiB..4 GiB.
   */
  unread: number;
  /**
   * How long a connection without a request stays open. Default 75,000; 100..600,000. Longer than the usual 60 s of load
   * balancers, so that they close first: a request that meets our closing is lost.
   */
  idleTimeout: number;
  /**
   * After how long a connection is closed by `Connection: close` on an answer, +-20 %, so that clients with long-lived
   * connections find gateways that came later. Default 60,000; 1,000..2^31-1.
   */
  connectionAge: number;
  /** The same after so many requests, +-20 %: the busiest clients move first. Default 10,000; 1..2^31-1. */
  connectionRequests: number;
}

const KiB = 1_024;
const MiB = 1_048_576;
const most = 2 ** 31 - 1;

const ranges: Record<keyof GatewayLimits, { default: number; min: number; max: number }> = {
  body: { default: 4 * MiB, min: KiB, max: 256 * MiB },
  depth: { default: 64, min: 1, max: 1_000 },
  headers: { default: 16 * KiB, min: KiB, max: MiB },
  calls: { default: 10_000, min: 1, max: 1_000_000 },
  connections: { default: 10_000, min: 1, max: 1_000_000 },
  headerTimeout: { default: 5_000, min: 100, max: 600_000 },
  requestTimeout: { default: 10_000, min: 100, max: 600_000 },
  writeTimeout: { default: 30_000, min: 100, max: 600_000 },
  unread: { default: 64 * MiB, min: MiB, max: 4_096 * MiB },
  idleTimeout: { default: 75_000, min: 100, max: 600_000 },
  connectionAge: { default: 60_000, min: 1_000, max: most },
  connectionRequests: { default: 10_000, min: 1, max: most },
};

/** Every limit, with its default where none is given. Throws a RangeError that names the limit and its range. */
export function gatewayLimits(given: Partial<GatewayLimits> = {}): GatewayLimits {
  const filled = {} as GatewayLimits;
  for (const [name, range] of Object.entries(ranges) as [keyof GatewayLimits, (typeof ranges)[keyof GatewayLimits]][]) {
    const value = given[name] ?? range.default;
    if (!Number.isInteger(value) || value < range.min || value > range.max) {
      throw new RangeError(`limit "${name}" is ${value}: expected a whole number from ${range.min} to ${range.max}`);
    }
    filled[name] = value;
  }
  if (filled.requestTimeout < filled.headerTimeout) {
    throw new RangeError(
      `limit "requestTimeout" is ${filled.requestTimeout}: expected at least "headerTimeout", ${filled.headerTimeout}`,
    );
  }
  return filled;
}
