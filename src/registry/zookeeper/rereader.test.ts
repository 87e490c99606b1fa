import assert from 'node:assert/strict';
import { beforeEach, it } from 'node:test';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { Link } from './link.ts';
import { Rereader } from './rereader.ts';
import type { Supervisor } from './supervisor.ts';

// What the watchers' own tests cannot show, where a read takes no time.

const link = { ended: new AbortController().signal } as Link;
let clock: VirtualClock;
/** Ends the reads, in their order. */
let reads: PromiseWithResolvers<void>[];
let failures: string[];
let rereader: Rereader;

beforeEach(() => {
  clock = new VirtualClock();
  reads = [];
  failures = [];
  const supervisor = { link, join: (user: Rereader) => user.up(), leave() {} } as unknown as Supervisor;
  rereader = new Rereader({
    supervisor,
    clock,
    random: seeded(1),
    read() {
      reads.push(Promise.withResolvers<void>());
      return reads.at(-1)!.promise;
    },
    onFailure: ({ message }, first) => failures.push(`${message} ${first}`),
  });
});

it('reads one thing at a time, and once more after it if there was a change meanwhile', async () => {
  for (let i = 0; i < 5; i++) {
    rereader.soon();
    await clock.run(200);
  }
  assert.equal(reads.length, 1);
  reads[0]!.resolve();
  await clock.run(0);
  assert.equal(reads.length, 2);
  reads[1]!.resolve();
  await clock.run(1_000);
  assert.equal(reads.length, 2);
  rereader.close();
});

it('tells of the first of many failures', async () => {
  for (let i = 0; i < 3; i++) {
    reads[i]!.reject(new Error(`no ${i}`));
    await clock.run(5_000);
  }
  reads[3]!.resolve();
  rereader.soon();
  await clock.run(200);
  reads[4]!.reject(new Error('no 4'));
  await clock.run(0);
  assert.deepEqual(failures, ['no 0 true', 'no 1 false', 'no 2 false', 'no 4 true']);
  rereader.close();
});
