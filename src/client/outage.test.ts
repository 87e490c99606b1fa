/** All servers are gone and come back: calls that waited must not all go to the first one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, World } from '../../test/support/world.ts';

test('after a total outage no node takes more than twice its fair share in the first second', async () => {
  for (const count of [3, 10]) {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new World(seed);
      const nodes = await world.nodes(...Array.from({ length: count }, (_, i) => `n${i}`));
      for (const node of nodes) node.behaviour = after(world.clock, 5);
      const client = await world.connected();
      await world.clock.run(1_000);
      for (const node of nodes) node.kill();
      for (let ms = 0; ms < 3_000; ms += 10) {
        for (let i = 0; i < 3; i++) world.call(client);
        await world.clock.run(10);
      }
      for (const node of nodes) {
        node.executed.length = 0;
        await world.start(node);
      }
      let total = 0;
      let ms = 0;
      // Until it is noticed, and a second more.
      for (let since = 0; since < 1_000 && ms < 5_000; ms += 10) {
        for (let i = 0; i < 3; i++) world.call(client);
        await world.clock.run(10);
        total = nodes.reduce((sum, { executed }) => sum + executed.length, 0);
        if (total > 0) since += 10;
      }
      const hottest = Math.max(...nodes.map(({ executed }) => executed.length));
      assert.ok(hottest <= (2 * total) / count, `${count} nodes, seed ${seed}: ${hottest} of ${total} on one`);
      await world.clock.run(6_000);
      await world.close();
      world.check();
    }
  }
});
