import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { type FaultCause, faultCauses } from './outcome.ts';
import type { WeightChange } from './weight-change.ts';
import type { WeightOptions } from './weight-options.ts';
import { Weights } from './weights.ts';

/** Without jitter: x2 every 500 ms sharp. */
const even = () => 0.5;

/**
 * Plays steps on nodes A, B, ... of weight 1024, each written as what happens and, after an arrow, A's (or the named
 * node's) effective weight then:
 * `A lost -> 512`, `A ok -> 1024`, `A lost from 100` (an attempt begun at 100 ms), `+500 ms`, `+500 ms dead` (heartbeats do
 * not answer), `A new -> 128` (slow start), `A joins`, `A base 2048 -> 2048`, `A gone`, `B is 64`.
 */
function play(steps: readonly string[], options: Partial<WeightOptions> = {}): Weights {
  const weights = new Weights(options, even);
  let now = 0;
  for (const step of ['A joins', ...steps]) {
    const [event, expected] = step.split(' -> ');
    const [subject, verb, detail, extra] = event!.split(' ');
    if (subject!.startsWith('+')) {
      now += Number(subject);
      weights.advance(now, () => detail !== 'dead');
    } else if (verb === 'ok') weights.success(subject!, now);
    else if (verb === 'joins') weights.add(subject!, 1024, now, { slowStart: false });
    else if (verb === 'new') weights.add(subject!, 1024, now, { slowStart: true });
    else if (verb === 'base') weights.add(subject!, Number(detail), now, { slowStart: true });
    else if (verb === 'gone') weights.remove(subject!);
    else if (verb === 'is') assert.equal(weights.weight(subject!), Number(detail), step);
    else weights.fault(subject!, verb as FaultCause, detail === 'from' ? Number(extra) : now, now);
    const shown = subject!.startsWith('+') ? 'A' : subject!;
    if (expected !== undefined)
      assert.equal(weights.weight(shown), Number(expected), `${step}, in ${steps.join(', ')}`);
  }
  return weights;
}

