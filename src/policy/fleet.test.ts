import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { Fleet, type FleetOptions, type Member } from './fleet.ts';
import { faultCauses } from './outcome.ts';
import { tierChangeText } from './tiers-change.ts';

class TestMember implements Member {
  readonly id: string;
  weight = 0;
  healthy = true;
  inFlight = 0;
  tier = 0;
  constructor(id: string) {
    this.id = id;
  }
}

/** A fleet on a clock of its own, whose events are written down as words. */
class World {
  now = 0;
  readonly said: string[] = [];
  readonly fleet: Fleet<TestMember>;
  readonly members = new Map<string, TestMember>();

  constructor(names: string, options: FleetOptions = {}, seed = 1) {
    this.fleet = new Fleet(options, seeded(seed), {
      onWeight: ({ id }, { to, cause }) => void this.said.push(`${id} ${to} ${cause}`),
      onSuspended: ({ id }, cause) => void this.said.push(`${id} suspended ${cause}`),
      onReturned: ({ id }, cause) => void this.said.push(`${id} returned ${cause}`),
      onTier: (change) => void this.said.push(tierChangeText(change)),
      onPanic: (on) => void this.said.push(`panic ${on}`),
    });
    for (const name of names) this.add(name);
    this.said.length = 0;
  }

  add(name: string, base = 1_024): TestMember {
    const member = this.members.get(name) ?? new TestMember(name);
    this.members.set(name, member);
    this.fleet.add(member, base, this.now, { slowStart: false });
    this.fleet.setConnected(member, true, this.now);
    return member;
  }

  of(name: string): TestMember {
    return this.members.get(name)!;
  }

  /** An attempt that fails at once. */
  fail(name: string, times = 1, cause = faultCauses[1]!): void {
    for (let i = 0; i < times; i++) {
      const startedAt = this.now;
      this.fleet.began(this.of(name), startedAt);
      this.now += 1;
      const outcome = { kind: 'fault', cause } as const;
      this.fleet.ended(this.of(name), { outcome, answered: false, startedAt, now: this.now });
    }
  }

  succeed(name: string, times = 1): void {
    for (let i = 0; i < times; i++) {
      this.fleet.began(this.of(name), this.now);
      this.now += 1;
      this.fleet.succeeded(this.of(name), this.now - 1, this.now);
    }
  }

  /** Time goes by; who is due is probed. */
  wait(ms: number, well: (name: string) => boolean = () => true): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 100;
      this.fleet.advance(this.now, () => true);
      for (const member of this.fleet.due(this.now, () => true)) {
        this.said.push(`${member.id} probed`);
        this.fleet.probed(member, well(member.id), this.now);
      }
    }
  }

  /** How many of so many picks fall on each. */
  picks(times: number, excluded = ''): Record<string, number> {
    const counts: Record<string, number> = {};
    const tried = [...excluded].map((name) => this.of(name));
    for (let i = 0; i < times; i++) {
      const { id } = this.fleet.pick(tried, this.now)!;
      counts[id] = (counts[id] ?? 0) + 1;
    }
    return counts;
  }
}

test('a node that fails for real gets no calls until one probe says that it is well', () => {
  const world = new World('ABC');
  world.fail('A', 5);
  assert.deepEqual(world.said.slice(-2), ['A 32 lost', 'A suspended lost']);
  assert.equal(world.picks(300).A, undefined);
  assert.ok(world.fleet.probedAt(world.of('A'), true)! > world.now);
  world.said.length = 0;
  world.wait(1_300, () => false);
  assert.deepEqual(world.said, ['A probed', 'A suspended probe']);
  assert.equal(world.of('A').weight, 32, 'time raises nothing while nothing shows that it is well');
  world.wait(2_500);
  assert.deepEqual(world.said.slice(2, 5), ['A probed', 'A 64 success', 'A returned probe']);
  world.wait(3_000);
  assert.equal(world.of('A').weight, 1_024);
  assert.ok(world.picks(300).A! > 60);
});

