import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { codecByName, codecByNumber, codecs, json } from './codec.ts';

function decode(text: string, depth = 64): unknown {
  const bytes = Buffer.from(`<<${text}>>`);
  return json.decode(bytes, 2, bytes.length - 2, depth);
}

test('JSON values come back as they went in', () => {
  const values = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));
  const property = fc.property(values, (value) => {
    const bytes = Buffer.from(json.encode(value));
    assert.deepEqual(json.decode(bytes, 0, bytes.length, 64), JSON.parse(JSON.stringify(value)));
  });
  fc.assert(property, { numRuns: 500 });
});

test('no bytes stand for undefined, and undefined for no bytes', () => {
  assert.equal(json.encode(undefined), '');
  assert.equal(decode(''), undefined);
});

test('what is no JSON is INVALID_ARGUMENT', () => {
  for (const text of ['{', 'NaN', 'undefined', "{'a':1}", '[1,]', '1 2', '\u0000', '\ufeff1', '01', '"\\x"', '"\n"']) {
    assert.throws(() => decode(text), { code: 'INVALID_ARGUMENT' }, JSON.stringify(text));
  }
  assert.throws(() => decode('[['.repeat(40), 64), { code: 'INVALID_ARGUMENT', message: /deeper than 64/ });
  assert.throws(() => decode('{"__proto__":{"admin":true}}'), { code: 'INVALID_ARGUMENT', message: /__proto__/ });
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('what is no UTF-8 becomes replacement characters, and does not reach the syntax', () => {
  const bytes = Buffer.from('{"a":"x??"}');
  bytes.set([0xc3, 0x28], bytes.indexOf('??'));
  assert.deepEqual(json.decode(bytes, 0, bytes.length, 64), { a: 'x\ufffd(' });
  // An overlong quote is no quote.
  const overlong = Buffer.from('{"a":"??,"}');
  overlong.set([0xc0, 0xa2], overlong.indexOf('??'));
  assert.deepEqual(json.decode(overlong, 0, overlong.length, 64), { a: '\ufffd\ufffd,' });
});

test('a codec is found by name and by number, and the error names those there are', () => {
  for (const codec of codecs) {
    assert.equal(codecByName(codec.name), codec);
    assert.equal(codecByNumber(codec.number), codec);
  }
  for (let number = 0; number < 256; number++) {
    if (codecs.some((codec) => codec.number === number)) continue;
    assert.throws(() => codecByNumber(number), { code: 'UNIMPLEMENTED', message: /expected json \(0\)/ });
  }
  assert.throws(() => codecByName('xml'), { code: 'UNIMPLEMENTED', message: /"xml" is not known here: expected json/ });
});
