/*
 * A framed client begins with five bytes: "EVKL" and the version. Read as a length, "EVKL" is 0x4c4b5645, over a
 * gigabyte: no classic message can begin so, and one port serves both protocols.
 */
export const preface: Buffer = Buffer.from('EVKL\x01', 'latin1');

const magic = preface.readUInt32LE(0);

/** What the first bytes of a client say it speaks; `undefined` while there are fewer than four (framed: five) of them. */
export function sniff(bytes: Buffer): 'framed' | 'classic' | 'unknown-version' | undefined {
  if (bytes.length < 4) return undefined;
  if (bytes.readUInt32LE(0) !== magic) return 'classic';
  if (bytes.length < preface.length) return undefined;
  return bytes[4] === preface[4] ? 'framed' : 'unknown-version';
}