test('fifty attempts that are lost together are one fault, not five', () => {
  const world = new World('AB');
  const startedAt = world.now;
  for (let i = 0; i < 50; i++) world.fleet.began(world.of('A'), startedAt);
  world.now += 10;
  for (let i = 0; i < 50; i++) {
    const outcome = { kind: 'fault', cause: 'lost' } as const;
    world.fleet.ended(world.of('A'), { outcome, answered: false, startedAt, now: world.now });
  }
  assert.deepEqual(world.said, ['A 512 lost']);
});

test('a cause that is ignored suspends no one', () => {
  const world = new World('AB', { weights: { decay: { unhandled: 1 } } });
  world.fail('A', 50, 'unhandled');
  assert.deepEqual(world.said, []);
});

test('of two nodes the second to fail stays: half of them are left', () => {
  const world = new World('AB', { weights: { floor: 1 / 2 } });
  world.fail('A', 5);
  world.fail('B', 20);
  assert.ok(world.fleet.suspended(world.of('A')));
  assert.deepEqual(world.picks(10), { B: 10 });
});

test('when the others are lost, a suspended node gets calls again at once', () => {
  const world = new World('AB');
  world.fail('A', 5);
  world.fleet.setConnected(world.of('B'), false, world.now);
  assert.deepEqual(world.said.slice(-1), ['A returned too-few-left']);
  assert.deepEqual(world.picks(10), { A: 10 });
  world.fleet.setConnected(world.of('A'), false, world.now);
  assert.equal(world.fleet.pick([], world.now), undefined);
});

test('one that loses connection after connection is suspended with the next one', () => {
  const world = new World('ABC');
  for (let i = 0; i < 5; i++) {
    world.fleet.setConnected(world.of('A'), true, world.now);
    world.fleet.began(world.of('A'), world.now);
    world.fleet.setConnected(world.of('A'), false, world.now);
    world.fleet.fault(world.of('A'), 'lost', world.now, world.now);
    world.now += 100;
  }
  assert.ok(!world.fleet.suspended(world.of('A')), 'it has no connection: it takes no place');
  world.fleet.setConnected(world.of('A'), true, world.now);
  assert.deepEqual(world.said.slice(-1), ['A suspended lost']);
  assert.equal(world.picks(100).A, undefined);
});

test('when all look bad none is suspended: picks are even among all', () => {
  const world = new World('ABCD');
  world.fail('A', 5);
  for (const name of 'BCD') world.fail(name, 4);
  assert.ok(world.fleet.panicking);
  assert.deepEqual(
    world.said.filter((word) => /panic|returned/.test(word)),
    ['panic true', 'A returned panic'],
  );
  for (const count of Object.values(world.picks(4_000))) assert.ok(Math.abs(count - 1_000) < 150, `${count}`);
  world.fail('B', 20);
  assert.ok(!world.fleet.suspended(world.of('B')), 'in panic');
  world.wait(3_000);
  assert.ok(world.said.includes('panic false'));
});

test('a node that stands still is passed over after sixteen attempts, whatever its weight', () => {
  // It has eight times the weight of the others: newcomers that rise slowly would look like that.
  const world = new World('A', { balancer: 'random' });
  for (const name of 'BC') world.add(name, 128);
  const sent = { A: 0, B: 0, C: 0 };
  for (let i = 0; i < 300; i++) {
    world.now += 3;
    const member = world.fleet.pick([], world.now)!;
    sent[member.id as 'A']++;
    world.fleet.began(member, world.now);
    if (member.id === 'A') member.inFlight++;
    else world.fleet.succeeded(member, world.now, world.now);
  }
  assert.ok(sent.A <= 20, `${sent.A} attempts on a frozen node`);
  world.fleet.succeeded(world.of('A'), 0, world.now);
  world.of('A').inFlight = 0;
  assert.ok(world.picks(100).A! > 60, 'it moves again');
});

test('when all stand still they are picked as before', () => {
  const world = new World('AB', { balancer: 'random' });
  for (const name of 'AB') {
    for (let i = 0; i < 16; i++) world.fleet.began(world.of(name), world.now);
    world.of(name).inFlight = 16;
  }
  world.now += 1_000;
  const { A, B } = world.picks(1_000);
  assert.ok(A! > 400 && B! > 400);
});

