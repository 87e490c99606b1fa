import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compose, OutgoingCall, type Reply } from '../core/call.ts';
import type { Code, Reason } from '../core/code.ts';
import { RpcError, type Stage } from '../core/error.ts';
import { seeded } from '../core/random.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { RetryBudget, type RetryBudgetOptions } from '../policy/budget.ts';
import { HedgeDelay } from '../policy/hedge.ts';
import { deadline } from './deadline.ts';
import { retry } from './retry.ts';

/** One try as the layer below sees it: the test says how it ends. */
interface Sent {
  call: OutgoingCall;
  at: number;
  answer(output?: unknown): Promise<void>;
  fail(error: RpcError): Promise<void>;
}

interface Setup {
  nodes?: string[];
  maxAttempts?: number;
  hedging?: boolean;
  budget?: Partial<RetryBudgetOptions>;
}

/** Deadline and retry on top of tries that the test ends as it likes, on nodes that it names. */
function layers({ nodes = ['a', 'b', 'c'], maxAttempts = 3, hedging = true, budget }: Setup = {}) {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const delay = new HedgeDelay();
  const sent: Sent[] = [];
  const events: string[] = [];
  const live = new Set(nodes);
  const layer = retry({
    clock,
    wheel,
    random: seeded(1),
    budget: new RetryBudget(budget),
    maxAttempts,
    hedge: hedging ? () => delay : undefined,
    hasOther: (tried) => [...live].some((id) => !tried.includes(id)),
    hasSecond: (tried) => [...live].some((id) => !tried.includes(id)),
    onRetry: (_method, kind) => void events.push(kind),
    onBudgetEmpty: () => void events.push('budget-empty'),
  });
  const handler = compose([deadline(wheel), layer], (outgoing) => {
    const call = outgoing as OutgoingCall;
    const node = [...live].find((id) => !call.tried.includes(id)) ?? [...live][0];
    const at = clock.now();
    if (node !== undefined) {
      call.node = node;
      call.sentAt = at;
    }
    return new Promise<Reply>((resolve, reject) => {
      const fail = (error: RpcError) =>
        reject(error.with({ attempts: node === undefined ? [] : [{ node, outcome: error.label, duration: 0 }] }));
      call.onCancel((cause) => fail(cause.with({ stage: node === undefined ? 'unsent' : 'sent' })));
      sent.push({
        call,
        at,
        answer: async (output = 'right') => {
          resolve({ output });
          await clock.run(0);
        },
        fail: async (error) => {
          fail(error);
          await clock.run(0);
        },
      });
    });
  });
  const call = (facts: { repeatable?: boolean; timeout?: number; attempt?: number; maxAttempts?: number } = {}) => {
    const { repeatable = true, timeout = 5_000, attempt = 1, maxAttempts } = facts;
    const made = new OutgoingCall({
      service: 's',
      method: 'm',
      input: 1,
      repeatable,
      attempt,
      maxAttempts,
      since: clock.now(),
      deadline: clock.now() + timeout,
    });
    const end: { reply?: Reply; error?: RpcError } = {};
    (handler(made) as Promise<Reply>).then(
      (reply) => {
        end.reply = reply;
      },
      (error) => {
        end.error = error;
      },
    );
    return { made, end };
  };
  const nodesOf = () => sent.map(({ call: { node } }) => node);
  return { clock, wheel, delay, sent, events, live, call, nodesOf };
}

const failure = (code: Code, stage: Stage, reason?: Reason) => new RpcError(code, 'it failed', { stage, reason });
const unsent = () => failure('UNAVAILABLE', 'unsent', 'CONNECT_FAILED');
const refused = () => failure('UNAVAILABLE', 'refused', 'REFUSED');
const draining = () => failure('UNAVAILABLE', 'refused', 'DRAINING');
const overloaded = () => failure('RESOURCE_EXHAUSTED', 'refused', 'OVERLOADED');
const lost = () => failure('UNAVAILABLE', 'sent', 'CONNECTION_LOST');

