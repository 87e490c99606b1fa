import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { heldMemory } from '../../test/support/memory.ts';
import { Outbox } from './outbox.ts';

const KiB = 1_024;

/** Takes all that is there, in pieces of at most `most`. */
function takeAll(out: Outbox, most = 1_000_000, reusable = true): Buffer {
  const pieces: Buffer[] = [];
  while (out.length > 0) {
    const piece = out.take(most);
    assert.ok(piece.length > 0 && piece.length <= most);
    pieces.push(Buffer.from(piece));
    out.giveBack(reusable);
  }
  return Buffer.concat(pieces);
}

function frame(out: Outbox, type: number, id: number, body: Uint8Array): void {
  out.begin(type, id);
  out.bytes(body);
  out.end();
}

test('a frame is its length, type, id and body', () => {
  const out = new Outbox();
  frame(out, 0x02, 0x01020304, Buffer.from('ab'));
  assert.equal(out.length, 11);
  assert.equal(takeAll(out).toString('hex'), '07000000' + '02' + '04030201' + '6162');
  assert.equal(out.length, 0);
});

test('the highest id and a long body have their bytes in place', () => {
  const out = new Outbox();
  frame(out, 0xff, 0xffff_ffff, Buffer.alloc(0x010203));
  assert.equal(takeAll(out).subarray(0, 9).toString('hex'), '08020100' + 'ff' + 'ffffffff');
});

test('a classic message is its length and body', () => {
  const out = new Outbox();
  out.beginClassic();
  assert.equal(out.utf8('{"in":"é"}'), 11);
  out.end();
  assert.equal(takeAll(out).toString('hex'), `0b000000${Buffer.from('{"in":"é"}').toString('hex')}`);
});

test('numbers are little-endian', () => {
  const out = new Outbox();
  out.u8(1);
  out.u16(0x0203);
  out.u32(0x04050607);
  assert.equal(takeAll(out).toString('hex'), '01030207060504');
});

test('a frame thrown away leaves those around it whole', () => {
  const out = new Outbox();
  frame(out, 2, 1, Buffer.from('a'));
  out.begin(2, 2);
  out.bytes(Buffer.alloc(100 * KiB));
  out.abandon();
  frame(out, 2, 3, Buffer.from('c'));
  assert.equal(takeAll(out).toString('hex'), '060000000201000000610600000002' + '0300000063');
});

test('a name is printable ASCII, or it is none', () => {
  const out = new Outbox();
  assert.equal(out.name('az-AZ.09_~!'), true);
  assert.equal(takeAll(out).toString(), 'az-AZ.09_~!');
  // Űũ without the upper bytes is "pi": it would be a call of another method.
  for (const bad of ['a b', 'é', '\u0170\u0169', '\u0000', '\n', '\u007f', '😀']) {
    assert.equal(out.name(bad), false, JSON.stringify(bad));
  }
  assert.equal(out.length, 0);
});

test('texts of every kind of character take as many bytes as they have', () => {
  const property = fc.property(fc.string({ unit: 'binary', maxLength: 6_000 }), (text) => {
    const out = new Outbox();
    assert.equal(out.utf8(text), Buffer.byteLength(text));
    assert.deepEqual(takeAll(out), Buffer.from(text));
  });
  fc.assert(property, { numRuns: 300 });
});

test('whatever is written, taken and given back in between, the bytes are the ones written', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('write' as const), size: fc.oneof(fc.nat(64), fc.nat(20 * KiB), fc.nat(600 * KiB)) }),
    fc.record({ do: fc.constant('abandon' as const), size: fc.nat(40 * KiB) }),
    fc.record({
      do: fc.constant('take' as const),
      size: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.nat(300 * KiB)),
    }),
  );
  const property = fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, reusable) => {
    const out = new Outbox();
    const written: Buffer[] = [];
    const taken: Buffer[] = [];
    let id = 0;
    for (const { do: what, size } of steps) {
      if (what === 'write') {
        const body = Buffer.alloc(size, ++id);
        frame(out, 2, id, body);
        const head = Buffer.alloc(9);
        head.writeUInt32LE(size + 5);
        head[4] = 2;
        head.writeUInt32LE(id, 5);
        written.push(head, body);
      } else if (what === 'abandon') {
        out.begin(3, 9);
        out.bytes(Buffer.alloc(size, 0xee));
        out.abandon();
      } else {
        const bytes = out.take(size);
        // Where memory serves again only after the last byte, what was taken is copied late.
        taken.push(reusable ? Buffer.from(bytes) : bytes);
        out.giveBack(reusable);
      }
      const length = written.reduce((sum, b) => sum + b.length, 0) - taken.reduce((sum, b) => sum + b.length, 0);
      assert.equal(out.length, length);
    }
    assert.ok(Buffer.concat([...taken, takeAll(out)]).equals(Buffer.concat(written)));
  });
  fc.assert(property, { numRuns: 300 });
});

test('memory that was given back serves again; other is left to its taker', () => {
  const out = new Outbox();
  frame(out, 2, 1, Buffer.from('first'));
  const first = out.take(100);
  out.giveBack(true);
  frame(out, 2, 2, Buffer.from('other'));
  assert.equal(out.take(100).buffer, first.buffer);
  out.giveBack(false);
  frame(out, 2, 3, Buffer.from('third'));
  assert.notEqual(out.take(100).buffer, first.buffer);
});

test('what a peer leaves unread takes little more than its bytes', () => {
  const MiB = 1_024 * KiB;
  const body = Buffer.alloc(MiB);
  const before = heldMemory();
  const out = new Outbox();
  for (let id = 1; id <= 40; id++) frame(out, 2, id, body);
  // In one buffer that doubles, they would take 64 MiB.
  const grown = heldMemory() - before;
  assert.ok(grown < 50 * MiB, `${grown} bytes for 40 MiB`);
  assert.equal(takeAll(out, 128 * KiB).length, 40 * (MiB + 9));
});

test('an empty outbox holds no memory, whatever it held', () => {
  const before = heldMemory();
  const boxes = Array.from({ length: 1_000 }, () => new Outbox());
  for (const [i, out] of boxes.entries()) {
    frame(out, 2, 1, Buffer.alloc(i % 100 === 0 ? 4_096 * KiB : 100));
    takeAll(out);
  }
  // Sixty-four buffers of 16 KiB are kept for all of them.
  assert.ok(heldMemory() - before < 3_000_000);
  assert.equal(boxes.length, 1_000);
});