test('what keeps calls from a node is said of it: why its weight does not rise, that it is spared, that it stands still', () => {
  const world = new World('AB');
  const [a, b] = [world.of('A'), world.of('B')];
  const nothing = { held: [], sparedUntil: undefined, stands: false };
  assert.deepEqual(world.fleet.restraints(a, 0), nothing);
  world.fleet.hold(a, 'load', true, 0);
  world.fleet.hold(a, 'health', true, 0);
  world.fleet.spare(a, 500);
  assert.deepEqual(world.fleet.restraints(a, 499), { held: ['load', 'health'], sparedUntil: 500, stands: false });
  assert.equal(world.fleet.restraints(a, 500).sparedUntil, undefined);
  for (let i = 0; i < 16; i++) world.fleet.began(b, 0);
  b.inFlight = 16;
  assert.equal(world.fleet.restraints(b, 49).stands, false);
  assert.equal(world.fleet.restraints(b, 50).stands, true);
  world.fleet.remove(a);
  assert.deepEqual(world.fleet.restraints(a, 0), nothing);
});

test('a node that asked to be spared is, while another is left', () => {
  const world = new World('AB');
  world.fleet.spare(world.of('A'), 500);
  assert.deepEqual(world.picks(100), { B: 100 });
  assert.deepEqual(world.picks(10, 'B'), { A: 10 }, 'one that was tried is no better');
  world.fleet.spare(world.of('B'), 500);
  assert.equal(Object.keys(world.picks(100)).length, 2, 'both ask');
  world.now = 500;
  assert.equal(Object.keys(world.picks(100)).length, 2);
});

test('one that was taken out of service gets no calls, and keeps its weight', () => {
  const world = new World('AB');
  world.fail('A');
  world.fleet.setOffline(world.of('A'), true);
  assert.deepEqual(world.picks(10), { B: 10 });
  world.fleet.setOffline(world.of('B'), true);
  assert.equal(world.fleet.pick([], world.now), undefined);
  world.fleet.setOffline(world.of('A'), false);
  assert.deepEqual(world.picks(10), { A: 10 });
  assert.equal(world.of('A').weight, 512);
});

test('backups take over when the primaries are not well, and hand back when they are', () => {
  const world = new World('AB');
  const backup = new TestMember('Z');
  backup.tier = 2;
  world.members.set('Z', backup);
  world.add('Z');
  world.wait(6_000);
  assert.deepEqual(Object.keys(world.picks(100)).sort(), ['A', 'B']);
  assert.deepEqual(world.picks(10, 'AB'), { Z: 10 }, 'a call that has tried all primaries');
  world.said.length = 0;
  world.fleet.setConnected(world.of('A'), false, world.now);
  world.fail('B', 2);
  assert.deepEqual(world.picks(10), { Z: 10 });
  assert.ok(
    world.said.includes('tier 0 (0 of 2 healthy) is no longer healthy enough: tier 2 (1 of 1 healthy) takes the calls'),
  );
  world.fleet.setConnected(world.of('A'), true, world.now);
  world.wait(4_000);
  assert.deepEqual(world.picks(10), { Z: 10 }, 'not at once');
  world.wait(4_000);
  assert.equal(world.picks(10).Z, undefined);
  world.fleet.setOffline(world.of('A'), true);
  assert.deepEqual(world.picks(10), { B: 10 }, 'one that is absent on purpose is not missed');
  assert.equal(world.fleet.activeTier, 0);
});