const toTheFloor = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1].map((weight) => `A lost -> ${weight}`);
const specification: Record<string, [steps: string[], options?: Partial<WeightOptions>]> = {
  'faults halve, down to 1 and never to 0': [[...toTheFloor, 'A lost -> 1', 'A timeout -> 1']],
  'every cause halves': [faultCauses.map((cause, i) => `A ${cause} -> ${1024 >> (i + 1)}`)],
  'a success doubles, up to the base weight': [['A lost', 'A lost', 'A ok -> 512', 'A ok -> 1024', 'A ok -> 1024']],
  'recovery x4': [
    [...toTheFloor, 'A ok -> 4', 'A ok -> 16', 'A ok -> 64', 'A ok -> 256', 'A ok -> 1024'],
    { recovery: 4 },
  ],
  'recovery x8': [[...toTheFloor, 'A ok -> 8', 'A ok -> 64', 'A ok -> 512', 'A ok -> 1024'], { recovery: 8 }],
  'recovery at once': [[...toTheFloor, 'A ok -> 1024'], { recovery: 'restore' }],
  'recovery ends at the base weight, whatever the decay': [
    ['A lost -> 307.2', 'A ok', 'A ok -> 1024'],
    { decay: { lost: 0.3 } },
  ],
  'decay by cause: straight to the floor': [['A refused -> 1', 'A lost -> 1', 'A ok -> 2'], { decay: { refused: 0 } }],
  'decay by cause: ignored': [['A unhandled -> 1024', 'A lost -> 512'], { decay: { unhandled: 1 } }],
  'another floor': [['A lost -> 512', 'A lost -> 256', 'A lost -> 256'], { floor: 1 / 4 }],
  'a floor of 1 turns it off': [['A lost -> 1024'], { floor: 1 }],

  'attempts begun before the last halving count once': [
    ['+100 ms', 'A timeout from 0 -> 512', '+50 ms', 'A timeout from 60 -> 512', 'A timeout from 99 -> 512'],
  ],
  'attempts begun since count': [['+100 ms', 'A timeout from 0 -> 512', '+50 ms', 'A lost from 100 -> 256']],
  'old failures count once after a recovery too': [
    ['+100 ms', 'A lost from 0', 'A ok -> 1024', '+50 ms', 'A lost from 90 -> 1024', 'A lost from 120 -> 512'],
  ],
  'at the floor they count once as well: recovery by time is not put off': [
    [...toTheFloor, '+499 ms -> 1', 'A lost from -1', '+1 ms -> 2'],
  ],

  'time doubles every 500 ms': [
    [...toTheFloor, '+499 ms -> 1', '+1 ms -> 2', '+499 ms -> 2', '+1 ms -> 4', '+500 ms -> 8', '+3500 ms -> 1024'],
  ],
  'a fault starts the time anew': [['A lost', '+400 ms', 'A lost -> 256', '+499 ms -> 256', '+1 ms -> 512']],
  'without heartbeats time does not heal, and begins anew with them': [
    ['A lost', '+400 ms -> 512', '+400 ms dead -> 512', '+499 ms -> 512', '+1 ms -> 1024'],
  ],
  'another interval': [['A lost', '+49 ms -> 512', '+1 ms -> 1024'], { recoveryInterval: 50 }],
  'late calls catch up': [[...toTheFloor, '+5000 ms -> 1024']],

  'a newcomer rises from 1/8 in eight steps over 5 s': [
    [
      'B new -> 128',
      '+624 ms',
      'B is 128',
      '+1 ms',
      'B is 240',
      '+1875 ms',
      'B is 576',
      '+2499 ms',
      'B is 912',
      '+1 ms',
      'B is 1024',
    ],
  ],
  'a newcomer can fail': [['B new -> 128', 'B lost -> 64', '+5000 ms', 'B is 1024']],
  'a newcomer rises no further than its weight': [['B new -> 128', '+9000 ms', 'B is 1024', '+9000 ms', 'B is 1024']],
  'slow start turned off': [['B new -> 1024'], { slowStart: 0 }],
  'slow start from half over 1 s': [
    ['B new -> 512', '+500 ms', 'B is 768', '+500 ms', 'B is 1024'],
    { slowStart: 1_000, slowStartFrom: 0.5 },
  ],

  'a survivor keeps its factor': [['A lost', 'A lost', 'A new -> 256', 'A ok -> 512']],
  'a survivor takes a new base weight': [['A lost', 'A base 4096 -> 2048', 'A ok -> 4096']],
  'a survivor keeps its slow start': [['B new -> 128', '+2500 ms', 'B base 2048 -> 1152', '+2500 ms', 'B is 2048']],
  'a node that was forgotten is new': [['A lost', 'A gone -> 0', 'A joins -> 1024']],
  'what befalls a node that was forgotten is nothing': [
    ['A lost', 'A gone', 'A lost -> 0', 'A ok -> 0', 'A gone -> 0', '+500 ms -> 0'],
  ],
  'the floor is on the factor: a light node still has weight': [['A base 1 -> 1', 'A lost -> 0.5', 'A ok -> 1']],
};

for (const [name, [steps, options]] of Object.entries(specification)) test(name, () => void play(steps, options));

test('time doubles every 400 to 600 ms', () => {
  for (const [random, interval] of [
    [0, 400],
    [1, 600],
  ] as const) {
    const weights = new Weights({}, () => random);
    weights.add('A', 1024, 0, { slowStart: false });
    weights.fault('A', 'lost', 0, 0);
    weights.advance(interval - 1);
    assert.equal(weights.weight('A'), 512);
    weights.advance(interval + 1);
    assert.equal(weights.weight('A'), 1024);
  }
});

