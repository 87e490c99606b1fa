import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { balancerNames } from './balance/index.ts';
import { readSettings, settingNames } from './settings.ts';

const read = (document: unknown) => {
  const reading = readSettings(document);
  assert.ok('settings' in reading, JSON.stringify(reading));
  return reading;
};
const problems = (document: unknown) => {
  const reading = readSettings(document);
  assert.ok('problems' in reading, 'it is accepted');
  return reading.problems;
};

describe('reading live settings', () => {
  it('takes all that may be set', () => {
    const client = {
      balancer: 'random',
      timeout: 1,
      attempts: 1_000,
      hedging: false,
      balancerOptions: { hashBound: 2 },
    };
    const server = { maxConcurrent: 1, maxQueueTime: 0 };
    const nodes = { a4c2c6ed174eb1ca: { weight: 65_536 }, '[::1]:7000': { offline: true, weight: 1 } };
    const { settings, ignored } = read({ version: 1, nodes, client, server });
    assert.deepEqual(settings, { nodes: new Map(Object.entries(nodes)), client, server });
    assert.deepEqual(ignored, []);
  });

  it('sets nothing where nothing is said', () => {
    const nothing = { nodes: new Map(), client: {}, server: {} };
    assert.deepEqual(read({ version: 1 }).settings, nothing);
    assert.deepEqual(read({ version: 1, nodes: { a: {}, b: { offline: false } } }).settings, nothing);
  });

  it('takes a name from JSON for no more than a name', () => {
    const { settings } = read(JSON.parse('{"version":1,"nodes":{"__proto__":{"offline":true}}}'));
    assert.deepEqual([...settings.nodes], [['__proto__', { offline: true }]]);
    const { ignored } = read(JSON.parse('{"version":1,"client":{"__proto__":{"timeout":1},"toString":1}}'));
    assert.deepEqual(ignored, ['client["__proto__"]', 'client.toString']);
  });

  it('leaves out what it does not know, and names it', () => {
    const document = {
      version: 1,
      extra: 1,
      nodes: { a: { weight: 2, colour: 'red' } },
      client: { retries: 9, balancerOptions: { magic: 1 } },
      server: { 'max\nConcurrent': 1 },
    };
    const { settings, ignored } = read(document);
    assert.deepEqual(ignored, [
      'extra',
      'nodes["a"].colour',
      'client.retries',
      'client.balancerOptions.magic',
      'server["max\\nConcurrent"]',
    ]);
    assert.deepEqual(settings, {
      nodes: new Map([['a', { weight: 2 }]]),
      client: { balancerOptions: {} },
      server: {},
    });
  });

  const bad: [document: object, ...sentences: string[]][] = [
    [{}, 'version is missing: expected 1'],
    [{ version: 2 }, 'version is 2: expected 1'],
    [{ version: '1' }, 'version is "1": expected 1'],
    [{ version: 1, nodes: [] }, 'nodes is a list: expected an object'],
    [{ version: 1, nodes: { a: 7 } }, 'nodes["a"] is 7: expected an object'],
    [{ version: 1, client: 'x' }, 'client is "x": expected an object'],
    [{ version: 1, nodes: { a: { weight: 0 } } }, 'nodes["a"].weight is 0: expected a whole number from 1 to 65536'],
    [
      {
        version: 1,
        nodes: { a: { weight: 65_537, offline: 1 }, b: { weight: 1.5 }, c: { weight: '8' }, d: { weight: null } },
      },
      'nodes["a"].weight is 65537: expected a whole number from 1 to 65536',
      'nodes["a"].offline is 1: expected true or false',
      'nodes["b"].weight is 1.5: expected a whole number from 1 to 65536',
      'nodes["c"].weight is "8": expected a whole number from 1 to 65536',
      'nodes["d"].weight is null: expected a whole number from 1 to 65536',
    ],
    [
      { version: 1, client: { balancer: 'best' } },
      `client.balancer is "best": expected one of ${balancerNames.join(', ')}`,
    ],
    [{ version: 1, client: { timeout: 0 } }, 'client.timeout is 0: expected a whole number from 1 to 2147483647'],
    [
      { version: 1, client: { timeout: 2 ** 31 } },
      'client.timeout is 2147483648: expected a whole number from 1 to 2147483647',
    ],
    [{ version: 1, client: { attempts: 0 } }, 'client.attempts is 0: expected a whole number from 1 to 1000'],
    [{ version: 1, client: { attempts: 1_001 } }, 'client.attempts is 1001: expected a whole number from 1 to 1000'],
    [{ version: 1, client: { hedging: {} } }, 'client.hedging is an object: expected true or false'],
    [{ version: 1, client: { balancerOptions: 1 } }, 'client.balancerOptions is 1: expected an object'],
    [
      { version: 1, client: { balancerOptions: { hashBound: 1 } } },
      'client.balancerOptions.hashBound is 1: expected a number in 1.01..100',
    ],
    [
      { version: 1, server: { maxConcurrent: 0 } },
      'server.maxConcurrent is 0: expected a whole number from 1 to 1000000',
    ],
    [
      { version: 1, server: { maxConcurrent: 1_000_001 } },
      'server.maxConcurrent is 1000001: expected a whole number from 1 to 1000000',
    ],
    [
      { version: 1, server: { maxQueueTime: -1 } },
      'server.maxQueueTime is -1: expected a whole number from 0 to 60000',
    ],
    [
      { version: 1, server: { maxQueueTime: 60_001 } },
      'server.maxQueueTime is 60001: expected a whole number from 0 to 60000',
    ],
  ];
  for (const [document, ...sentences] of bad) {
    it(`refuses ${JSON.stringify(document)}`, () => {
      assert.deepEqual(problems(document), sentences);
    });
  }

  it('refuses what is no document', () => {
    for (const document of [null, 7, 'x', [], true])
      assert.match(problems(document)[0]!, /^the document is .*: expected an object$/);
  });

  it('repeats of a wrong value only what a line can hold', () => {
    const [said] = problems({ version: 1, client: { balancer: `\u001b[2J\n${'x'.repeat(10_000)}` } });
    assert.ok(said!.length < 300, `${said!.length} characters`);
    assert.doesNotMatch(said!, /\p{Cc}/u);
    const [name] = problems({ version: 1, nodes: { [`\n${'y'.repeat(10_000)}`]: 7 } });
    assert.ok(name!.length < 500, `${name!.length} characters`);
    assert.doesNotMatch(name!, /\p{Cc}/u);
  });

  it('never throws, whatever the document is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (nodes, client, server) => {
        for (const document of [nodes, { version: 1, nodes: { a: nodes }, client, server }]) readSettings(document);
      }),
    );
  });
});

it('docs/operations.md shows settings that are accepted, and lists each that there is', () => {
  const page = readFileSync('docs/operations.md', 'utf8');
  const [, example] = /\n((?: {4}.*\n)*? {4}\{\n(?: {4}.*\n)*? {4}\}\n)/.exec(page)!;
  const { settings, ignored } = read(JSON.parse(example!));
  assert.deepEqual([settings.nodes.size, settings.client.timeout, ignored], [1, 2_000, []]);
  const listed = Array.from(page.matchAll(/^\| `((?:nodes\.ID|client|server)\.\w+)` \|/gm), ([, name]) => name!);
  assert.deepEqual(listed.sort(), [...settingNames].sort());
});