test('an answer ends it: one try, on the call itself, and no timer is left', async () => {
  const { clock, sent, call, events } = layers();
  const { made, end } = call();
  assert.equal(sent[0]!.call, made);
  await sent[0]!.answer();
  assert.equal(end.reply?.output, 'right');
  assert.equal(end.reply?.attempts, 1);
  await clock.run(20);
  assert.equal(clock.pending, 0);
  assert.deepEqual(events, []);
});

test('an answer in the form of an error ends it too, as it is', async () => {
  const { sent, call } = layers();
  const { end } = call();
  await sent[0]!.fail(failure('NOT_FOUND', 'answered'));
  assert.equal(end.error?.code, 'NOT_FOUND');
  assert.equal(end.error?.stage, 'answered');
  assert.equal(end.error?.mayHaveExecuted, false);
  assert.deepEqual(
    end.error?.attempts.map(({ node }) => node),
    ['a'],
  );
  assert.equal(sent.length, 1);
});

test('what was not sent goes to another node, whatever it is and however often; the node counts it as the first', async () => {
  const { sent, call, nodesOf, events } = layers({ maxAttempts: 1, budget: { ratio: 0, perSecond: 0 } });
  const { end } = call({ repeatable: false, attempt: 2 });
  await sent[0]!.fail(unsent());
  await sent[1]!.fail(unsent());
  assert.deepEqual(nodesOf(), ['a', 'b', 'c']);
  assert.deepEqual(
    sent.map(({ call: { attempt } }) => attempt),
    [2, 2, 2],
  );
  await sent[2]!.answer();
  assert.equal(end.reply?.attempts, 1);
  assert.deepEqual(events, ['retry', 'retry']);
});

test('a refused call goes on: the first time free and whatever the attempts, then by attempts and budget', async () => {
  for (const error of [refused, draining]) {
    const { sent, call, nodesOf } = layers({ maxAttempts: 1, budget: { ratio: 0, perSecond: 0 } });
    const { end } = call({ repeatable: false });
    await sent[0]!.fail(error());
    assert.deepEqual(nodesOf(), ['a', 'b']);
    assert.equal(sent[1]!.call.attempt, 2);
    await sent[1]!.fail(error());
    assert.equal(sent.length, 2);
    assert.equal(end.error?.code, 'UNAVAILABLE');
    assert.equal(end.error?.mayHaveExecuted, false);
    assert.equal(end.error?.stage, 'refused');
  }
});

test('OVERLOADED is charged from the first time on', async () => {
  const { sent, call, events } = layers({ budget: { ratio: 0, perSecond: 0.1 } });
  const { end } = call({ repeatable: false });
  await sent[0]!.fail(overloaded());
  assert.equal(sent.length, 2);
  await sent[1]!.fail(overloaded());
  assert.equal(end.error?.reason, 'OVERLOADED');
  assert.deepEqual(events, ['retry', 'budget-empty']);
});

test('a lost call is made again if it may be; else its error says that it may have run', async () => {
  const may = layers();
  const first = may.call();
  await may.sent[0]!.fail(lost());
  await may.sent[1]!.answer();
  assert.equal(first.end.reply?.attempts, 2);
  assert.deepEqual(may.nodesOf(), ['a', 'b']);

  const not = layers();
  const second = not.call({ repeatable: false });
  await not.sent[0]!.fail(lost());
  assert.equal(second.end.error?.label, 'UNAVAILABLE/CONNECTION_LOST');
  assert.equal(second.end.error?.mayHaveExecuted, true);
  assert.equal(not.sent.length, 1);
});

test('at most two connections are lost under one call', async () => {
  const { sent, call } = layers({ nodes: ['a', 'b', 'c', 'd'], maxAttempts: 10 });
  const { end } = call();
  await sent[0]!.fail(lost());
  await sent[1]!.fail(lost());
  assert.equal(sent.length, 2);
  assert.equal(end.error?.attempts.length, 2);
  assert.equal(end.error?.mayHaveExecuted, true);
});

test('attempts are bounded', async () => {
  const { sent, call } = layers({ nodes: ['a', 'b', 'c', 'd'], maxAttempts: 2, hedging: false });
  const { end } = call();
  await sent[0]!.fail(overloaded());
  await sent[1]!.fail(overloaded());
  assert.equal(sent.length, 2);
  assert.equal(end.error?.reason, 'OVERLOADED');
});

