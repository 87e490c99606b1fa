import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { type Calls, type Handlers, isIdempotent, method, service } from './contract.ts';

test('names that a client has for itself, and that every object has, are no method names', () => {
  for (const name of ['then', 'close', 'nodes', 'on', 'health', 'constructor', 'toString', 'hasOwnProperty'])
    assert.throws(() => service('s', { [name]: method() }), {
      name: 'TypeError',
      message: new RegExp(`"${name}".*reserved`),
    });
});

test('names are letters, digits, dots, underscores and hyphens, begin with a letter and have 64 of them at most', () => {
  for (const name of ['', '1a', '_a', '__proto__', 'a/b', 'a b', 'ä', `a${'b'.repeat(64)}`]) {
    assert.throws(() => service('s', Object.fromEntries([[name, method()]])), TypeError, `method "${name}"`);
    assert.throws(() => service(name, {}), TypeError, `service "${name}"`);
  }
  for (const name of ['a', 'A1', 'a.b-c_d', `a${'b'.repeat(63)}`]) {
    assert.ok(Object.hasOwn(service('s', { [name]: method() }).methods, name));
    assert.equal(service(name, {}).name, name);
  }
});

test('a method is not idempotent unless it says so; what is not known is not; health always is', () => {
  const contract = service('s', { read: method({ idempotent: true }), write: method(), other: method({}) });
  assert.equal(isIdempotent(contract, 'read'), true);
  assert.equal(isIdempotent(contract, 'write'), false);
  assert.equal(isIdempotent(contract, 'other'), false);
  assert.equal(isIdempotent(contract, 'toString'), false);
  assert.equal(isIdempotent(contract, 'missing'), false);
  assert.equal(isIdempotent(contract, 'health'), true);
});

/** What the type checker must take and refuse: `tsc` is the test, and nothing of it runs. */
export async function types() {
  const half = service('half', {
    both: method({ input: z.object({ a: z.number() }), output: z.string() }),
    input: method({ input: z.string(), idempotent: true }),
    output: method({ output: z.string() }),
    neither: method(),
    fact: method({ idempotent: true }),
    maybe: method({ input: z.number().optional(), output: z.number().transform(String) }),
  });
  type Half = typeof half.methods;
  const handlers: Handlers<Half> = {
    both: ({ a }) => a.toFixed(1),
    input: (text) => text.length,
    output: (input: unknown) => String(input),
    neither: () => 42,
    fact: async () => null,
    maybe: (n) => n ?? 0,
  };
  // @ts-expect-error the output is a string
  const output: Handlers<Half>['output'] = () => 42;
  // @ts-expect-error the input is a string
  const input: Handlers<Half>['input'] = (n: number) => n;
  // @ts-expect-error a schema is none
  method({ output: 'string' });
  // @ts-expect-error there is no such fact
  method({ output: z.string(), idempotant: true });

  const client = {} as Calls<Half>;
  const text: string = await client.output();
  const same: string = await client.output(undefined, { timeout: 1 });
  const other: string = await client.maybe();
  const fields: string = await client.both({ a: 1 });
  const any: unknown[] = [
    await client.neither(),
    await client.neither(1),
    await client.fact(),
    await client.input('x'),
  ];
  // @ts-expect-error what a method gives whose output is not known is not known
  const unknown: string = await client.input('x');
  // @ts-expect-error the input is checked
  await client.input(1);
  // @ts-expect-error and may not be left out where it is needed
  await client.input();
  // @ts-expect-error nor here
  await client.both();
  // @ts-expect-error nor be another where it may be
  await client.maybe('x');
  // @ts-expect-error what comes back is typed
  const number: number = await client.output();
  // @ts-expect-error here too
  const other2: number = await client.maybe(1);
  return [handlers, output, input, text, same, other, fields, any, unknown, number, other2];
}
