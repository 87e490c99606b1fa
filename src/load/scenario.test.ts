import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { pi } from '../pi/contract.ts';
import { plannedCall } from './plan.ts';
import { describeStep, parseScenario } from './scenario.ts';

const folder = new URL('../../loadtest/scenarios/', import.meta.url);
const head = 'name: x\nservers: 3\nload: { kind: proof, rate: 300 }\n';

describe('a scenario', () => {
  it('is read with its defaults filled in', () => {
    const scenario = parseScenario(`${head}events: [{ at: 1.5s, do: kill }, { at: 500ms, do: freeze, for: 1m }]`);
    assert.deepEqual(scenario, {
      name: 'x',
      servers: 3,
      load: { kind: 'proof', stages: [{ rate: 300, over: 2000 }], n: 93, unsafe: 0 },
      events: [
        { at: 1500, do: 'kill', target: 'server', count: 1 },
        { at: 500, do: 'freeze', target: 'server', count: 1, for: 60_000 },
      ],
      patience: 30_000,
    });
  });

  it('knows stages of load, and scaling at a pace', () => {
    const { load, events } = parseScenario(`name: x
servers: 3
load: { kind: proof, stages: [{ rate: 100, over: 10s }, { rate: 300, over: 1m }] }
events:
  - { at: 1s, do: scale, to: 5, how: gradual }
  - { at: 1s, do: scale, to: 5, how: gradual, every: 500ms }
  - { at: 1s, do: scale, to: 5, patience: 2m }`);
    assert.deepEqual(load.kind === 'proof' && load.stages, [
      { rate: 100, over: 10_000 },
      { rate: 300, over: 60_000 },
    ]);
    assert.deepEqual(
      events.map((step) => step.do === 'scale' && step.pace),
      [{ how: 'gradual', every: 5000 }, { how: 'gradual', every: 500 }, { how: 'abrupt' }],
    );
    assert.equal(events[2]!.patience, 120_000);
  });

  for (const [what, yaml, message] of [
    [
      'a rate and stages',
      'name: x\nservers: 1\nload: { kind: proof, rate: 5, stages: [{ rate: 1, over: 1s }] }\nevents: []',
      /load: expected one of "rate" and "stages"$/,
    ],
    [
      'neither rate nor stages',
      'name: x\nservers: 1\nload: { kind: proof }\nevents: []',
      /load: expected one of "rate" and "stages"$/,
    ],
    [
      'a pace for all at once',
      `${head}events: [{ at: 1s, do: scale, to: 3, every: 3s }]`,
      /events\[1\]: "every" goes with "how: gradual" alone$/,
    ],
    [
      'an unknown pace',
      `${head}events: [{ at: 1s, do: scale, to: 3, how: slow }]`,
      /events\[1\]\.how: expected abrupt or gradual, not "slow"/,
    ],
    [
      'an unknown event',
      `${head}events: [{ at: 3s, do: explode }]`,
      /events\[1\]\.do: "explode" is not known; allowed: scale, rolling, kill, freeze, drain, gateway, hpa, zookeeper-away, zookeeper-leader, zookeeper-all, baseline$/,
    ],
    ['a missing event name', `${head}events: [{ at: 3s }]`, /events\[1\]\.do: is missing; allowed: scale/],
    [
      'a time without a unit',
      `${head}events: [{ at: 3, do: kill }]`,
      /events\[1\]\.at: expected a time such as "500ms", "10s" or "2m", not 3/,
    ],
    ['a missing time', `${head}events: [{ at: 1s, do: rolling }, { do: kill }]`, /events\[2\]\.at is missing/],
    ['a word too much', `${head}events: [{ at: 1s, do: kill, cuont: 2 }]`, /events\[1\]: "cuont" is not known here/],
    [
      'a target that is none',
      `${head}events: [{ at: 1s, do: kill, target: gateway }]`,
      /events\[1\]\.target: .*not "gateway"/,
    ],
    [
      'too many at once',
      `${head}events: [{ at: 1s, do: kill, count: 101 }]`,
      /events\[1\]\.count: expected a whole number 1..100, not 101/,
    ],
    [
      'a fraction of a server',
      `${head}events: [{ at: 1s, do: scale, to: 1.5 }]`,
      /events\[1\]\.to: expected a whole number 0..100, not 1.5/,
    ],
    [
      'an unknown load',
      'name: x\nservers: 1\nload: { kind: soak }\nevents: []',
      /load\.kind: "soak" is not known; allowed: proof, capacity/,
    ],
    [
      'a rate of nothing',
      'name: x\nservers: 1\nload: { kind: proof, rate: 0 }\nevents: []',
      /load\.rate: expected a whole number 1..100000, not 0/,
    ],
    [
      'no servers',
      'name: x\nservers: 0\nload: { kind: proof, rate: 1 }\nevents: []',
      /servers: expected a whole number 1..100, not 0/,
    ],
    [
      'an n of which the last in turn would be refused',
      'name: x\nservers: 1\nload: { kind: proof, rate: 1, n: 99999995 }\nevents: []',
      /load\.n: expected a whole number 0..99999994, not 99999995/,
    ],
    ['an empty file', '', /the file: /],
    ['no YAML', 'a: [', /the scenario is no YAML/],
  ] as const) {
    it(`is refused for ${what}, with a sentence that names it`, () => {
      assert.throws(() => parseScenario(yaml), { message });
    });
  }

  it('takes the largest n of which all in turn are answered', () => {
    const { load } = parseScenario('name: x\nservers: 1\nload: { kind: proof, rate: 1, n: 99999994 }\nevents: []');
    const inputs = Array.from({ length: 20 }, (_, index) => Number(plannedCall({ run: 'r', ...load }, index).input));
    const last = Math.max(...inputs);
    const { input } = pi.methods.pi;
    assert.deepEqual([input.safeParse(last).success, input.safeParse(last + 1).success], [true, false]);
  });

  it('names all that is wrong at once, and the file', () => {
    assert.throws(() => parseScenario('servers: 0', 'my.yaml'), {
      message: /^my\.yaml cannot be played: name is missing; servers: .*; load is missing; events is missing$/,
    });
  });

  it('does not blow up on aliases of aliases', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x]',
      ...'bcdefgh'.split('').map((name, index) => {
        const before = 'abcdefg'[index];
        return `${name}: &${name} [${Array.from({ length: 8 }, () => `*${before}`).join(', ')}]`;
      }),
    ].join('\n');
    assert.throws(() => parseScenario(bomb), /is no YAML/);
  });
});

