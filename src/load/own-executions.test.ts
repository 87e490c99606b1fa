import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { began, syntheticRun } from '../../test/support/synthetic-run.ts';
import type { Execution } from './ledger.ts';
import { ownExecutions } from './own-executions.ts';
import type { Recording } from './recording.ts';
import { judge } from './verdict.ts';

/** The run as it is seen when these servers' clocks are so many ms wrong. */
function withClocks(run: Recording, wrong: (server: string) => number): Recording {
  const written = run.executions!.map((execution): Execution => {
    const ms = wrong(execution.writer.server);
    const { began, ended } = execution;
    return { ...execution, began: began + ms, ended: ended && ended + ms };
  });
  return { ...run, executions: ownExecutions(written, run) };
}

describe('executions of a run', () => {
  for (const wrong of [-3_600_000, -300, 300, 3_600_000]) {
    it(`are judged alike when the clocks of some servers are ${wrong} ms off`, () => {
      const run = syntheticRun();
      const right = judge(run);
      // Old ones and new ones, and one that is killed.
      const found = judge(withClocks(run, (server) => (/[146]$/.test(server) ? wrong : 0)));
      assert.deepEqual(found.problems, []);
      for (const [place, { effects }] of found.events.entries()) {
        const wanted = right.events[place]!.effects;
        for (const what of ['startToFirstCall', 'registeredToFirstCall', 'stopToLastCall'] as const) {
          const [is, should] = [effects[what] ?? 0, wanted[what] ?? 0];
          assert.ok(Math.abs(is - should) < 10, `event ${place + 1}: ${what} is ${is} ms, should be ${should} ms`);
        }
      }
    });
  }

  it('stay as they were written where that can be', () => {
    const run = syntheticRun();
    const late = run.executions!.map((one) => ({ ...one, began: one.began + 2, ended: one.ended && one.ended + 0.5 }));
    // Not deepEqual: the difference of so many, in words, takes more memory than there is.
    assert.ok(isDeepStrictEqual(ownExecutions(late, run), late));
  });

  it('come in the order in which they began', () => {
    const { executions } = withClocks(syntheticRun(), (server) => (server === 'server-2' ? -60_000 : 0));
    for (const [place, { began }] of executions!.entries()) {
      assert.ok(place === 0 || executions![place - 1]!.began <= began);
    }
  });

  it('are those of its own calls, also of some that no caller wrote down', () => {
    const run = syntheticRun();
    const writer = { server: 'server-1', pid: 101 };
    const other = { method: 'pi', writer, began: began + 100, ended: began + 140 };
    const all = [{ id: 'earlier-7', ...other }, { id: 'run-99999', ...other }, ...run.executions!];
    const ids = new Set(ownExecutions(all, run).map(({ id }) => id));
    assert.equal(ids.has('earlier-7'), false);
    assert.equal(ids.has('run-99999'), true);
  });
});
