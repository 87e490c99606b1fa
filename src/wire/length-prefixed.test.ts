import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { heldMemory } from '../../test/support/memory.ts';
import { RpcError } from '../core/error.ts';
import { LengthPrefixedReader, type LengthRules } from './length-prefixed.ts';

const rules: LengthRules = { shortest: 1, longest: 1_000_000 };

/** A message behind its length. */
function prefixed(body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body as string);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return Buffer.concat([head, bytes]);
}

/** A reader, and what it has heard so far. */
function reader(given: Partial<LengthRules> = {}, goOn: () => boolean = () => true) {
  const heard: Buffer[] = [];
  const made = new LengthPrefixedReader({ ...rules, ...given }, (buffer, start, end) => {
    heard.push(Buffer.from(buffer.subarray(start, end)));
    return goOn();
  });
  return { reader: made, heard, texts: () => heard.map((bytes) => bytes.toString()) };
}

const three = Buffer.concat([prefixed('a'), prefixed('bc'.repeat(40)), prefixed('d')]);
const threeTexts = ['a', 'bc'.repeat(40), 'd'];

test('messages come out whole, wherever the stream is cut once', () => {
  for (let cut = 0; cut <= three.length; cut++) {
    const { reader: it, texts } = reader();
    if (cut > 0) it.push(three.subarray(0, cut));
    if (cut < three.length) it.push(three.subarray(cut));
    assert.deepEqual(texts(), threeTexts, `cut at ${cut}`);
    assert.equal(it.partial, 'none', `cut at ${cut}`);
  }
});

test('messages come out whole from slices of one byte', () => {
  const { reader: it, texts } = reader({ checkFirstByte() {} });
  for (const byte of three) it.push(Buffer.from([byte]));
  assert.deepEqual(texts(), threeTexts);
});

test('a hundred messages in one chunk come out in order, and are counted', () => {
  const expected = Array.from({ length: 100 }, (_, i) => `message ${i}`);
  const { reader: it, texts } = reader();
  it.push(Buffer.concat(expected.map(prefixed)));
  assert.deepEqual(texts(), expected);
  assert.equal(it.messages, 100);
});

test('any messages, cut anywhere, come out as they went in', () => {
  const property = fc.property(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 20_000 }), { maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 40 }),
    (bodies, sizes) => {
      const stream = Buffer.concat(bodies.map(prefixed));
      const { reader: it, heard } = reader();
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = sizes[i % sizes.length]!;
        it.push(stream.subarray(at, at + size));
        at += size;
      }
      assert.deepEqual(heard, bodies.map(Buffer.from));
      assert.equal(it.partial, 'none');
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test('what was said stays as it was, although more came in the same memory', () => {
  const kept: Buffer[] = [];
  const it = new LengthPrefixedReader(rules, (buffer, start, end) => {
    kept.push(buffer.subarray(start, end));
    return true;
  });
  for (const byte of three) it.push(Buffer.from([byte]));
  assert.deepEqual(kept.map(String), threeTexts);
});

test('says how much of a message is there', () => {
  const { reader: it } = reader();
  assert.equal(it.partial, 'none');
  it.push(Buffer.from([3, 0]));
  assert.equal(it.partial, 'head');
  it.push(Buffer.from([0]));
  assert.equal(it.partial, 'head');
  it.push(Buffer.from([0]));
  assert.equal(it.partial, 'body');
  it.push(Buffer.from('ab'));
  assert.equal(it.partial, 'body');
  it.push(Buffer.from('c'));
  assert.equal(it.partial, 'none');
});