test('what is about to be there, gone on purpose or leaving hands no calls to the backups', () => {
  const world = new World('AB');
  const backup = new TestMember('Z');
  backup.tier = 2;
  world.members.set('Z', backup);
  world.add('Z');
  world.wait(6_000);
  world.said.length = 0;
  const takeOvers = () => world.said.filter((word) => word.includes('takes the calls'));
  world.fail('B', 2);
  world.add('C');
  assert.deepEqual(takeOvers(), [], 'one of two is well, and a third comes');
  world.fleet.setOffline(world.of('A'), true);
  assert.deepEqual(takeOvers(), [], 'one of two is taken out of service');
  world.fleet.setOffline(world.of('A'), false);
  world.wait(5_000);
  for (const name of 'DEFGHIJ') world.add(name);
  for (const name of 'DEFGHIJ') world.fleet.leaves(world.of(name), world.now);
  assert.deepEqual(takeOvers(), [], 'from ten to three');
  assert.equal(world.fleet.size, 4);
  world.fleet.setConnected(world.of('D'), true, world.now);
  assert.ok(world.fleet.has(world.of('D')), 'one that stays after all');
});

test('a newcomer begins to rise when it is reached, however long that took', () => {
  const world = new World('A');
  const member = new TestMember('B');
  world.members.set('B', member);
  world.fleet.add(member, 1_024, world.now, { slowStart: true });
  world.wait(4_000);
  world.fleet.setConnected(member, true, world.now);
  assert.equal(member.weight, 128);
  world.fleet.setConnected(member, false, world.now);
  world.wait(2_600);
  world.fleet.setConnected(member, true, world.now);
  assert.ok(member.weight > 500, 'one that comes back is no newcomer');
});

test('a sticky client stays with one node until it fails', () => {
  const world = new World('ABC', { sticky: true });
  const [first] = Object.keys(world.picks(50));
  assert.equal(Object.keys(world.picks(50)).length, 1);
  world.fleet.setConnected(world.of(first!), false, world.now);
  const [second] = Object.keys(world.picks(50));
  assert.notEqual(second, first);
  world.fleet.setConnected(world.of(first!), true, world.now);
  assert.deepEqual(world.picks(50), { [second!]: 50 }, 'it does not go back on its own');
});

test('the balancer can change while calls go on', () => {
  const world = new World('ABC');
  world.fail('A', 5);
  world.fleet.setBalancer('random');
  assert.deepEqual(Object.keys(world.picks(100)).sort(), ['B', 'C']);
  assert.throws(() => world.fleet.setBalancer('best' as 'p2c'), /"best" is no balancer/);
  assert.equal(Object.keys(world.picks(100)).length, 2, 'the old one is still there');
});

test('what is told of a node that was removed changes nothing', () => {
  const world = new World('AB');
  const gone = world.of('A');
  world.fleet.remove(gone);
  world.members.delete('A');
  world.add('A');
  world.said.length = 0;
  world.fleet.began(gone, 0);
  world.fleet.ended(gone, { outcome: { kind: 'fault', cause: 'lost' }, answered: false, startedAt: 0, now: 1 });
  world.fleet.fault(gone, 'heartbeat', 0, 1);
  world.fleet.probed(gone, true, 1);
  world.fleet.remove(gone);
  assert.deepEqual(world.said, []);
  assert.equal(world.fleet.get('A'), world.of('A'));
});

test('whatever happens: some node is picked while one is there, never one that is not; at most half are suspended', () => {
  const step = fc.record({
    node: fc.constantFrom(...'ABCDE'),
    what: fc.constantFrom(
      'fail',
      'fail',
      'fail',
      'succeed',
      'cut',
      'join',
      'offline',
      'online',
      'wait',
      'remove',
      'spare',
    ),
    well: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.integer(), (steps, seed) => {
      const world = new World('ABCDE', {}, seed);
      const there = new Set('ABCDE');
      const off = new Set<string>();
      for (const { node, what, well } of steps) {
        const member = world.of(node);
        if (what === 'fail') world.fail(node, 2);
        else if (what === 'succeed') world.succeed(node, 2);
        else if (what === 'spare') world.fleet.spare(member, world.now + 500);
        else if (what === 'wait') world.wait(600, () => well);
        else if (what === 'offline') {
          if (there.has(node)) off.add(node);
          world.fleet.setOffline(member, true);
        } else if (what === 'online') {
          off.delete(node);
          world.fleet.setOffline(member, false);
        } else if (what === 'join') {
          world.add(node);
          there.add(node);
        } else {
          if (what === 'remove') {
            world.fleet.remove(member);
            // One that joins again is a new member: nothing is left of its having been offline.
            off.delete(node);
          } else world.fleet.setConnected(member, false, world.now);
          there.delete(node);
        }
        const up = [...there].filter((name) => !off.has(name));
        const suspended = up.filter((name) => world.fleet.suspended(world.of(name)));
        assert.ok(suspended.length <= Math.floor(up.length / 2), `${suspended} of ${up}`);
        const picked = world.fleet.pick([], world.now);
        if (up.length === 0) assert.equal(picked, undefined);
        else
          assert.ok(picked !== undefined && up.includes(picked.id) && !suspended.includes(picked.id), `${picked?.id}`);
        for (const { weight } of world.members.values()) assert.ok(weight > 0 && weight <= 1_024);
      }
    }),
    { numRuns: 300 },
  );
});

