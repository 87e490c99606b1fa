import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Encoded } from '../core/call.ts';
import { codes } from '../core/code.ts';
import { RpcError } from '../core/error.ts';
import {
  answerName,
  classicRules,
  readClassicAnswer,
  readClassicCall,
  writeClassicCall,
  writeClassicError,
  writeClassicReply,
} from './classic.ts';
import { Outbox } from './outbox.ts';

const limit = 4_194_304;

/** The bytes of one message, less its length, which must be right. */
function written(write: (out: Outbox) => void): Buffer {
  const out = new Outbox();
  write(out);
  const bytes = out.take(100_000_000);
  assert.equal(bytes.readUInt32LE(), bytes.length - 4, 'one whole message');
  return bytes.subarray(4);
}

const writtenCall = (method: string, input: unknown) =>
  written((out) => writeClassicCall(out, { method, input }, limit));
const readCall = (bytes: Buffer) => readClassicCall(bytes, 0, bytes.length, 64);
const readAnswer = (bytes: Buffer) => readClassicAnswer(bytes, 0, bytes.length, 64);

test('messages are those that foreign peers know', () => {
  assert.equal(writtenCall('pi', 98).toString(), '{"in":"pi","params":98}');
  assert.equal(writtenCall('ping', undefined).toString(), '{"in":"ping","params":null}');
  assert.equal(written((out) => writeClassicReply(out, 'pi', 3.5, limit)).toString(), '{"out":"pi_r","result":3.5}');
  assert.equal(
    written((out) => writeClassicReply(out, 'ping', undefined, limit)).toString(),
    '{"out":"pong","result":null}',
  );
  assert.equal(
    written((out) => writeClassicError(out, new RpcError('NOT_FOUND', 'no such', { reason: 'X' }))).toString(),
    '{"out":"error","result":{"code":"NOT_FOUND","message":"no such"}}',
  );
});

test('an answer is named after its method', () => {
  assert.deepEqual(['ping', 'pi', 'divide', 'error', ''].map(answerName), [
    'pong',
    'pi_r',
    'divide_r',
    'error_r',
    '_r',
  ]);
});

test('calls and answers come back as they went in', () => {
  const values = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));
  const property = fc.property(fc.string(), values, (method, value) => {
    const expected = JSON.parse(JSON.stringify(value));
    assert.deepEqual(readCall(writtenCall(method, value)), { method, input: expected });
    const answer = written((out) => writeClassicReply(out, method, value, limit));
    assert.deepEqual(readAnswer(answer), { out: answerName(method), result: expected });
  });
  fc.assert(property, { numRuns: 500 });
});

test('errors come back with their code and their words', () => {
  for (const code of codes) {
    const answer = readAnswer(written((out) => writeClassicError(out, new RpcError(code, `about ${code}`))));
    assert.ok('error' in answer);
    assert.deepEqual(
      [answer.error.code, answer.error.message, answer.error.stage],
      [code, `about ${code}`, 'answered'],
    );
  }
});

test('errors of foreign servers are errors, whatever they hold', () => {
  for (const [result, code, message] of [
    ['null', 'UNKNOWN', 'no message'],
    ['"broken"', 'UNKNOWN', 'broken'],
    ['{"code":-32601,"message":"no such method"}', 'UNKNOWN', 'no such method'],
    ['{"code":"ABORTED"}', 'ABORTED', 'no message'],
    ['{"message":{"toString":1}}', 'UNKNOWN', 'no message'],
    ['[1]', 'UNKNOWN', 'no message'],
    ['5', 'UNKNOWN', 'no message'],
  ] as const) {
    const answer = readAnswer(Buffer.from(`{"out":"error","result":${result}}`));
    assert.ok('error' in answer);
    assert.deepEqual([answer.error.code, answer.error.message], [code, message], result);
  }
  const bare = readAnswer(Buffer.from('{"out":"error"}'));
  assert.ok('error' in bare && bare.error.code === 'UNKNOWN');
});