for (const name of readdirSync(folder)) {
  it(`${name} can be played, and each event can be told in words`, () => {
    const { events } = parseScenario(readFileSync(new URL(name, folder), 'utf8'), name);
    assert.ok(events.length > 0);
    for (const step of events) assert.match(describeStep(step), /^\S.*\S$/);
  });
}

it('each kind of event can be told in words', () => {
  const written = [
    ...[
      'scale, to: 1',
      'scale, to: 1, how: gradual',
      'rolling',
      'kill',
      'freeze, for: 1s',
      'drain',
      'gateway',
      'hpa, to: 2',
    ],
    ...['zookeeper-away, for: 1s', 'zookeeper-leader', 'zookeeper-all', 'baseline, for: 90s'],
  ];
  const { events } = parseScenario(`${head}events: [${written.map((text) => `{ at: 1s, do: ${text} }`).join(', ')}]`);
  assert.deepEqual(events.map(describeStep), [
    ...['scale to 1', 'scale to 1, one every 5 s', 'rolling restart', 'kill -9 1 server', 'freeze 1 server for 1 s'],
    ...['drain a node', 'rolling restart of the gateways', 'autoscaler to 2', 'ZooKeeper away for 1 s'],
    ...["ZooKeeper's leader killed", 'all of ZooKeeper killed', 'baseline of 90 s'],
  ]);
});