test('the weight of one that says it has too much to do does not rise until it says otherwise, for each reason', () => {
  const world = new World('AB');
  world.fail('A');
  const hold = (reason: 'load' | 'health', on: boolean) => world.fleet.hold(world.of('A'), reason, on, world.now);
  hold('load', true);
  hold('health', true);
  world.succeed('A', 5);
  world.wait(5_000);
  assert.equal(world.of('A').weight, 512);
  hold('load', false);
  world.succeed('A', 5);
  assert.equal(world.of('A').weight, 512, 'its health is still in doubt');
  hold('health', false);
  world.succeed('A');
  assert.equal(world.of('A').weight, 1_024);
});

test('a change of tier counts at once', () => {
  const world = new World('AB');
  world.of('B').tier = 1;
  world.fleet.moved(world.of('B'));
  assert.deepEqual(world.picks(20), { A: 20 });
});

test('what is decided together is decided once', () => {
  const world = new World('AB');
  world.wait(6_000);
  world.said.length = 0;
  world.fleet.together(() => {
    for (const name of 'AB') {
      world.of(name).tier = 1;
      world.fleet.moved(world.of(name));
    }
  });
  assert.equal(world.said.filter((word) => word.includes('takes the calls')).length, 1);
  assert.equal(Object.keys(world.picks(50)).length, 2);
});

test('what is said of a stranger is not heard', () => {
  const world = new World('A');
  const stranger = new TestMember('X');
  const { fleet } = world;
  fleet.setConnected(stranger, true, 0);
  fleet.setOffline(stranger, true);
  fleet.leaves(stranger, 0);
  fleet.moved(stranger);
  fleet.hold(stranger, 'load', true, 0);
  fleet.spare(stranger, 1_000);
  fleet.succeeded(stranger, 0, 1);
  assert.equal(fleet.has(stranger), false);
  assert.equal(fleet.get('X'), undefined);
  assert.equal(fleet.probedAt(stranger, true), undefined);
  assert.deepEqual(world.picks(5), { A: 5 });
});

test('an attempt that shows nothing of a node is no fast answer', () => {
  const world = new World('AB', { balancer: 'latency' });
  world.fleet.began(world.of('A'), 0);
  world.fleet.succeeded(world.of('A'), 0, 5);
  // Refused at once, because it drains.
  world.fleet.began(world.of('B'), 5);
  world.fleet.ended(world.of('B'), { outcome: { kind: 'neutral' }, answered: true, startedAt: 5, now: 5.1 });
  const picked = new Set(Array.from({ length: 50 }, () => world.fleet.pick([], 6)!.id));
  assert.deepEqual([...picked].sort(), ['A', 'B']);
});

test('a probe that goes well ends what a health check that failed began', () => {
  const world = new World('ABC');
  world.fleet.hold(world.of('A'), 'health', true, world.now);
  world.fail('A', 5);
  world.wait(1_500);
  assert.ok(!world.fleet.suspended(world.of('A')));
  world.wait(3_500);
  assert.equal(world.of('A').weight, 1_024);
});
