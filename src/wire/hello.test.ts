import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHello, encodeHello, type Hello } from './hello.ts';

const hello: Hello = {
  version: 1,
  service: 'pi',
  instance: '0123456789abcdef',
  worker: { index: 1, of: 4 },
  state: 'serving',
  limits: { message: 4_194_304, metadata: 16_384, calls: 4_096 },
  methods: { pi: { idempotent: true, codecs: ['json'], streaming: 'none' } },
  features: ['x'],
};

function decode(value: unknown): Hello {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return decodeHello(bytes, 0, bytes.length);
}

/** `hello` with one thing changed, found by its path. */
function changed(path: string, value: unknown): Record<string, unknown> {
  const copy = structuredClone(hello) as unknown as Record<string, never>;
  const keys = path.split('.');
  const last = keys.pop()!;
  let at: Record<string, unknown> = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

test('a HELLO comes back as it went in', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(decode(encodeHello(hello)))), hello);
});

test('a HELLO without one of the necessary facts, or with a wrong one, is refused', () => {
  for (const [path, values] of Object.entries({
    version: [undefined, 0, 2, '1'],
    service: [undefined, 1, null],
    instance: [undefined, 1],
    worker: [undefined, null, 1],
    'worker.index': [undefined, -1, 0.5, 4, '1'],
    'worker.of': [undefined, 0, 1],
    state: [undefined, 'gone', 1],
    limits: [undefined, null],
    'limits.message': [undefined, -1, 1.5, '1', 1e300],
    'limits.metadata': [undefined, null],
    'limits.calls': [undefined, Number.NaN],
  })) {
    for (const value of values) {
      assert.throws(
        () => decode(changed(path, value)),
        { code: 'INTERNAL', reason: 'PROTOCOL', stage: 'unsent', message: /^the server's HELLO cannot be read: / },
        `${path} = ${value}`,
      );
    }
  }
  for (const text of ['', '{', 'null', '[]', '"x"', '7', '{"__proto__":{}}', `${'['.repeat(9)}${']'.repeat(9)}`]) {
    assert.throws(() => decode(text), { reason: 'PROTOCOL' }, text);
  }
});

test('what may be missing has the careful default', () => {
  const { methods, features } = decode(
    changed('methods', { a: {}, b: null, c: { idempotent: 'yes', codecs: [1], streaming: 'up' } }),
  );
  assert.equal(Object.getPrototypeOf(methods), null);
  const careful = { idempotent: false, codecs: ['json'], streaming: 'none' };
  assert.deepEqual({ ...methods }, { a: careful, b: careful, c: careful });
  assert.deepEqual(features, ['x']);
  assert.deepEqual({ ...decode(changed('methods', undefined)).methods }, {});
  assert.deepEqual(decode(changed('features', 7)).features, []);
  assert.deepEqual(decode(changed('features', [7])).features, []);
});

test('what a later version adds is left out', () => {
  assert.equal('later' in decode({ ...hello, later: { a: 1 } }), false);
  const facts = { ...hello.methods.pi!, cost: 5 };
  assert.deepEqual({ ...decode({ ...hello, methods: { pi: facts } }).methods.pi }, hello.methods.pi);
});

test('limits beyond what this version can say are cut to it', () => {
  const { limits } = decode({ ...hello, limits: { message: 2 ** 40, metadata: 2 ** 20, calls: 5 } });
  assert.deepEqual(limits, { message: 2 ** 28, metadata: 65_535, calls: 5 });
});

test('a method by the name of something every object has is a method', () => {
  const { methods } = decode(changed('methods', { constructor: { idempotent: true }, toString: {} }));
  assert.deepEqual(methods.constructor, { idempotent: true, codecs: ['json'], streaming: 'none' });
  assert.equal(methods.valueOf, undefined);
});