test('every change carries its reason', () => {
  const weights = new Weights({}, even);
  const changes: (WeightChange | undefined)[] = [
    weights.add('A', 1024, 0, { slowStart: true }),
    weights.fault('A', 'timeout', 0, 10, 'attempt 7'),
    weights.success('A', 20, 'attempt 8'),
    weights.add('A', 2048, 30, { slowStart: true }),
    ...weights.advance(625),
    weights.fault('A', 'lost', 630, 640),
    ...weights.advance(1_140),
  ];
  assert.deepEqual(changes, [
    { id: 'A', at: 0, from: 0, to: 128, cause: 'joined' },
    { id: 'A', at: 10, from: 128, to: 64, cause: 'timeout', attempt: 'attempt 7' },
    { id: 'A', at: 20, from: 64, to: 128, cause: 'success', attempt: 'attempt 8' },
    { id: 'A', at: 30, from: 128, to: 256, cause: 'announced' },
    { id: 'A', at: 625, from: 256, to: 480, cause: 'slow-start' },
    { id: 'A', at: 640, from: 480, to: 240, cause: 'lost' },
    { id: 'A', at: 1_140, from: 240, to: 480, cause: 'time' },
  ]);
  assert.deepEqual(weights.lastChange('A'), changes.at(-1));
});

test('what changes nothing is no change', () => {
  const weights = new Weights({}, even);
  weights.add('A', 1024, 0, { slowStart: false });
  assert.equal(weights.add('A', 1024, 1, { slowStart: false }), undefined);
  assert.equal(weights.success('A', 2), undefined);
  for (let i = 0; i < 10; i++) weights.fault('A', 'lost', 3 + i, 3 + i);
  assert.equal(weights.fault('A', 'lost', 20, 20), undefined, 'already at the floor');
  assert.equal(weights.fault('B', 'lost', 20, 20), undefined);
  assert.equal(weights.success('B', 20), undefined);
  assert.equal(weights.lastChange('A')?.at, 12);
});

test('a node that is not known weighs nothing', () => {
  const weights = new Weights({}, even);
  assert.deepEqual(
    [
      weights.has('A'),
      weights.weight('A'),
      weights.factor('A'),
      weights.base('A'),
      weights.healthy('A'),
      weights.lastChange('A'),
    ],
    [false, 0, 0, 0, false, undefined],
  );
});

test('healthy: no more than one fault not made up for', () => {
  const weights = new Weights({}, even);
  weights.add('A', 1024, 0, { slowStart: true });
  assert.ok(weights.has('A') && weights.healthy('A'), 'a newcomer is healthy');
  weights.fault('A', 'lost', 0, 0);
  assert.ok(weights.healthy('A'));
  weights.fault('A', 'lost', 1, 1);
  assert.ok(!weights.healthy('A'));
  weights.success('A', 2);
  assert.ok(weights.healthy('A'));
});

test('an announced weight out of range is refused with a sentence', () => {
  const weights = new Weights({}, even);
  for (const weight of [0, -1, 65_537, Number.NaN, Infinity])
    assert.throws(() => weights.add('A', weight, 0, { slowStart: false }), {
      name: 'RangeError',
      message: `the weight of A is ${weight}: expected a number in 1..65536`,
    });
  assert.equal(weights.has('A'), false);
});

test('advance asks only after nodes that are on their way up', () => {
  const weights = new Weights({}, even);
  for (let i = 0; i < 1_000; i++) weights.add(`n${i}`, 1024, 0, { slowStart: false });
  weights.fault('n7', 'lost', 0, 0);
  weights.fault('n8', 'lost', 0, 0);
  weights.remove('n8');
  const asked: string[] = [];
  const alive = (id: string) => asked.push(id) > 0;
  weights.advance(100, alive);
  weights.advance(500, alive);
  weights.advance(900, alive);
  assert.deepEqual(asked, ['n7', 'n7']);
});

test('show: a row a node, and when it rises next', () => {
  const weights = new Weights({}, even);
  weights.add('A', 1024, 0, { slowStart: false });
  weights.add('B', 2048, 0, { slowStart: true });
  weights.add('C', 1024, 0, { slowStart: false });
  weights.fault('C', 'lost', 5, 10);
  weights.advance(300);
  const rows = weights.show(300).map(({ lastChange, ...row }) => ({ ...row, cause: lastChange.cause }));
  assert.deepEqual(rows, [
    { id: 'A', base: 1024, factor: 1, slowStart: 1, weight: 1024, cause: 'joined' },
    { id: 'B', base: 2048, factor: 1, slowStart: 1 / 8, weight: 256, cause: 'joined', nextRise: 325 },
    { id: 'C', base: 1024, factor: 0.5, slowStart: 1, weight: 512, cause: 'lost', nextRise: 210 },
  ]);
  assert.deepEqual(
    weights.show(9_000).map((row) => row.nextRise),
    [undefined, 0, 0],
    'overdue, as advance was not called',
  );
  weights.fault('B', 'lost', 300, 300);
  assert.equal(weights.show(300)[1]!.nextRise, 325, 'the earlier of the two');
});

