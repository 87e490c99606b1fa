/** What docs/protocol.md says of numbers is what the code says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codes } from '../src/core/code.ts';
import { codecs } from '../src/wire/codec.ts';
import { frameHead, frameMinimum, frameType, highestId, noLastId, skippable } from '../src/wire/frame.ts';
import { longestHello } from '../src/wire/hello.ts';
import { limits, longestFrame, ranges } from '../src/wire/limits.ts';
import { flag } from '../src/wire/message.ts';
import { preface } from '../src/wire/preface.ts';

const page = readFileSync(new URL('protocol.md', import.meta.url), 'utf8');

/** The rows of the table whose first cell of the head is this, cell by cell. */
function table(head: string): string[][] {
  const [, rows] = new RegExp(`^\\| ${head} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm').exec(page) ?? [];
  assert.ok(rows !== undefined, `no table "${head}"`);
  return rows
    .trimEnd()
    .split('\n')
    .map((row) => row.slice(2, -2).split(' | '));
}

test('every type of frame stands there with its number, and no other', () => {
  const listed = Object.fromEntries(table('type').map(([number, name]) => [name!.toLowerCase(), Number(number)]));
  assert.deepEqual(listed, { ...frameType });
});

test('every limit stands there with its default and its range, and no other', () => {
  const listed = Object.fromEntries(
    table('limit').map(([name, fallback, range]) => {
      const [min, max] = range!.split('..').map(Number);
      return [name!.replaceAll('`', ''), { default: Number(fallback), min, max }];
    }),
  );
  assert.deepEqual(listed, ranges);
});

test('every code and every reason of the framework stands there, and no other reason', () => {
  const sentence = /The codes: ([A-Z_,\s]+)\./.exec(page)?.[1]?.split(/,\s+/);
  assert.deepEqual(sentence, [...codes]);
  const source = readFileSync(new URL('../src/core/code.ts', import.meta.url), 'utf8');
  const described = [...source.matchAll(/^ \* \| ([A-Z_]+) \| ([A-Z_]+) \|/gm)].map(([, reason, code]) => [
    reason,
    code,
  ]);
  assert.ok(described.length > 5);
  assert.deepEqual(
    table('reason').map(([reason, code]) => [reason, code]),
    described,
  );
});

test('the numbers in its sentences are those of the code', () => {
  assert.deepEqual([frameHead, frameMinimum, skippable, highestId, noLastId], [9, 5, 0x80, 2 ** 31 - 1, 2 ** 32 - 1]);
  assert.deepEqual(flag, { metadata: 0x01, more: 0x02, compressed: 0x04 });
  assert.deepEqual(
    codecs.map(({ name, number }) => [name, number]),
    [['json', 0]],
  );
  assert.equal(preface.toString('latin1'), 'EVKL\x01');
  assert.equal(longestFrame(limits()), limits().message + limits().metadata + 1_024);
  assert.equal(longestHello, 1_048_576);
  for (const words of [
    'at least 5',
    'A type of 0x80 or more',
    'from 1 to 2^31-1',
    'First with id 2^32-1',
    '0x01 = metadata is there. 0x02 (the message goes on in DATA) and 0x04 (compressed)',
    '0 = JSON in UTF-8',
    '`EVKL`, then the version, `0x01`',
    'limit and 1,024 bytes; a HELLO may have 1 MiB',
  ]) {
    assert.ok(page.includes(words), words);
  }
});
