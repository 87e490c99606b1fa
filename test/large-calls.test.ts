/** Many large calls at once on one real connection: each caller gets its own answer, and neither side waits for the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../src/client/connect.ts';
import { Victim } from './support/victim.ts';
import { victim as service } from './support/victim-service.ts';

const MiB = 1_048_576;

for (const protocol of ['framed', 'classic'] as const) {
  test(`1,000 ${protocol} calls of 300 kB in parallel`, async (t) => {
    const victim = await Victim.start(t);
    const before = await victim.report();
    const client = connect(service, {
      registry: `static:127.0.0.1:${victim.port};protocol=${protocol}`,
      timeout: 120_000,
      attempts: 1,
    });
    t.after(() => client.close());
    const text = (i: number) => `${i} `.repeat(100_000).slice(0, 300_000);
    let open = 1_000;
    const calls = Array.from({ length: 1_000 }, async (_, i) => {
      try {
        return (await client.echo(text(i))) === text(i);
      } finally {
        open--;
      }
    });
    let most = 0;
    while (open > 0) most = Math.max(most, (await victim.report()).held - before.held);
    const right = await Promise.all(calls);
    t.diagnostic(`the server held at most ${Math.round(most / MiB)} MiB of the 300 MB`);
    assert.equal(right.filter(Boolean).length, 1_000);
    assert.ok(most < 200 * MiB, `${most} bytes`);
  });
}