test('the shortest and the longest length are taken, one less and one more are not', () => {
  const limits = { shortest: 5, longest: 100 };
  for (const length of [5, 100]) {
    const { reader: it, heard } = reader(limits);
    it.push(prefixed(Buffer.alloc(length)));
    assert.equal(heard.length, 1, `${length}`);
  }
  const refused = (length: number, code: string, reason: string) => {
    const { reader: it, heard } = reader(limits);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(length);
    assert.throws(
      () => it.push(head),
      (error) => RpcError.is(error) && error.code === code && error.reason === reason,
      `${length}`,
    );
    assert.equal(heard.length, 0);
  };
  for (const length of [0, 4]) refused(length, 'INTERNAL', 'PROTOCOL');
  for (const length of [101, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) refused(length, 'RESOURCE_EXHAUSTED', 'TOO_LARGE');
});

test('a bad length is found as soon as its last byte is there, behind good messages too', () => {
  const { reader: it, texts } = reader();
  it.push(Buffer.concat([prefixed('good'), Buffer.from([0xff, 0xff, 0xff])]));
  assert.deepEqual(texts(), ['good']);
  assert.throws(() => it.push(Buffer.from([0xff])), /4294967295 bytes long: at most 1000000/);
});

test('the first byte of a body is looked at as soon as it is there, and once', () => {
  for (const cuts of [[6], [4, 2], [5, 1], [1, 1, 1, 1, 1, 1], [3, 3]]) {
    const seen: number[] = [];
    const { reader: it, texts } = reader({ checkFirstByte: (byte) => void seen.push(byte) });
    const stream = prefixed('xy');
    let at = 0;
    for (const size of cuts) {
      it.push(stream.subarray(at, at + size));
      at += size;
      if (at >= 5) assert.ok(seen.includes(0x78), `${cuts}: not yet seen at ${at}`);
    }
    assert.deepEqual(texts(), ['xy']);
  }
  const { reader: it } = reader({
    checkFirstByte() {
      throw new RpcError('INVALID_ARGUMENT', 'no');
    },
  });
  it.push(Buffer.from([100, 0, 0, 0]));
  assert.throws(() => it.push(Buffer.from([0x16])), /no/);
});

test('a listener that says no gets nothing more until it is asked to, and then all of it', () => {
  for (let cut = 0; cut <= three.length; cut++) {
    let go = false;
    const { reader: it, texts } = reader({}, () => go);
    if (cut > 0) it.push(three.subarray(0, cut));
    if (cut < three.length) it.push(three.subarray(cut));
    assert.deepEqual(texts(), ['a'], `cut at ${cut}`);
    it.resume();
    assert.deepEqual(texts(), threeTexts.slice(0, 2), `cut at ${cut}`);
    go = true;
    it.resume();
    assert.deepEqual(texts(), threeTexts, `cut at ${cut}`);
    it.push(prefixed('more'));
    assert.deepEqual(texts(), [...threeTexts, 'more'], `cut at ${cut}`);
  }
});

test('to go on without having been stopped changes nothing', () => {
  const { reader: it, texts } = reader();
  it.push(three.subarray(0, 20));
  it.resume();
  it.push(three.subarray(20));
  it.resume();
  assert.deepEqual(texts(), threeTexts);
});

test('an announced length allocates nothing', () => {
  const readers: LengthPrefixedReader[] = [];
  const head = Buffer.alloc(4);
  head.writeUInt32LE(64 * 1_048_576);
  const before = heldMemory();
  for (let i = 0; i < 1_000; i++) {
    const { reader: it } = reader({ longest: 64 * 1_048_576 });
    it.push(head);
    it.push(Buffer.from('{'));
    it.push(Buffer.from('"'));
    readers.push(it);
  }
  const grown = heldMemory() - before;
  assert.equal(readers.length, 1_000);
  assert.ok(grown < 32 * 1_048_576, `${grown} bytes for 64 GiB announced`);
});

test('a long message in tiny slices takes no more than about twice its bytes', () => {
  const size = 300_000;
  const { reader: it } = reader();
  const head = Buffer.alloc(4);
  head.writeUInt32LE(size);
  it.push(head);
  const before = heldMemory();
  for (let i = 0; i < size - 1; i++) it.push(Buffer.from([i & 0xff]));
  const grown = heldMemory() - before;
  assert.equal(it.partial, 'body');
  assert.ok(grown < 2 * size + 1_048_576, `${grown} bytes for ${size}`);
});