test('a call may say itself how many nodes it may reach, less than the client or more', async () => {
  const failfast = layers({ nodes: ['a', 'b', 'c', 'd'] });
  const first = failfast.call({ maxAttempts: 1 });
  await failfast.clock.run(1_000);
  assert.equal(failfast.sent.length, 1, 'nor is it hedged');
  await failfast.sent[0]!.fail(lost());
  assert.equal(failfast.sent.length, 1);
  assert.equal(first.end.error?.reason, 'CONNECTION_LOST');

  const stubborn = layers({ nodes: ['a', 'b', 'c', 'd'], maxAttempts: 1, hedging: false });
  const second = stubborn.call({ maxAttempts: 4 });
  for (let i = 0; i < 4; i++) await stubborn.sent[i]!.fail(overloaded());
  assert.deepEqual(stubborn.nodesOf(), ['a', 'b', 'c', 'd']);
  assert.equal(second.end.error?.reason, 'OVERLOADED');
});

test('failfast gives up no call that no node has started', async () => {
  for (const notStarted of [unsent, refused, draining]) {
    const { sent, call } = layers();
    const { end } = call({ maxAttempts: 1, repeatable: false });
    await sent[0]!.fail(notStarted());
    await sent[1]!.answer();
    assert.equal(end.reply?.output, 'right', String(notStarted()));
  }
});

test('with an empty budget a call fails now, not at its deadline, and says so once', async () => {
  const { clock, sent, call, events } = layers({ budget: { ratio: 0, perSecond: 0 } });
  const { end } = call();
  await sent[0]!.fail(lost());
  assert.equal(clock.now(), 0);
  assert.equal(end.error?.label, 'UNAVAILABLE/CONNECTION_LOST');
  assert.deepEqual(events, ['budget-empty']);
});

test('a call that is itself a repeated one repeats only what did not run, and is not hedged', async () => {
  const { clock, sent, call } = layers();
  const { end } = call({ attempt: 2 });
  await clock.run(1_000);
  assert.equal(sent.length, 1);
  await sent[0]!.fail(refused());
  assert.equal(sent[1]!.call.attempt, 3);
  await sent[1]!.fail(lost());
  assert.equal(end.error?.reason, 'CONNECTION_LOST');
});

test('a node is tried a second time only when no other is left, and after a pause', async () => {
  const { clock, sent, call, nodesOf } = layers({ nodes: ['a', 'b'], hedging: false });
  call();
  await sent[0]!.fail(unsent());
  await sent[1]!.fail(unsent());
  assert.equal(sent.length, 2);
  await clock.run(20);
  assert.equal(sent.length, 2);
  await clock.run(100);
  assert.deepEqual(nodesOf(), ['a', 'b', 'a']);
});

test('a node that is gone is none that was tried: the next one is taken at once', async () => {
  const { sent, live, call, nodesOf } = layers({ nodes: ['a', 'b'] });
  call();
  live.delete('a');
  await sent[0]!.fail(lost());
  assert.deepEqual(nodesOf(), ['a', 'b']);
});

test('an error is honest about all tries: one that may have run is not hidden by a later one that did not', async () => {
  for (const last of [unsent, refused, () => failure('UNAVAILABLE', 'unsent', 'NO_NODES')]) {
    const { clock, sent, call } = layers({ nodes: ['a', 'b'], maxAttempts: 2, budget: { ratio: 0, perSecond: 0.1 } });
    const { end } = call({ timeout: 1_000 });
    await sent[0]!.fail(lost());
    for (let i = 1; end.error === undefined && i < 40; i++) {
      await sent[i]?.fail(last());
      await clock.run(100);
    }
    assert.equal(end.error?.mayHaveExecuted, true, String(last));
    assert.equal(end.error?.stage, 'sent');
  }
  const answered = layers();
  const { end } = answered.call();
  await answered.sent[0]!.fail(lost());
  await answered.sent[1]!.fail(failure('ABORTED', 'answered'));
  assert.equal(end.error?.stage, 'answered');
  assert.equal(end.error?.mayHaveExecuted, true);
});

