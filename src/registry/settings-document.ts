/** Live settings <-> the JSON that registries hold. Pure. What comes from a registry is not trusted: anyone may write there. */
import type { SettingsDocument } from './registry.ts';

/** Room for some ten thousand nodes, and well below the megabyte that ZooKeeper takes. Bytes. */
export const maxSettingsBytes = 512 * 1024;

/** What was read, `undefined` if nothing is set; or in a few words why it is nothing. */
export type SettingsText = { document: SettingsDocument | undefined } | { junk: string };

export function readDocument(data: Buffer | undefined): SettingsText {
  // Who makes the place by hand often leaves it empty.
  if (data === undefined || data.length === 0) return { document: undefined };
  if (data.length > maxSettingsBytes) return { junk: `it has ${data.length} bytes, allowed are ${maxSettingsBytes}` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(data.toString('utf8'));
  } catch {
    return { junk: 'it is no JSON' };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { junk: 'it is no JSON object' };
  return { document: parsed as SettingsDocument };
}

/** @throws a sentence, if what it would write could not be read again */
export function writeDocument(document: SettingsDocument): Buffer {
  const data = Buffer.from(JSON.stringify(document) ?? '');
  const read = readDocument(data);
  if ('junk' in read) throw new Error(`The live settings cannot be written: ${read.junk}.`);
  if (read.document === undefined) throw new Error('The live settings cannot be written: they must be a JSON object.');
  return data;
}
