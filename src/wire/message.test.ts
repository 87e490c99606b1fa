import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Encoded, type Metadata, noMetadata, OutgoingCall, type Reply } from '../core/call.ts';
import { codes } from '../core/code.ts';
import { RpcError } from '../core/error.ts';
import { json } from './codec.ts';
import { frameType } from './frame.ts';
import { limits, longestFrame } from './limits.ts';
import {
  encodedValue,
  encodeMessage,
  errorFromJson,
  errorToJson,
  type PeerLimits,
  readCall,
  readError,
  readReply,
  readValue,
  writeCall,
  writeError,
  writeReply,
} from './message.ts';
import { Outbox } from './outbox.ts';

const usual = limits();

/** What one writer wrote: a frame's type, id, and where its body is. */
function written(write: (out: Outbox) => void) {
  const out = new Outbox();
  write(out);
  const bytes = out.take(1_000_000_000);
  assert.equal(bytes.readUInt32LE(), bytes.length - 4, 'one whole frame');
  return { type: bytes[4]!, id: bytes.readUInt32LE(5), bytes, start: 9, end: bytes.length };
}

interface Facts {
  service?: string;
  method?: string;
  input?: unknown;
  attempt?: number;
  metadata?: Metadata;
}

function call(facts: Facts): OutgoingCall {
  const usually = { service: 'pi', method: 'pi', input: null, since: 0, deadline: 0, repeatable: false };
  return new OutgoingCall({ ...usually, ...facts });
}

function writeOne(out: Outbox, id: number, facts: Facts, remaining: number, given: PeerLimits): void {
  const made = call(facts);
  writeCall(out, id, made, encodeMessage(made.input, json), remaining, given);
}

const writtenCall = (facts: Facts, remaining = 5_000, id = 7, given = usual) =>
  written((out) => writeOne(out, id, facts, remaining, given));
const writtenReply = (reply: Reply, given = usual) => written((out) => writeReply(out, 7, reply, json, given));

/** Cuts `hole` bytes out of a frame's body at `at`, and puts `bytes` there. Answers the body alone. */
function spliced(frame: { bytes: Buffer; start: number }, at: number, hole: number, bytes: number[]): Buffer {
  const body = frame.bytes.subarray(frame.start);
  return Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at + hole)]);
}

const anyName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/);
const anyMetadata = fc.dictionary(
  fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/),
  fc.stringMatching(/^[ -~é]{0,30}$/),
);
const anyValue = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));
/** As JSON hands it on: no -0. */
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value));