test('one deadline covers all tries', async () => {
  const { clock, sent, call } = layers({ hedging: false });
  const { end } = call({ timeout: 1_000 });
  await clock.run(700);
  await sent[0]!.fail(overloaded());
  await clock.run(290);
  assert.equal(end.error, undefined);
  await clock.run(20);
  assert.equal(end.error!.code, 'DEADLINE_EXCEEDED');
  assert.equal(end.error!.mayHaveExecuted, true);
  assert.deepEqual(
    end.error!.attempts.map(({ node, outcome }) => `${node} ${outcome}`),
    ['a RESOURCE_EXHAUSTED/OVERLOADED', 'b DEADLINE_EXCEEDED'],
  );
  assert.equal(sent[1]!.call.cancelled?.code, 'DEADLINE_EXCEEDED');
  await clock.run(5_000);
  assert.equal(sent.length, 2);
});

test('a deadline that passes between two tries ends it; nothing is sent afterwards', async () => {
  const { clock, sent, call } = layers({ nodes: ['a'], hedging: false });
  const { made, end } = call({ timeout: 1_000 });
  await sent[0]!.fail(unsent());
  made.cancel(failure('CANCELLED', 'sent'));
  await clock.run(1_000);
  assert.equal(end.error?.code, 'CANCELLED');
  assert.equal(end.error?.mayHaveExecuted, false);
  assert.equal(end.error?.stage, 'unsent');
  assert.equal(sent.length, 1);
  assert.equal(clock.pending, 0);
});

test('a call that waits for a node did not run when it is cancelled, and is not hedged', async () => {
  const { clock, sent, live, call } = layers();
  live.clear();
  const { made, end } = call();
  await clock.run(2_000);
  assert.equal(sent.length, 1);
  made.cancel(failure('CANCELLED', 'sent'));
  await clock.run(0);
  assert.equal(end.error?.mayHaveExecuted, false);
  assert.equal(end.error?.stage, 'unsent');
});

test('a silent try is hedged: the second node is asked too, the first answer wins, the loser is cancelled', async () => {
  const { clock, sent, call, nodesOf, events } = layers();
  const { end } = call();
  await clock.run(390);
  assert.equal(sent.length, 1);
  await clock.run(20);
  assert.deepEqual(nodesOf(), ['a', 'b']);
  assert.equal(sent[1]!.call.attempt, 2);
  assert.equal(sent[0]!.call.cancelled, undefined);
  await sent[1]!.answer();
  assert.equal(end.reply?.attempts, 2);
  assert.equal((sent[0]!.call.cancelled as RpcError | undefined)?.code, 'CANCELLED');
  assert.deepEqual(events, ['hedge']);
  await clock.run(20);
  assert.equal(clock.pending, 0);
});

test('the first runs on while it is hedged, and may win', async () => {
  const { clock, sent, call } = layers();
  const { end } = call();
  await clock.run(450);
  await sent[0]!.answer('first');
  assert.equal(end.reply?.output, 'first');
  assert.equal(sent[1]!.call.cancelled?.code, 'CANCELLED');
});

test('only one hedge at a time, however long it takes', async () => {
  const { clock, sent, call } = layers({ nodes: ['a', 'b', 'c', 'd'], maxAttempts: 10 });
  call();
  await clock.run(4_000);
  assert.equal(sent.length, 2);
});

test('only what may be repeated is hedged, and only where it is on, within attempts and budget', async () => {
  for (const [setup, facts] of [
    [{}, { repeatable: false }],
    [{ hedging: false }, {}],
    [{ maxAttempts: 1 }, {}],
    [{ nodes: ['a'] }, {}],
    [{ budget: { ratio: 0, perSecond: 0 } }, {}],
  ] as const) {
    const { clock, sent, call, events } = layers(setup as Setup);
    call(facts);
    await clock.run(4_000);
    assert.equal(sent.length, 1, JSON.stringify([setup, facts]));
    assert.deepEqual(events, 'budget' in setup ? ['budget-empty'] : []);
  }
});

