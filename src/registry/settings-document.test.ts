import assert from 'node:assert/strict';
import { it } from 'node:test';
import { maxSettingsBytes, readDocument, writeDocument } from './settings-document.ts';

it('a document is read as it was written', () => {
  const document = { version: 1, nodes: { ä: { weight: 1 } } };
  assert.deepEqual(readDocument(writeDocument(document)), { document });
});

it('nothing written is nothing set', () => {
  assert.deepEqual(readDocument(undefined), { document: undefined });
  assert.deepEqual(readDocument(Buffer.alloc(0)), { document: undefined });
});

it('what is no document is junk, and why', () => {
  for (const [text, why] of [
    ['{"version":', 'it is no JSON'],
    [' ', 'it is no JSON'],
    ['null', 'it is no JSON object'],
    ['[1]', 'it is no JSON object'],
    ['7', 'it is no JSON object'],
    ['\u0000\u00ff', 'it is no JSON'],
  ] as const) {
    assert.deepEqual(readDocument(Buffer.from(text)), { junk: why }, text);
  }
  const large = Buffer.from(JSON.stringify({ x: 'x'.repeat(maxSettingsBytes) }));
  assert.deepEqual(readDocument(large), { junk: `it has ${large.length} bytes, allowed are 524288` });
});

it('what could not be read again is not written', () => {
  assert.throws(
    () => writeDocument({ x: 'x'.repeat(maxSettingsBytes) }),
    /^Error: The live settings cannot be written: it has/,
  );
  assert.throws(() => writeDocument([] as never), /it is no JSON object\.$/);
  assert.throws(() => writeDocument(undefined as never), /they must be a JSON object\.$/);
});
