import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JuteError, JuteReader, JuteWriter } from './jute.ts';

test('what was written is read again', () => {
  fc.assert(
    fc.property(
      fc.record({
        int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        bool: fc.boolean(),
        text: fc.string({ unit: 'grapheme', maxLength: 600 }),
        bytes: fc.option(fc.uint8Array({ maxLength: 600 })),
        list: fc.array(fc.string()),
      }),
      ({ int, long, bool, text, bytes, list }) => {
        const writer = new JuteWriter().int(int).long(long).bool(bool).string(text).buffer(bytes);
        const reader = new JuteReader(writer.vector(list, (item, w) => w.string(item)).done());
        assert.deepEqual([reader.int(), reader.long(), reader.bool(), reader.string()], [int, long, bool, text]);
        const read = reader.buffer();
        assert.deepEqual(read === null ? null : Uint8Array.from(read), bytes);
        assert.deepEqual(
          reader.vector((r) => r.string()),
          list,
        );
        assert.equal(reader.left, 0);
      },
    ),
  );
});

test('the bytes are those of ZooKeeper', () => {
  const bytes = new JuteWriter().int(-2).long(258n).bool(true).string('/a').buffer(null).done();
  assert.equal(bytes.toString('hex'), 'fffffffe0000000000000102' + '01' + '000000022f61' + 'ffffffff');
});

test('lengths that lie are errors, and reserve nothing', () => {
  const lies: [string, (reader: JuteReader) => unknown][] = [
    ['7fffffff', (r) => r.string()],
    ['fffffffe', (r) => r.buffer()],
    ['7fffffff', (r) => r.vector((item) => item.int())],
    ['fffffffe', (r) => r.vector((item) => item.int())],
    ['000000', (r) => r.int()],
    ['00000000000000', (r) => r.long()],
    ['', (r) => r.bool()],
  ];
  for (const [hex, read] of lies) assert.throws(() => read(new JuteReader(Buffer.from(hex, 'hex'))), JuteError, hex);
});