test('a call whose budget was empty is hedged once there is some', async () => {
  const { clock, sent, call } = layers({ budget: { ratio: 0.2, perSecond: 0 } });
  const first = call();
  await clock.run(1_000);
  assert.equal(sent.length, 1);
  for (let i = 0; i < 5; i++) call({ repeatable: false });
  await clock.run(200);
  assert.equal(sent.length, 7);
  await sent[6]!.answer();
  assert.equal(first.end.reply?.attempts, 2);
});

test('a call is hedged as soon as there is a second node', async () => {
  const { clock, sent, live, call, nodesOf } = layers({ nodes: ['a'] });
  call();
  await clock.run(1_000);
  live.add('b');
  await clock.run(110);
  assert.deepEqual(nodesOf(), ['a', 'b']);
  assert.equal(sent[1]!.call.attempt, 2);
});

test('the delay counts from when a try was sent, after a retry anew', async () => {
  const { clock, sent, call, nodesOf } = layers();
  call();
  await clock.run(300);
  await sent[0]!.fail(overloaded());
  assert.deepEqual(nodesOf(), ['a', 'b']);
  await clock.run(390);
  assert.equal(sent.length, 2);
  await clock.run(20);
  assert.deepEqual(nodesOf(), ['a', 'b', 'c']);
});

test('the delay follows the p99 of the answers, from 100 to 400 ms', async () => {
  for (const [p99, from, to] of [
    [1, 100, 115],
    [60, 180, 210],
    [300, 395, 415],
  ] as const) {
    const { clock, delay, sent, call } = layers();
    for (let i = 0; i < 200; i++) delay.record(p99, clock.now());
    call();
    await clock.run(from - 5);
    assert.equal(sent.length, 1, `p99 ${p99}: too early`);
    await clock.run(to - from + 5);
    assert.equal(sent.length, 2, `p99 ${p99}: too late`);
  }
});

test('the time of a try is what the delay learns from: not the wait for a node, nor the whole call', async () => {
  const { clock, delay, sent, call } = layers();
  for (let i = 0; i < 40; i++) {
    call();
    const first = sent.at(-1)!;
    await clock.run(95);
    await first.fail(overloaded());
    await sent.at(-1)!.answer();
  }
  assert.equal(delay.delay(clock.now()), 100);
});

test('one of two that fails leaves the other at work; a third node is asked in its place', async () => {
  const { clock, sent, call, nodesOf } = layers({ nodes: ['a', 'b', 'c'], maxAttempts: 5 });
  const { end } = call();
  await clock.run(410);
  await sent[1]!.fail(overloaded());
  assert.equal(end.error, undefined);
  await clock.run(10);
  assert.deepEqual(nodesOf(), ['a', 'b', 'c']);
  await sent[0]!.answer('first');
  assert.equal(end.reply?.output, 'first');
  assert.equal(end.reply?.attempts, 3);
});

test('beside a lost one no third node is put at risk: the one at work is waited for', async () => {
  const { clock, sent, call } = layers({ nodes: ['a', 'b', 'c'], maxAttempts: 5 });
  const { end } = call();
  await clock.run(410);
  await sent[1]!.fail(lost());
  await clock.run(3_000);
  assert.equal(sent.length, 2);
  await sent[0]!.answer();
  assert.equal(end.reply?.output, 'right');
});

test('an answer in the form of an error ends both', async () => {
  const { clock, sent, call } = layers();
  const { end } = call();
  await clock.run(410);
  await sent[1]!.fail(failure('NOT_FOUND', 'answered'));
  assert.equal(end.error?.code, 'NOT_FOUND');
  assert.equal((sent[0]!.call.cancelled as RpcError | undefined)?.code, 'CANCELLED');
});

test('the deadline ends both, and both are named', async () => {
  const { clock, sent, call } = layers();
  const { end } = call({ timeout: 1_000 });
  await clock.run(1_010);
  assert.deepEqual(
    end.error?.attempts.map(({ node, outcome }) => `${node} ${outcome}`),
    ['a DEADLINE_EXCEEDED', 'b DEADLINE_EXCEEDED'],
  );
  for (const { call } of sent) assert.equal(call.cancelled?.code, 'DEADLINE_EXCEEDED');
});