const event = fc.oneof(
  fc.record({
    kind: fc.constant('fault' as const),
    node: fc.nat(4),
    ago: fc.nat(300),
    cause: fc.constantFrom(...faultCauses),
  }),
  fc.record({ kind: fc.constant('ok' as const), node: fc.nat(4) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3_000), dead: fc.nat(4) }),
  fc.record({ kind: fc.constant('add' as const), node: fc.nat(4), base: fc.integer({ min: 1, max: 65_536 }) }),
  fc.record({ kind: fc.constant('remove' as const), node: fc.nat(4) }),
);
const options = fc.record({
  floor: fc.constantFrom(1 / 65_536, 1 / 1024, 1 / 3, 1),
  decay: fc.dictionary(fc.constantFrom(...faultCauses), fc.double({ min: 0, max: 1, noNaN: true })),
  recovery: fc.constantFrom('restore' as const, 2 as const, 4 as const, 8 as const),
});

test('whatever happens: floor <= factor <= 1, changes tell the truth, and all nodes are back 10 s after the last fault', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), options, fc.nat(), (events, given, seed) => {
      const weights = new Weights({ ...given, floor: given.floor }, seeded(seed));
      const told = new Map<string, number>();
      let now = 0;
      const tell = (change: WeightChange | undefined) => {
        if (change === undefined) return;
        assert.equal(change.from, told.get(change.id) ?? 0, 'each change begins where the one before it ended');
        assert.notEqual(change.to, change.from);
        told.set(change.id, change.to);
      };
      const check = () => {
        for (const row of weights.show(now)) {
          assert.ok(row.factor >= given.floor && row.factor <= 1 && row.weight > 0);
          assert.equal(row.weight, told.get(row.id));
          assert.equal(row.weight, weights.weight(row.id));
        }
      };
      for (const step of events) {
        const id = `n${'node' in step ? step.node : 0}`;
        if (step.kind === 'fault') tell(weights.fault(id, step.cause, now - step.ago, now));
        else if (step.kind === 'ok') tell(weights.success(id, now));
        else if (step.kind === 'add') tell(weights.add(id, step.base, now, { slowStart: step.base % 2 === 0 }));
        else if (step.kind === 'remove') {
          weights.remove(id);
          told.delete(id);
        } else {
          now += step.ms;
          for (const change of weights.advance(now, (node) => node !== `n${step.dead}`)) tell(change);
        }
        check();
      }
      if (given.floor < 1 / 1024) return;
      for (const end = now + 10_000; now < end; now += 100) weights.advance(now).forEach(tell);
      weights.advance(now).forEach(tell);
      for (const row of weights.show(now)) assert.equal(row.weight, row.base);
      check();
    }),
  );
});

test('a weight that is held rises neither by success nor by time, and has lost no time when it is let go', () => {
  const weights = play(['A lost -> 512']);
  weights.hold('A', true, 0);
  weights.hold('A', true, 0);
  weights.success('A', 100);
  weights.advance(10_000);
  assert.equal(weights.weight('A'), 512);
  weights.hold('A', false, 10_000);
  weights.advance(10_499);
  assert.equal(weights.weight('A'), 512);
  weights.advance(10_500);
  assert.equal(weights.weight('A'), 1_024);
  weights.hold('X', true, 0);
});

test('a newcomer that is reached late begins to rise then', () => {
  const weights = play(['A gone', 'A new -> 128', '+4000']);
  assert.equal(weights.weight('A'), 800);
  assert.equal(weights.begin('A', 4_000)?.to, 128);
  weights.advance(9_000);
  assert.equal(weights.weight('A'), 1_024);
  assert.equal(weights.begin('A', 9_000), undefined, 'it is no newcomer any more');
});
