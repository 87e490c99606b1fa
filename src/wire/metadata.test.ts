import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkMetadata, decodeMetadata, encodeMetadata } from './metadata.ts';

function decode(text: string, limit = 16_384) {
  const bytes = Buffer.from(text);
  return decodeMetadata(bytes, 0, bytes.length, limit);
}

test('metadata comes back as it went in, without a prototype', () => {
  const keys = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
  const values = fc.string({ unit: 'binary' }).filter((text) => !/[\r\n\0]/.test(text) && text.isWellFormed());
  const property = fc.property(fc.dictionary(keys, values), (given) => {
    const bytes = encodeMetadata(given, 65_535);
    const back = decodeMetadata(bytes, 0, bytes.length, 65_535);
    assert.equal(Object.getPrototypeOf(back), null);
    assert.deepEqual({ ...back }, { ...given });
  });
  fc.assert(property, { numRuns: 300 });
});

test('the limit is taken, one byte more is not, on both sides', () => {
  const given = { key: 'x'.repeat(90) };
  const bytes = Buffer.from(JSON.stringify(given));
  assert.equal(bytes.length, 100);
  assert.deepEqual(encodeMetadata(given, 100), bytes);
  assert.deepEqual({ ...decodeMetadata(bytes, 0, 100, 100) }, given);
  const tooLarge = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_LARGE', message: /100 bytes: at most 99/ };
  assert.throws(() => encodeMetadata(given, 99), { ...tooLarge, stage: 'unsent' });
  assert.throws(() => decodeMetadata(bytes, 0, 100, 99), tooLarge);
});

test('what is no object of texts is INVALID_ARGUMENT', () => {
  for (const text of [
    '',
    '{',
    'null',
    '1',
    '[]',
    '"a"',
    '{"a":1}',
    '{"a":null}',
    '{"a":{}}',
    '{"a":["b"]}',
    '{"A":"b"}',
    '{"":"b"}',
    '{"a b":"c"}',
    '{"a\\n":"c"}',
    '{"_a":"c"}',
    `{"${'a'.repeat(129)}":"c"}`,
    '{"a":"b\\r\\nevil: yes"}',
    '{"a":"\\u0000"}',
    '{"__proto__":"a"}',
  ]) {
    assert.throws(() => decode(text), { code: 'INVALID_ARGUMENT' }, text);
  }
});

test('the sentence names the key and what is expected', () => {
  assert.throws(() => checkMetadata({ 'Bad Key': 'x' }), {
    message: /metadata key "Bad Key": expected/,
    stage: 'unsent',
  });
  assert.throws(() => checkMetadata({ ok: 'a\nb' }), { message: 'metadata "ok" is no text of one line' });
  assert.throws(() => checkMetadata({ ok: 5 }), { message: 'metadata "ok" is no text of one line' });
  assert.throws(() => checkMetadata([]), { message: 'metadata is no object of texts' });
});
