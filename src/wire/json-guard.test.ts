import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { guardJson } from './json-guard.ts';

/** What the guard says of a text: nothing, or why not. */
function refusal(text: string, depth = 64): string | undefined {
  const bytes = Buffer.from(text);
  try {
    guardJson(bytes, 0, bytes.length, depth);
    return undefined;
  } catch (error) {
    assert.ok(RpcError.is(error) && error.code === 'INVALID_ARGUMENT', String(error));
    return error.message;
  }
}

const key = /has a key "__proto__"/;
const deep = /nests deeper than 64 levels/;

/** Whether a parsed value holds an object with a key `__proto__` anywhere. */
function hasProtoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProtoKey);
}

test('64 levels pass, 65 do not, whatever they are made of', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"a":', '}]'],
  ] as const) {
    const levels = open.startsWith('[{') ? 2 : 1;
    const nested = (n: number) => `${open.repeat(n / levels)}1${close.repeat(n / levels)}`;
    assert.equal(refusal(nested(64)), undefined, open);
    assert.match(refusal(nested(64 + levels)) ?? '', deep, open);
  }
  assert.match(refusal('['.repeat(65)) ?? '', deep);
  assert.match(refusal('['.repeat(100_000)) ?? '', deep);
});

test('many brackets beside each other are not deep, and brackets in texts are none', () => {
  assert.equal(refusal(`[${'[],'.repeat(1_000)}[]]`), undefined);
  assert.equal(refusal(`{"a":"${'['.repeat(1_000)}","b":"${'\\"['.repeat(1_000)}"}`), undefined);
});

test('a key __proto__ is refused, however it is written', () => {
  for (const text of [
    '{"__proto__":{}}',
    '{"a":{"b":[{"__proto__":1}]}}',
    '{"__proto__" :1}',
    '{ "__proto__"\n\t\r : 1}',
    '{"\\u005f_proto__":1}',
    '{"\\u005F\\u005F\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f":1}',
    '{"__prot\\u006f__":1}',
    '{"a":"\\"","__proto__":1}',
    '{"a":"\\\\","__proto__":1}',
    '{"ключ":"é","__proto__":1}',
  ]) {
    assert.match(refusal(text) ?? '', key, text);
  }
});

test('what only looks like that key passes', () => {
  for (const text of [
    '"__proto__"',
    '["__proto__"]',
    '{"a":"__proto__"}',
    '{"a":"\\u005f_proto__"}',
    '{"__proto":1,"_proto__":1,"__proto___":1,"__PROTO__":1,"proto":1}',
    '{"\\\\u005f_proto__":1}',
    '{"__proto__x":1}',
    '{"constructor":{"prototype":1}}',
    '{"a":"{\\"__proto__\\":1}"}',
    '',
    '"',
    '"__proto__',
    '"\\',
  ]) {
    assert.equal(refusal(text), undefined, text);
  }
});

test('bytes outside of the message are not looked at', () => {
  // The next frame's length may well begin with the byte of a colon.
  const bytes = Buffer.from('[[["__proto__":');
  guardJson(bytes, 3, 14, 0);
  assert.throws(() => guardJson(bytes, 3, 15, 0), key);
  assert.throws(() => guardJson(bytes, 2, 14, 0), /nests deeper than 0/);
});

test('it agrees with what a parser makes of the text', () => {
  type Node = string | number | Node[] | { entries: [string, Node][] };
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'proto', '\\u005f_proto__', '"', '\\'));
  const { node } = fc.letrec<{ node: Node; object: Node; array: Node }>((tie) => ({
    node: fc.oneof({ maxDepth: 5 }, fc.string(), fc.constant('__proto__'), fc.integer(), tie('object'), tie('array')),
    // Of two equal keys the parser would drop one, and all that is in it.
    object: fc.record({ entries: fc.uniqueArray(fc.tuple(key, tie('node')), { selector: ([k]) => k, maxLength: 4 }) }),
    array: fc.array(tie('node'), { maxLength: 3 }),
  }));
  /** A text in JSON; some characters, where they mean the same, as escapes. */
  const quoted = (text: string, nth: number) => {
    const units = [...text].map((c, i) =>
      i % nth === 0 && /[_a-z]/.test(c)
        ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
        : JSON.stringify(c).slice(1, -1),
    );
    return `"${units.join('')}"`;
  };
  const write = (given: Node, nth: number): string => {
    if (typeof given === 'string') return quoted(given, nth);
    if (typeof given === 'number') return String(given);
    if (Array.isArray(given)) return `[${given.map((item) => write(item, nth)).join(',')}]`;
    return `{${given.entries.map(([k, item]) => `${quoted(k, nth)} : ${write(item, nth)}`).join(',')}}`;
  };
  let refused = 0;
  const property = fc.property(node, fc.integer({ min: 1, max: 12 }), (given, nth) => {
    const text = write(given, nth);
    const expected = hasProtoKey(JSON.parse(text));
    if (expected) refused++;
    assert.equal(refusal(text) !== undefined, expected, text);
  });
  fc.assert(property, { numRuns: 2_000 });
  assert.ok(refused > 50, `only ${refused} texts had the key`);
});

test('it never fails in another way, whatever the bytes', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      guardJson(bytes, 0, bytes.length, 4);
    } catch (error) {
      assert.ok(RpcError.is(error), String(error));
    }
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('the time it takes grows with the size, not with its square', () => {
  // Whatever is asked most often: keys of the right length, escapes, spaces before a colon, quotes.
  for (const unit of ['"_________":1,', '"\\u005f\\u005f":1,', '"_________"        ', '""', '\\', '[],']) {
    const time = (size: number) => {
      const bytes = Buffer.from(unit.repeat(Math.ceil(size / unit.length)));
      const since = systemClock.now();
      guardJson(bytes, 0, bytes.length, 1_000_000);
      return systemClock.now() - since;
    };
    time(100_000);
    const small = Math.min(...Array.from({ length: 5 }, () => time(50_000)));
    const large = Math.min(...Array.from({ length: 5 }, () => time(800_000)));
    // Sixteen times as much; by its square it would be 256 times.
    assert.ok(
      large < 100 * Math.max(small, 0.05),
      `${JSON.stringify(unit)}: ${small} ms, 16 times as much ${large} ms`,
    );
  }
});
