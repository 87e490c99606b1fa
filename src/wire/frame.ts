/*
 *  0        4      5         9
 *  +--------+------+---------+----------------+
 *  | length | type |   id    | body ...       |      length: u32, little-endian, of all that follows it (>= 5)
 *  +--------+------+---------+----------------+      type: u8    id: u32, little-endian: the call, 0 = the connection
 */

export const frameType = {
  /** Server to client, first frame: who it is and what it can do. */
  hello: 0x01,
  call: 0x02,
  reply: 0x03,
  error: 0x04,
  cancel: 0x05,
  ping: 0x06,
  pong: 0x07,
  /** Server to client: take your new calls elsewhere. Id: the last call that is still served, 2^32-1 while all are. */
  drain: 0x08,
  /** The call was not started. */
  refused: 0x09,
  /** For messages in pieces and streams: named in this version, used by later ones. */
  data: 0x0a,
  end: 0x0b,
  window: 0x0c,
} as const;

/** Types from here on may be skipped by whoever does not know them: how later versions say more to older ones. */
export const skippable = 0x80;

/** What a DRAIN says while all calls are still served. */
export const noLastId = 0xffff_ffff;

/** The highest id of a call. The other half is kept for calls that a server may make one day. */
export const highestId = 0x7fff_ffff;

/** Length field, type and id. */
export const frameHead = 9;
/** What the length field counts besides the body. */
export const frameMinimum = 5;
