import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeNode, World } from './tiers.test-support.ts';
import type { TierOptions } from './tiers-options.ts';

describe('who has the calls', () => {
  test('the first tier, and only that, while it is healthy enough', () => {
    const world = new World();
    world.join(0, 3);
    world.join(2, 3);
    world.settle();
    assert.deepEqual(world.used, [0]);
    assert.equal(world.balancer.size, 6);
    assert.equal(world.balancer.active, 0);
  });

  const sizes: [known: number, losesAt: number, backAt: number][] = [
    [1, 0, 1],
    [2, 0, 2],
    [3, 1, 2],
    [4, 1, 3],
    [5, 2, 4],
    [10, 4, 7],
  ];
  for (const [known, losesAt, backAt] of sizes) {
    test(`of ${known} primaries: with ${losesAt} healthy the backup takes over, with ${backAt} it hands back`, () => {
      const world = new World();
      const primaries = world.join(0, known);
      world.join(2, 1);
      world.settle();
      for (let healthy = known - 1; healthy >= losesAt; healthy--) {
        assert.equal(world.balancer.active, 0);
        world.health(primaries[healthy]!, false);
      }
      assert.equal(world.balancer.active, 2);
      assert.deepEqual(world.used, [2]);
      for (let healthy = losesAt + 1; healthy <= backAt; healthy++) {
        world.wait(60_000);
        assert.equal(world.balancer.active, 2);
        world.health(primaries[healthy - 1]!, true);
      }
      world.wait(6_000);
      assert.equal(world.balancer.active, 0);
      assert.deepEqual(world.causes, ['take-over 0>2', 'hand-back 2>0']);
    });
  }

  test('a node that is not connected counts as one that is not healthy, if it is expected', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    world.join(2, 1);
    world.settle();
    world.balancer.remove(primaries[0]!);
    assert.equal(world.balancer.active, 0);
    world.balancer.remove(primaries[1]!);
    assert.equal(world.balancer.active, 2);
    assert.deepEqual(world.balancer.show()[0], { tier: 0, known: 3, connected: 1, healthy: 1 });
  });

  test('a node that went on purpose is not held against its tier', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    world.join(2, 1);
    world.settle();
    world.balancer.forget(primaries[0]!);
    world.balancer.forget(primaries[1]!);
    assert.equal(world.balancer.active, 0);
    assert.deepEqual(world.balancer.show()[0], { tier: 0, known: 1, connected: 1, healthy: 1 });
    world.balancer.forget(primaries[2]!);
    assert.deepEqual(world.used, [2]);
  });

  test('150 new servers beside 50 well ones move nothing before they are dialled; when none can be reached, they do', () => {
    const world = new World();
    world.join(0, 50);
    world.join(2, 1);
    world.settle();
    const fresh = Array.from({ length: 150 }, (_, i) => new FakeNode(`new${i}`, 0));
    for (const node of fresh.slice(0, 75)) {
      world.balancer.add(node);
      world.balancer.expect(node);
    }
    assert.deepEqual(world.causes, []);
    for (const node of fresh) world.balancer.expect(node);
    assert.deepEqual(world.causes, []);
    for (const node of fresh.slice(0, 75)) world.balancer.remove(node);
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('a tier that has nothing connected never takes over', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const [backup] = world.join(2, 1);
    world.balancer.remove(backup!);
    world.settle();
    world.health(primary!, false);
    assert.deepEqual(world.used, [0]);
    world.balancer.remove(primary!);
    assert.equal(world.balancer.pick([]), undefined);
    world.wait(60_000);
    assert.deepEqual(world.causes, []);
    // The first that is back has the calls, well or not.
    backup!.healthy = false;
    world.balancer.add(backup!);
    assert.deepEqual(world.used, [2]);
    assert.equal(world.balancer.active, 2);
  });

  test('nor one that is no healthier', () => {
    const world = new World();
    const primaries = world.join(0, 4);
    const backups = world.join(2, 4);
    world.settle();
    for (const node of backups.slice(0, 3)) world.health(node, false);
    for (const node of primaries.slice(0, 3)) world.health(node, false);
    assert.equal(world.balancer.active, 0);
    world.health(backups[0]!, true);
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('the next one that is healthy enough, before one that is healthier still', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const near = world.join(1, 2);
    world.join(2, 2);
    world.settle();
    world.health(near[0]!, false);
    world.health(primary!, false);
    assert.equal(world.balancer.active, 1);
    world.health(near[1]!, false);
    assert.equal(world.balancer.active, 2);
  });

  test('when no tier is healthy enough, the healthiest', () => {
    const world = new World();
    const all = [world.join(0, 5), world.join(1, 5), world.join(2, 5)];
    world.settle();
    for (const node of [...all[1]!.slice(0, 4), ...all[2]!.slice(0, 3)]) world.health(node, false);
    for (const node of all[0]!) world.health(node, false);
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('the active tier fails while a better one waits to have the calls back: it has them at once', () => {
    const world = new World();
    const primaries = world.join(0, 2);
    const [backup] = world.join(2, 1);
    world.settle();
    for (const node of primaries) world.health(node, false);
    world.health(primaries[0]!, true);
    world.wait(60_000);
    assert.equal(world.balancer.active, 2);
    world.health(backup!, false);
    assert.deepEqual(world.causes, ['take-over 0>2', 'take-over 2>0']);
  });
});

describe('hand-back', () => {
  test('after 5 s of being well, and not sooner; a dip in between begins them anew, however short', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    world.join(2, 1);
    world.settle();
    world.health(primary!, false);
    world.wait(1_000);
    world.health(primary!, true);
    world.wait(4_900);
    world.health(primary!, false);
    world.health(primary!, true);
    // It is seen to be well from the next `advance` on.
    world.wait(5_000);
    assert.equal(world.balancer.active, 2);
    world.wait(100);
    assert.equal(world.balancer.active, 0);
  });

  test('a primary that comes and goes costs one change, not one each time', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    world.join(2, 1);
    world.settle();
    for (let i = 0; i < 100; i++) {
      world.health(primary!, false);
      world.wait(1_000);
      world.health(primary!, true);
      world.wait(4_000);
    }
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('step by step, as each better tier is well for long enough', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const [near] = world.join(1, 1);
    world.join(2, 1);
    world.settle();
    world.health(near!, false);
    world.health(primary!, false);
    world.health(near!, true);
    world.wait(2_000);
    world.health(primary!, true);
    world.wait(10_000);
    assert.deepEqual(world.causes, ['take-over 0>2', 'hand-back 2>1', 'hand-back 1>0']);
  });

  test('options: when, from which share on, after which time', () => {
    const world = new World({ takeOver: 1, handBack: 1, handBackAfter: 300 });
    const primaries = world.join(0, 10);
    world.join(2, 1);
    world.settle();
    world.health(primaries[0]!, false);
    assert.equal(world.balancer.active, 2);
    world.health(primaries[0]!, true);
    world.wait(300);
    assert.equal(world.balancer.active, 2);
    world.wait(100);
    assert.equal(world.balancer.active, 0);
  });

  test('takeOver 0: the calls stay while there is a connection', () => {
    const world = new World({ takeOver: 0 });
    const primaries = world.join(0, 2);
    world.join(2, 1);
    world.settle();
    for (const node of primaries) world.health(node, false);
    assert.deepEqual(world.used, [0]);
    for (const node of primaries) world.balancer.remove(node);
    assert.deepEqual(world.used, [2]);
  });

  test('handBack 0: nothing is handed back to a tier without a connection', () => {
    const world = new World({ takeOver: 0, handBack: 0 });
    const [primary] = world.join(0, 1);
    world.join(2, 1);
    world.settle();
    world.balancer.remove(primary!);
    world.wait(10_000);
    assert.deepEqual(world.used, [2]);
    primary!.healthy = false;
    world.balancer.add(primary!);
    world.wait(10_000);
    assert.deepEqual(world.causes, ['take-over 0>2', 'hand-back 2>0']);
  });
});

describe('start', () => {
  test('a backup that is connected first has the calls until a primary is', () => {
    const world = new World();
    world.join(2, 1);
    assert.deepEqual(world.used, [2]);
    world.wait(300);
    world.join(0, 1);
    assert.deepEqual(world.used, [0]);
    assert.deepEqual(world.causes, ['start ->2', 'start 2>0']);
  });

  test('later, a better tier that is new waits as one that is back: its first server must not take all calls alone', () => {
    const world = new World();
    world.join(2, 3);
    world.settle();
    world.join(0, 1);
    assert.deepEqual(world.used, [2]);
    world.wait(4_900);
    assert.deepEqual(world.used, [2]);
    world.wait(200);
    assert.deepEqual(world.causes, ['hand-back 2>0']);
  });

  test('without nodes nothing is picked, and nobody panics', () => {
    const { balancer } = new World();
    balancer.advance(0);
    balancer.expect(new FakeNode('p', 0));
    assert.equal(balancer.pick([]), undefined);
    assert.equal(balancer.size, 0);
    assert.equal(balancer.panicking, false);
    assert.equal(balancer.active, undefined);
  });
});

test('options out of range are refused by name, value and what is allowed', () => {
  const cases: [given: Record<string, unknown>, message: string][] = [
    [{ takeOver: 1.5 }, 'tiers.takeOver is 1.5: expected a number in 0..1'],
    [{ takeOver: Number.NaN }, 'tiers.takeOver is NaN: expected a number in 0..1'],
    [{ takeOver: 0.8, handBack: 0.7 }, 'tiers.handBack is 0.7: expected a number in 0.8..1'],
    [{ handBack: 2 }, 'tiers.handBack is 2: expected a number in 0.5..1'],
    [{ handBackAfter: -1 }, 'tiers.handBackAfter is -1: expected a number in 0..3600000'],
    [{ handback: 1 }, '"handback" is no option of tiers: expected some of takeOver, handBack, handBackAfter'],
  ];
  for (const [given, message] of cases)
    assert.throws(() => new World(given as Partial<TierOptions>), { name: 'RangeError', message });
  assert.doesNotThrow(() => new World({ takeOver: 0.9 }));
});
