import { openSync, writeSync } from 'node:fs';
import { systemClock } from '../../core/clock.ts';
import { concurrency, dueTimes, type LoadPlan, plannedCall } from '../plan.ts';
import type { LoadRecord } from '../sample.ts';
import { Caller } from './caller.ts';

/**
 * Our own load generator, a process of its own: whatever else the conductor does would bend its times. Started as
 * `node built-in-process.ts PLAN FILE`. Appends what it does to FILE, line by line, before it goes on. Ends in good order
 * on a `stop` on stdin, and at once when stdin is closed: then nobody is there any more.
 */
const [planText = '', path = ''] = process.argv.slice(2);
const plan = JSON.parse(planText) as LoadPlan;
const file = openSync(path, 'a');
const clock = systemClock;
const offset = clock.wallTime() - clock.now();
const most = concurrency(plan);
const caller = new Caller(plan.url, plan.deadline, most);

let index = 0;
let inFlight = 0;
let stopping = false;
let wake = () => {};

function write(record: LoadRecord): void {
  writeSync(file, `${JSON.stringify(record)}\n`);
}

/** Sends the next call, due at that moment of the monotonic clock. */
async function send(due: number): Promise<void> {
  const call = plannedCall(plan, index++);
  const { id, method, unsafe } = call;
  inFlight++;
  write({ kind: 'sent', id, method, unsafe, intended: due + offset, sent: clock.now() + offset });
  const outcome = await caller.call(call);
  write({ kind: 'end', id, at: clock.now() + offset, ...outcome });
  inFlight--;
}

/** Resolves after about so many ms, or when the load is told to stop. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.timer(ms, resolve, { keepAlive: true });
    wake = () => {
      timer.cancel();
      resolve();
    };
  });
}

/** Calls when they are due, whatever became of those before. Gives back how many were due. */
async function openModel(began: number): Promise<number> {
  if (plan.load.kind !== 'proof') return 0;
  let due = 0;
  let dropped = 0;
  for (const time of dueTimes(plan.load)) {
    while (!stopping && clock.now() < began + time) {
      if (dropped > 0) write({ kind: 'dropped', at: clock.now() + offset, count: dropped });
      dropped = 0;
      await pause(began + time - clock.now());
    }
    if (stopping) break;
    due++;
    if (inFlight >= most) dropped++;
    else void send(began + time);
  }
  if (dropped > 0) write({ kind: 'dropped', at: clock.now() + offset, count: dropped });
  return due;
}

/** Users who each call again when they have their answer. */
async function closedModel(began: number): Promise<number> {
  if (plan.load.kind !== 'capacity') return 0;
  const until = began + plan.load.duration;
  const user = async () => {
    while (!stopping && clock.now() < until) await send(clock.now());
  };
  await Promise.all(Array.from({ length: plan.load.users }, user));
  return index;
}

process.stdin.on('data', () => {
  stopping = true;
  wake();
});
process.stdin.on('end', () => process.exit(1));
process.stdin.on('error', () => process.exit(1));

const began = clock.now();
const due = plan.load.kind === 'proof' ? await openModel(began) : await closedModel(began);
// Each of them ends by itself: HTTP waits no longer than the deadline.
while (inFlight > 0) await clock.sleep(10);
write({ kind: 'finished', at: clock.now() + offset, due });
await caller.close();
process.exit(0);