test('what is no call is INVALID_ARGUMENT, and says what one is', () => {
  for (const text of ['{', '{}', '[]', 'null', '"in"', '7', '{"in":5}', '{"params":1}', '{"in":"pi","params":NaN}']) {
    assert.throws(() => readCall(Buffer.from(text)), { code: 'INVALID_ARGUMENT' }, text);
  }
  assert.throws(() => readCall(Buffer.from('{"in":null}')), /expected \{"in": METHOD, "params": INPUT\}/);
  assert.throws(() => readCall(Buffer.from('{"in":"pi","params":{"__proto__":1}}')), /__proto__/);
});

test('what is no answer is a broken protocol or no JSON', () => {
  for (const text of ['{}', '[]', 'null', '{"result":5}', '{"out":5}', '{"out"']) {
    assert.throws(() => readAnswer(Buffer.from(text)), { name: 'RpcError' }, text);
  }
});

test('params may nest as deep as the limit: the message around them does not count', () => {
  const nested = (levels: number) => Buffer.from(`{"in":"m","params":${'['.repeat(levels)}${']'.repeat(levels)}}`);
  assert.equal(readCall(nested(64)).method, 'm');
  assert.throws(() => readCall(nested(65)), { code: 'INVALID_ARGUMENT', message: /deeper/ });
});

test('a message of the limit is written, one byte more is not, and leaves nothing behind', () => {
  const out = new Outbox();
  const call = { method: 'm', input: 'é'.repeat(100) };
  const size = writtenCall(call.method, call.input).length;
  const tooLarge = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_LARGE', stage: 'unsent' };
  assert.throws(() => writeClassicCall(out, call, size - 1), tooLarge);
  assert.throws(() => writeClassicCall(out, call, 10), tooLarge);
  assert.throws(() => writeClassicReply(out, 'm', call.input, size - 1), tooLarge);
  assert.equal(out.length, 0);
  writeClassicCall(out, call, size);
  assert.equal(out.length, size + 4);
});

test('bytes that were encoded elsewhere pass as they are, if they are one JSON value', () => {
  const encoded = (text: string, codec = 'json') => new Encoded(codec, Buffer.from(text));
  assert.equal(writtenCall('m', encoded(' [1, 2] ')).toString(), '{"in":"m","params": [1, 2] }');
  assert.equal(writtenCall('m', encoded('')).toString(), '{"in":"m","params":null}');
  const out = new Outbox();
  for (const bad of [encoded('1,"in":"admin"'), encoded('1}'), encoded('{'), encoded('1', 'msgpack')]) {
    assert.throws(() => writeClassicCall(out, { method: 'm', input: bad }, limit), {
      code: 'INVALID_ARGUMENT',
      stage: 'unsent',
    });
    assert.throws(() => writeClassicReply(out, 'm', bad, limit), { code: 'INVALID_ARGUMENT' });
  }
  assert.equal(out.length, 0);
});

test('what JSON cannot say is INVALID_ARGUMENT', () => {
  const out = new Outbox();
  const circular: unknown[] = [];
  circular.push(circular);
  for (const input of [10n, circular]) {
    assert.throws(() => writeClassicCall(out, { method: 'm', input }, limit), {
      code: 'INVALID_ARGUMENT',
      stage: 'unsent',
    });
  }
  assert.equal(out.length, 0);
});

test('a message begins with an object or space; the length is from 1 to the limit', () => {
  const { shortest, longest, checkFirstByte } = classicRules(1_000);
  assert.deepEqual([shortest, longest], [1, 1_000]);
  for (let byte = 0; byte < 256; byte++) {
    const good = '{ \t\r\n'.includes(String.fromCharCode(byte));
    if (good) assert.doesNotThrow(() => checkFirstByte!(byte));
    else assert.throws(() => checkFirstByte!(byte), { code: 'INVALID_ARGUMENT' }, `${byte}`);
  }
});

test('an error’s words are cut to a length', () => {
  const bytes = written((out) => writeClassicError(out, new RpcError('ABORTED', 'x'.repeat(100_000))));
  assert.ok(bytes.length < 5_000);
});