test('a CALL comes back as it went in', () => {
  const property = fc.property(
    anyName,
    anyName,
    anyValue,
    fc.option(anyMetadata),
    fc.integer({ min: 1, max: 255 }),
    fc.oneof(fc.nat(2 ** 31 - 1), fc.constant(Number.POSITIVE_INFINITY)),
    fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    (service, method, input, given, attempt, remaining, id) => {
      const metadata = given ?? noMetadata;
      const frame = writtenCall({ service, method, input, metadata, attempt }, remaining, id);
      assert.equal(frame.type, frameType.call);
      assert.equal(frame.id, id);
      const read = readCall(frame.bytes, frame.start, frame.end, usual);
      assert.deepEqual(
        [read.service, read.method, read.attempt, read.remaining, { ...read.metadata }],
        [service, method, attempt, remaining, { ...metadata }],
      );
      assert.deepEqual(readValue(read, 64), asJson(input));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('a REPLY comes back as it went in', () => {
  const property = fc.property(anyValue, fc.option(anyMetadata, { nil: undefined }), (output, metadata) => {
    const frame = writtenReply(metadata === undefined ? { output } : { output, metadata });
    assert.equal(frame.type, frameType.reply);
    const read = readReply(frame.bytes, frame.start, frame.end, usual);
    assert.deepEqual({ ...read.metadata }, { ...metadata });
    assert.deepEqual(readValue(read, 64), asJson(output));
  });
  fc.assert(property, { numRuns: 500 });
});

test('an error comes back whole, less what is the sender’s own', () => {
  const property = fc.property(
    fc.constantFrom(...codes),
    fc.option(fc.string({ minLength: 1, maxLength: 200 }), { nil: undefined }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.boolean(),
    fc.option(fc.nat(), { nil: undefined }),
    (code, reason, message, mayHaveExecuted, retryAfter) => {
      const error = new RpcError(code, message, { reason, mayHaveExecuted, retryAfter, cause: new Error('secret') });
      const frame = written((out) => writeError(out, frameType.error, 7, error));
      assert.equal(frame.bytes.includes('secret'), false);
      const read = readError(frame.bytes, frame.start, frame.end, 'answered');
      assert.deepEqual(
        [read.code, read.reason, read.message, read.mayHaveExecuted, read.retryAfter, read.stage],
        [code, reason, message.toWellFormed(), mayHaveExecuted, retryAfter, 'answered'],
      );
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('undefined is no bytes, both ways', () => {
  const frame = writtenCall({ input: undefined });
  assert.equal(frame.bytes.length, 9 + 8 + 'pi/pi'.length);
  assert.equal(readValue(readCall(frame.bytes, frame.start, frame.end, usual), 64), undefined);
  const reply = writtenReply({ output: undefined });
  assert.equal(readValue(readReply(reply.bytes, reply.start, reply.end, usual), 64), undefined);
});

test('an encoded message passes as its bytes', () => {
  const frame = writtenCall({ input: new Encoded('json', Buffer.from(' { "a" : 1 } ')) });
  const read = readCall(frame.bytes, frame.start, frame.end, usual);
  assert.deepEqual(encodedValue(read), new Encoded('json', Buffer.from(' { "a" : 1 } ')));
  const reply = writtenReply({ output: encodedValue(read) });
  assert.deepEqual(readValue(readReply(reply.bytes, reply.start, reply.end, usual), 64), { a: 1 });
});

test('remaining time is rounded up, and as long as it can be said', () => {
  const remaining = (ms: number) => {
    const frame = writtenCall({}, ms);
    return readCall(frame.bytes, frame.start, frame.end, usual).remaining;
  };
  assert.equal(remaining(0), 0);
  assert.equal(remaining(0.2), 1);
  assert.equal(remaining(2 ** 32 - 2), 2 ** 32 - 2);
  assert.equal(remaining(2 ** 32 + 5), 2 ** 32 - 2);
  assert.equal(remaining(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});

test('attempts beyond 255 are said as 255; none is said as 1', () => {
  const frame = writtenCall({ attempt: 256 });
  assert.equal(readCall(frame.bytes, frame.start, frame.end, usual).attempt, 255);
  frame.bytes[frame.start + 2] = 0;
  assert.equal(readCall(frame.bytes, frame.start, frame.end, usual).attempt, 1);
});

test('a message of the limit is written and read, one byte more is not, either way', () => {
  const small = { ...usual, message: 1_024 };
  const value = (size: number) => 'x'.repeat(size - 2);
  const tooLarge = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_LARGE', message: /1025 bytes: at most 1024/ };
  for (const make of [value, (size: number) => `é${value(size - 2)}`]) {
    assert.doesNotThrow(() => writtenCall({ input: make(1_024) }, 0, 1, small));
    assert.doesNotThrow(() => writtenReply({ output: make(1_024) }, small));
    assert.throws(() => writtenCall({ input: make(1_025) }, 0, 1, small), { ...tooLarge, stage: 'unsent' });
    assert.throws(() => writtenReply({ output: make(1_025) }, small), tooLarge);
  }
  const encoded = new Encoded('json', Buffer.from(JSON.stringify(value(1_025))));
  assert.throws(() => writtenCall({ input: encoded }, 0, 1, small), tooLarge);
  for (const [size, taken] of [
    [1_024, true],
    [1_025, false],
  ] as const) {
    const frame = writtenCall({ input: value(size) });
    const reply = writtenReply({ output: value(size) });
    const readBoth = [
      () => readCall(frame.bytes, frame.start, frame.end, small),
      () => readReply(reply.bytes, reply.start, reply.end, small),
    ];
    for (const read of readBoth) {
      if (taken) assert.doesNotThrow(read);
      else assert.throws(read, tooLarge);
    }
  }
});

test('metadata of the limit passes, one byte more does not', () => {
  const metadata = (size: number) => ({ k: 'x'.repeat(size - '{"k":""}'.length) });
  const small = { ...usual, metadata: 100 };
  const frame = writtenCall({ metadata: metadata(100) }, 0, 1, small);
  assert.doesNotThrow(() => readCall(frame.bytes, frame.start, frame.end, small));
  assert.throws(() => writtenCall({ metadata: metadata(101) }, 0, 1, small), { reason: 'TOO_LARGE', stage: 'unsent' });
  const larger = writtenCall({ metadata: metadata(101) });
  assert.throws(() => readCall(larger.bytes, larger.start, larger.end, small), { reason: 'TOO_LARGE' });
});

test('the longest call of all fits into the longest frame', () => {
  const small = { ...usual, message: 1_024, metadata: 65_535 };
  const frame = writtenCall(
    {
      service: 's'.repeat(127),
      method: 'm'.repeat(127),
      input: 'x'.repeat(1_022),
      metadata: { k: 'x'.repeat(65_535 - '{"k":""}'.length) },
    },
    0,
    1,
    small,
  );
  assert.ok(frame.bytes.readUInt32LE() <= longestFrame(small));
});

test('a name that would arrive as another is not written', () => {
  for (const facts of [
    { service: 'p/i' },
    { service: 'pi i' },
    { method: '\u0170\u0169' },
    { method: 'pí' },
    { method: 'p\ni' },
    { service: 's'.repeat(128), method: 'm'.repeat(127) },
  ]) {
    assert.throws(() => writtenCall(facts), {
      code: 'INVALID_ARGUMENT',
      stage: 'unsent',
      message: /is no name: expected/,
    });
  }
  const frame = writtenCall({ service: 's'.repeat(127), method: 'm'.repeat(127) });
  assert.equal(readCall(frame.bytes, frame.start, frame.end, usual).method, 'm'.repeat(127));
});

test('whatever cannot be written leaves the outbox as it was', () => {
  const circular: unknown[] = [];
  circular.push(circular);
  const bad: [string, unknown][] = [
    ['INVALID_ARGUMENT', 10n],
    ['INVALID_ARGUMENT', circular],
    ['INVALID_ARGUMENT', { toJSON: () => assert.fail('thrown by the value') }],
    ['RESOURCE_EXHAUSTED', 'x'.repeat(5_000)],
    ['RESOURCE_EXHAUSTED', 'é'.repeat(600)],
    ['UNIMPLEMENTED', new Encoded('xml', Buffer.from('<a/>'))],
  ];
  const small = { ...usual, message: 1_024 };
  const out = new Outbox();
  for (const [code, value] of bad) {
    assert.throws(() => writeOne(out, 1, { input: value }, 0, small), { code });
    assert.throws(() => writeOne(out, 1, { input: value, metadata: { a: 'b' } }, 0, small), { code });
    assert.throws(() => writeReply(out, 1, { output: value }, json, small), { code });
  }
  assert.throws(() => writeOne(out, 1, { method: 'é' }, 0, small), { code: 'INVALID_ARGUMENT' });
  assert.equal(out.length, 0);
  writeOne(out, 1, { input: 1 }, 0, small);
  const bytes = out.take(1_000);
  assert.equal(bytes.readUInt32LE(), bytes.length - 4);
  assert.equal(readValue(readCall(bytes, 9, bytes.length, small), 64), 1);
});

test('a CALL cut short anywhere is refused, and nothing beyond it is read', () => {
  const frame = writtenCall({ input: 'hello', metadata: { a: 'b' } });
  const withoutMessage = frame.end - '"hello"'.length;
  for (let end = frame.start; end < withoutMessage; end++) {
    assert.throws(
      () => readCall(frame.bytes, frame.start, end, usual),
      (error) => RpcError.is(error) && error.reason === 'PROTOCOL',
      `cut at ${end}`,
    );
  }
  for (let end = withoutMessage + 1; end < frame.end; end++) {
    const read = readCall(frame.bytes, frame.start, end, usual);
    assert.throws(() => readValue(read, 64), { code: 'INVALID_ARGUMENT' }, `cut at ${end}`);
  }
});

test('a REPLY cut short anywhere is refused', () => {
  const frame = writtenReply({ output: 'hello', metadata: { a: 'b' } });
  for (let end = frame.start; end < frame.end - '"hello"'.length; end++) {
    assert.throws(() => readReply(frame.bytes, frame.start, end, usual), { reason: 'PROTOCOL' }, `cut at ${end}`);
  }
  const bare = writtenReply({ output: 1 });
  for (const length of [0, 1]) {
    assert.throws(() => readReply(bare.bytes, bare.start, bare.start + length, usual), { reason: 'PROTOCOL' });
  }
});

test('a call that names no service, an unknown codec or flags of later versions is refused, with what is expected', () => {
  const frame = writtenCall({});
  const read = (body: Buffer) => () => readCall(body, 0, body.length, usual);
  const noSlash = spliced(frame, 10, 1, [0x2e]);
  assert.throws(read(noSlash), { code: 'INTERNAL', reason: 'PROTOCOL', message: /"pi\.pi": expected SERVICE\/METHOD/ });
  for (const codec of [1, 2, 3, 255]) {
    assert.throws(read(spliced(frame, 1, 1, [codec])), { code: 'UNIMPLEMENTED', message: /expected json \(0\)/ });
  }
  for (const flags of [0x02, 0x04, 0x80]) {
    assert.throws(read(spliced(frame, 0, 1, [flags])), { code: 'UNIMPLEMENTED', message: /flags 0x/ });
  }
});

test('any bytes at all give a call or an RpcError', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 80 }), (given) => {
    const body = Buffer.from(given);
    for (const read of [
      () => readValue(readCall(body, 0, body.length, usual), 64),
      () => readValue(readReply(body, 0, body.length, usual), 64),
    ]) {
      try {
        read();
      } catch (error) {
        assert.ok(RpcError.is(error), String(error));
      }
    }
    assert.ok(RpcError.is(readError(body, 0, body.length, 'answered')));
  });
  fc.assert(property, { numRuns: 3_000 });
});

test('an error whose facts are of wrong types is an error all the same', () => {
  const read = (facts: unknown) => errorFromJson(facts, 'answered');
  for (const facts of [null, 5, 'text', [], {}, { code: 'NO_SUCH_CODE' }, { code: 5 }, { message: { toString: 1 } }]) {
    const { code, message } = read(facts);
    assert.deepEqual([code, message], ['UNKNOWN', 'no message'], JSON.stringify(facts));
  }
  const { reason, mayHaveExecuted, retryAfter } = read({ reason: 5, mayHaveExecuted: 'yes', retryAfter: -1 });
  assert.deepEqual([reason, mayHaveExecuted, retryAfter], [undefined, false, undefined]);
  const bytes = Buffer.from('{"code":"ABORTED"');
  assert.equal(readError(bytes, 0, bytes.length, 'answered').reason, 'PROTOCOL');
});

test('how far a call got is what the reader knows, not what the peer says', () => {
  assert.equal(errorFromJson({ code: 'ABORTED', stage: 'unsent' }, 'refused').stage, 'refused');
});

test('an error’s words are cut to a length', () => {
  const facts = errorToJson(new RpcError('ABORTED', 'x'.repeat(100_000), { reason: 'y'.repeat(10_000) }));
  assert.equal((facts.message as string).length, 4_099);
  assert.equal((facts.reason as string).length, 256);
});
