import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscaledRun, capacityRun } from '../../test/support/synthetic-cluster.ts';
import { began, syntheticRun } from '../../test/support/synthetic-run.ts';
import type { Execution } from './ledger.ts';
import type { PlayedEvent, Recording } from './recording.ts';
import type { Sample } from './sample.ts';
import { judge, type Verdict } from './verdict.ts';

const kill = '3 kill -9 1 server';
const freeze = '4 freeze 1 server for 5 s';
const away = '5 ZooKeeper away for 5 s';

/** A call that was due so many seconds after the load began. */
function callAt(run: Recording, seconds: number, unsafe = false): Sample {
  return run.samples.find((sample) => sample.intended >= began + seconds * 1000 && sample.unsafe === unsafe)!;
}

function withSample(run: Recording, changed: Sample): Recording {
  return { ...run, samples: run.samples.map((sample) => (sample.id === changed.id ? changed : sample)) };
}

function withEnd(run: Recording, sample: Sample, end: Partial<NonNullable<Sample['end']>>): Recording {
  return withSample(run, { ...sample, end: { ...sample.end!, ...end } });
}

function withEvent(run: Recording, name: string, change: (event: PlayedEvent) => PlayedEvent): Recording {
  return { ...run, events: run.events.map((event) => (event.name === name ? change(event) : event)) };
}

function withExecutions(run: Recording, change: (executions: readonly Execution[]) => Execution[]): Recording {
  return { ...run, executions: change(run.executions!) };
}

/** Red, and the events that it names are exactly these. */
function assertRed(verdict: Verdict, events: readonly string[], what: RegExp): void {
  assert.equal(verdict.ok, false);
  assert.deepEqual([...new Set(verdict.problems.map(({ event }) => event))], events);
  assert.ok(
    verdict.problems.some((problem) => what.test(problem.what)),
    `none of: ${verdict.problems.map((problem) => problem.what).join(' | ')}`,
  );
  for (const event of events) assert.ok(verdict.headline.includes(event), verdict.headline);
}

describe('a run in which everything went well', () => {
  const verdict = judge(syntheticRun());

  it('is green, and says how many calls there were', () => {
    assert.deepEqual(verdict.problems, []);
    assert.equal(verdict.ok, true);
    assert.equal(verdict.headline, '13,800 calls, 0 lost, 0 wrong, 0 run twice');
    assert.equal(verdict.total.right, 13_800);
  });

  it('gives each call to one event or to the start', () => {
    const ofEvents = verdict.events.reduce((sum, { tally }) => sum + tally.calls, 0);
    // The load began 5 s before the first event.
    assert.ok(Math.abs(13_800 - ofEvents - 1500) < 20, `${ofEvents} calls belong to events`);
  });

  it('tells the latency before, during and after an event, and how long it stood out', () => {
    const { p99, effects, tally } = verdict.events[3]!;
    assert.ok(p99.before! < 70 && p99.during! > 120 && p99.after! < 70, JSON.stringify(p99));
    assert.equal(effects.disturbed, 500);
    assert.ok(tally.retried > 10);
    assert.equal(verdict.events[0]!.effects.disturbed, 0);
  });

  it('tells when a new server had its first call and one told to go its last', () => {
    const [up, down, killed] = verdict.events.map(({ effects }) => effects);
    assert.ok(up!.startToFirstCall! > 1300 && up!.startToFirstCall! < 1700, String(up!.startToFirstCall));
    assert.ok(up!.registeredToFirstCall! < 200, String(up!.registeredToFirstCall));
    assert.ok(down!.stopToLastCall! < 100, String(down!.stopToLastCall));
    assert.equal(down!.startToFirstCall, undefined);
    assert.ok(killed!.startToFirstCall !== undefined, 'the server in place of the killed one');
  });

  it('tells when servers that were told to go were out of the registry, and of EndpointSlices', () => {
    const seen = (name: string, { events }: Verdict) => {
      const { stopToUnregistered, stopToUnpublished } = events.find(({ event }) => event.name === name)!.effects;
      return [stopToUnregistered, stopToUnpublished].map((ms) => ms && Math.round(ms));
    };
    assert.deepEqual(seen('1 scale to 5', verdict), [undefined, undefined]);
    assert.deepEqual(seen('2 scale to 2', verdict), [50, undefined]);
    assert.deepEqual(seen('2 autoscaler to 4', judge(autoscaledRun())), [40, 400]);
  });

  it('proves the faults by the calls that were in flight', () => {
    const proof = verdict.events.map(({ proof }) => proof.map(({ what }) => what).join(', '));
    assert.match(proof[2]!, /processes 101, 111 are gone, 3 calls were being worked on there/);
    assert.match(proof[3]!, /stood still, 4 calls were being worked on there/);
    assert.match(proof[4]!, /refuses connections, 1[45]\d\d calls were made meanwhile/);
  });
});

describe('the verdict is red and names the event', () => {
  it('for one wrong digit', () => {
    const run = syntheticRun();
    const verdict = judge(withEnd(run, callAt(run, 25), { outcome: 'WRONG' }));
    assertRed(verdict, [freeze], /1 call wrong/);
    assert.equal(verdict.total.wrong, 1);
    assert.equal(verdict.events[3]!.ok, false);
    assert.ok(verdict.events[2]!.ok && verdict.events[4]!.ok);
  });

  it('for a call that ended in an error', () => {
    const run = syntheticRun();
    assertRed(
      judge(withEnd(run, callAt(run, 18.1), { outcome: 'UNAVAILABLE/CONNECTION_LOST' })),
      [kill],
      /1 call lost \(1 x UNAVAILABLE\/CONNECTION_LOST, e\.g\. run-\d+\)/,
    );
  });

  it('for a call sent just before the event that failed because of it', () => {
    const run = syntheticRun();
    const sample = callAt(run, 17.99);
    assertRed(judge(withEnd(run, sample, { outcome: 'UNAVAILABLE', at: began + 18_010 })), [kill], /1 call lost/);
  });

  it('for a call whose end nobody wrote down', () => {
    const run = syntheticRun();
    const verdict = judge(withSample(run, { ...callAt(run, 38), end: undefined }));
    assertRed(verdict, [away], /1 call lost \(1 x the caller wrote down no end of it/);
  });

  it('for an id that is missing from the caller’s books', () => {
    const run = syntheticRun();
    const { id } = callAt(run, 19);
    const verdict = judge({ ...run, samples: run.samples.filter((sample) => sample.id !== id) });
    assert.equal(verdict.ok, false);
    const said = verdict.problems.map(({ event, what }) => `${event}: ${what}`).join('\n');
    assert.match(said, new RegExp(`${kill}: call number ${id.slice(4)} is missing from the caller's books`));
    assert.match(said, /the whole run: 13800 calls were due, 13799 are written down/);
    assert.match(
      said,
      new RegExp(`${kill}: handlers ran 1 calls that the caller did not write down, the first is ${id}`),
    );
  });

  it('for a right answer that came too late', () => {
    const run = syntheticRun();
    const sample = callAt(run, 24);
    const verdict = judge(withEnd(run, sample, { at: sample.sent + 5001 }));
    assertRed(verdict, [freeze], /the answer came after 500[01] ms, the deadline was 5000 ms/);
  });

  it('for an answer that no handler worked out', () => {
    const run = syntheticRun();
    const { id } = callAt(run, 40);
    const verdict = judge(withExecutions(run, (executions) => executions.filter((one) => one.id !== id)));
    assertRed(verdict, [away], /no handler wrote the call down/);
  });

  it('for a call that must not run twice and did', () => {
    const run = syntheticRun();
    const { id } = callAt(run, 18.1, true);
    const double = (executions: readonly Execution[]) => [...executions, executions.find((one) => one.id === id)!];
    const verdict = judge(withExecutions(run, double));
    assertRed(verdict, [kill], /1 call doubled \(1 x it ran 2 times/);
    assert.equal(verdict.total.doubled, 1);
  });

  it('even if the caller was told that such a call may have run', () => {
    const run = syntheticRun();
    const sample = callAt(run, 18.1, true);
    const double = (executions: readonly Execution[]) => [
      ...executions,
      executions.find((one) => one.id === sample.id)!,
    ];
    const failed = withEnd(run, sample, { outcome: 'UNAVAILABLE', mayHaveExecuted: true });
    assertRed(judge(withExecutions(failed, double)), [kill], /doubled/);
  });

  it('for a generator that was killed in the middle', () => {
    const run = syntheticRun();
    const at = began + 24_000;
    const verdict = judge({
      ...run,
      samples: run.samples.filter(({ sent }) => sent < at),
      executions: run.executions!.filter((one) => one.began < at),
      events: run.events.slice(0, 4),
      load: { state: 'died', at, how: 'SIGKILL' },
    });
    assert.equal(verdict.ok, false);
    const said = verdict.problems.map(({ event, what }) => `${event}: ${what}`).join('\n');
    assert.match(said, new RegExp(`${freeze}: the load generator ended before its time: SIGKILL`));
    assert.match(said, /the whole run: 1 of 5 events were not played/);
  });

  it('for calls that were due and never sent', () => {
    const run = syntheticRun();
    const dropped = [
      { kind: 'dropped' as const, at: began + 26_000, count: 6 },
      { kind: 'dropped' as const, at: began + 26_100, count: 1 },
    ];
    const load = { state: 'finished' as const, record: { kind: 'finished' as const, at: run.ended, due: 13_807 } };
    const verdict = judge({ ...run, dropped, load });
    assertRed(verdict, [freeze], /^7 calls were due and never sent/);
    assert.equal(verdict.problems.length, 1);
    assert.equal(verdict.total.dropped, 7);
    assert.equal(verdict.events[3]!.tally.dropped, 7);
  });

  it('for calls that were due before the first event and never sent', () => {
    const run = syntheticRun();
    const dropped = [{ kind: 'dropped' as const, at: began + 2000, count: 1 }];
    const load = { state: 'finished' as const, record: { kind: 'finished' as const, at: run.ended, due: 13_801 } };
    assertRed(judge({ ...run, dropped, load }), ['the start'], /^1 call was due and never sent/);
  });

  it('for a generator that made less load than was due', () => {
    const run = syntheticRun();
    const load = { state: 'finished' as const, record: { kind: 'finished' as const, at: run.ended, due: 14_000 } };
    assertRed(judge({ ...run, load }), ['the whole run'], /14000 calls were due, 13800 are written down/);
  });

  it('for a fault that did not happen', () => {
    const run = syntheticRun();
    const proof = [{ what: 'server-1: processes 101, 111 are gone', holds: false }];
    const spoilt = withEvent(run, kill, (event) => ({ ...event, deed: { ...event.deed!, proof } }));
    assertRed(judge(spoilt), [kill], /did not happen as ordered: not so: server-1: processes 101, 111 are gone/);
  });

  for (const name of [kill, freeze]) {
    it(`for a fault that hit no call: ${name}`, () => {
      // Whatever others left unfinished there, before or later.
      const idle = withEvent(syntheticRun(), name, (event) => ({ ...event, deed: { ...event.deed!, working: 0 } }));
      assertRed(judge(idle), [name], /not so: 0 calls were being worked on there/);
    });
  }

  it('for a ZooKeeper that was away while nobody called', () => {
    const run = syntheticRun();
    const spoilt = withEvent(run, away, (event) => ({ ...event, deed: { ...event.deed!, until: event.at } }));
    assertRed(judge(spoilt), [away], /not so: 0 calls were made meanwhile/);
  });

  it('for an event that could not be done or did not settle', () => {
    const run = syntheticRun();
    const problem = 'not settled within 30 s: 4 of 5 servers are ready';
    const spoilt = withEvent(run, '1 scale to 5', (event) => ({ ...event, settledAt: undefined, problem }));
    assertRed(judge(spoilt), ['1 scale to 5'], /4 of 5 servers are ready/);
  });

  it('for a new server that got no call', () => {
    const run = syntheticRun();
    const moved = withExecutions(run, (executions) =>
      executions.map((one) =>
        one.writer.server === 'server-5' ? { ...one, writer: { server: 'server-4', pid: 104 } } : one,
      ),
    );
    assertRed(judge(moved), ['1 scale to 5'], /server-5 was started and got no call before the next event/);
  });

  it('for a server that ended by itself', () => {
    const run = syntheticRun();
    const incidents = [{ at: began + 38_000, what: 'server-2 ended by itself: exit code 1' }];
    const verdict = judge({ ...run, incidents });
    assertRed(verdict, [away], /server-2 ended by itself/);
    assert.equal(verdict.events[4]!.ok, false);
  });

  it('for books that contradict themselves', () => {
    const contradictions = ['call run-5 ended twice'];
    assertRed(judge({ ...syntheticRun(), contradictions }), ['the whole run'], /call run-5 ended twice/);
  });

  it('for handlers’ books that are missing: half a comparison is none', () => {
    assertRed(judge({ ...syntheticRun(), executions: undefined }), ['the whole run'], /books are missing/);
  });

  it('for a run without a call', () => {
    const run = syntheticRun();
    const load = { state: 'finished' as const, record: { kind: 'finished' as const, at: run.ended, due: 0 } };
    const verdict = judge({ ...run, samples: [], executions: [], load });
    assert.equal(verdict.ok, false);
    assert.ok(verdict.problems.some(({ what }) => what === 'not one call was sent'));
  });

  it('for what went wrong before the first event', () => {
    const run = syntheticRun();
    assertRed(judge(withEnd(run, callAt(run, 2), { outcome: 'INTERNAL' })), ['the start'], /1 call lost/);
  });
});

describe('what is excepted, and counted apart', () => {
  it('a call that must not run twice, ended in "it may have run", and ran at most once', () => {
    const run = syntheticRun();
    const sample = callAt(run, 18.1, true);
    const verdict = judge(withEnd(run, sample, { outcome: 'UNAVAILABLE/CONNECTION_LOST', mayHaveExecuted: true }));
    assert.equal(verdict.ok, true);
    assert.equal(verdict.total.unknown, 1);
    assert.equal(verdict.events[2]!.tally.unknown, 1);
    assert.match(verdict.headline, /1 that may not be sent again ended as unknown, and said so/);
  });

  it('but not one that may be sent again, whatever the error says', () => {
    const run = syntheticRun();
    const end = { outcome: 'UNAVAILABLE', mayHaveExecuted: true };
    assertRed(judge(withEnd(run, callAt(run, 18.1), end)), [kill], /1 call lost/);
  });

  it('nor one that was in flight while no server was killed or frozen', () => {
    const run = syntheticRun();
    const end = { outcome: 'UNAVAILABLE/DRAINING', mayHaveExecuted: true };
    for (const [at, event] of [
      [10.2, /scale to 2/],
      [38, /ZooKeeper away/],
    ] as const) {
      const verdict = judge(withEnd(run, callAt(run, at, true), end));
      assert.equal(verdict.ok, false);
      assert.equal(verdict.total.lost, 1);
      assert.match(verdict.problems[0]!.event, event);
    }
  });

  it('nor one whose error did not say that it may have run', () => {
    const run = syntheticRun();
    assertRed(judge(withEnd(run, callAt(run, 18.1, true), { outcome: 'UNAVAILABLE' })), [kill], /1 call lost/);
  });

  it('a call cut off by the end of the load, if there was time left for its answer', () => {
    const run = syntheticRun();
    const last = run.samples.at(-1)!;
    const load = { ...run.load, cutAt: last.sent + run.plan.deadline - 1 } as Recording['load'];
    const verdict = judge(withSample({ ...run, load }, { ...last, end: undefined }));
    assert.equal(verdict.ok, true);
    assert.equal(verdict.total.cut, 1);
  });

  it('but not one whose deadline was over by then', () => {
    const run = syntheticRun();
    const last = run.samples.at(-1)!;
    const load = { ...run.load, cutAt: last.sent + run.plan.deadline } as Recording['load'];
    assertRed(judge(withSample({ ...run, load }, { ...last, end: undefined })), [away], /1 call lost/);
  });

  it('a call that may run twice, and did', () => {
    const run = syntheticRun();
    const { id } = callAt(run, 18.1);
    const double = (executions: readonly Execution[]) => [...executions, executions.find((one) => one.id === id)!];
    assert.equal(judge(withExecutions(run, double)).ok, true);
  });
});

describe("handlers' notes that are missing", () => {
  const gap = { server: 'server-1', from: began + 16_000, until: began + 17_500, why: 'the pod vanished' };
  const notes = 'the notes of server-1 from 16.0 s to 17.5 s are missing: the pod vanished';
  /** Without what that server wrote then. */
  function withGap(run: Recording, change: Partial<typeof gap> = {}): Recording {
    const missing = { ...gap, ...change };
    const kept = run.executions!.filter(({ writer, began: from, ended }) => {
      return writer.server !== missing.server || from < missing.from || from > missing.until || ended === undefined;
    });
    return { ...run, executions: kept, gaps: [missing] };
  }
  /** Calls that were answered by that server within the gap. */
  const there = (run: Recording) =>
    run.samples.filter(({ sent, end }) => end!.node === 'server-1' && sent > gap.from && sent < gap.until);

  it('make the verdict red, with the server, the time and the cause', () => {
    const run = syntheticRun();
    const verdict = judge(withGap(run));
    // One at the border may have been written down after all.
    assert.ok(Math.abs(verdict.total.unverified - there(run).length) <= 2, `${verdict.total.unverified}`);
    assert.ok(verdict.total.unverified > 100);
    assert.equal(verdict.total.lost, 0);
    assertRed(verdict, ['2 scale to 2'], new RegExp(`calls unverified \\(.* x ${notes}, e\\.g\\. run-`));
    assert.match(verdict.headline, /^13,800 calls, \d+ unverified: see 2 scale to 2$/);
    assert.deepEqual(verdict.notes, []);
  });

  it('leave a call in doubt that must not run twice, even if it was written down once', () => {
    const run = syntheticRun();
    const sample = run.samples.find(({ sent, unsafe }) => unsafe && sent > gap.from)!;
    const again = withEnd(run, sample, { attempts: 2 });
    const elsewhere = { ...gap, server: 'server-6' };
    const verdict = judge({ ...again, gaps: [elsewhere] });
    assert.equal(verdict.total.unverified, 1);
    assert.match(verdict.problems[0]!.what, new RegExp(`the notes of server-6 .* e\\.g\\. ${sample.id}`));
  });

  it('are no doubt about a call that was sent once and answered elsewhere, nor about one before or after', () => {
    const run = syntheticRun();
    const verdict = judge({ ...run, gaps: [{ ...gap, server: 'server-6' }] });
    assert.equal(verdict.ok, true);
    assert.deepEqual(verdict.notes, [`${notes.replace('server-1', 'server-6')}; no call depended on them`]);
  });

  it('are no doubt about a call that may run twice and was written down', () => {
    const run = syntheticRun();
    const verdict = judge({ ...run, gaps: [gap] });
    const unsafe = there(run).filter((sample) => sample.unsafe).length;
    assert.ok(unsafe > 0);
    assert.equal(verdict.total.unverified, unsafe);
  });

  it('do not excuse a call whose caller had no answer', () => {
    const run = syntheticRun();
    const lost = there(run).find(({ unsafe }) => !unsafe)!;
    const verdict = judge(withGap(withEnd(run, lost, { outcome: 'UNAVAILABLE' })));
    assert.equal(verdict.total.lost, 1);
  });

  it('make unverified what would be unknown: that it ran at most once is not known', () => {
    const run = syntheticRun();
    const sample = callAt(run, 18.1, true);
    const end = { outcome: 'UNAVAILABLE/CONNECTION_LOST', mayHaveExecuted: true, attempts: 2 };
    const verdict = judge({ ...withEnd(run, sample, end), gaps: [{ ...gap, until: began + 19_000 }] });
    assert.equal(verdict.total.unknown, 0);
    assert.ok(verdict.total.unverified >= 1);
    assert.ok(verdict.problems.some(({ event, what }) => event === kill && /CONNECTION_LOST; the notes/.test(what)));
  });
});

describe('what pods took', () => {
  /** Ten minutes in which a gateway opens files, with so many servers in the first and in the second half. */
  function opening(servers: [number, number]): Recording {
    const run = syntheticRun();
    const times = Array.from({ length: 61 }, (_, index) => began + index * 10_000);
    const figures = { pod: 'gateway-1', life: 'gateway-1', component: 'gateway', memory: 1e8, series: 240 };
    return {
      ...run,
      states: times.map((at, index) => ({ ...run.states[0]!, at, ready: servers[index < 30 ? 0 : 1] })),
      usage: times.map((at, index) => ({ at, ...figures, descriptors: 80 + index })),
    };
  }
  const grown = /^gateway-1 took more and more file descriptors: 86, then 122, within 9 min$/;

  it('and ever more of is red', () => {
    for (const servers of [
      [2, 2],
      [5, 2],
    ] as [number, number][]) {
      const { ok, problems } = judge(opening(servers));
      assert.equal(ok, false);
      assert.ok(
        problems.some(({ what }) => grown.test(what)),
        servers.join(),
      );
    }
  });

  it('for more servers than in the beginning is no growth', () => {
    assert.deepEqual(
      judge(opening([2, 5])).problems.filter(({ what }) => grown.test(what)),
      [],
    );
  });
});

describe('a run that was ended early', () => {
  const run = syntheticRun();
  const at = began + 24_000;
  const samples = run.samples.filter(({ end }) => end!.at < at);
  const ids = new Set(samples.map(({ id }) => id));
  const early: Recording = {
    ...run,
    ended: at,
    samples,
    executions: run.executions!.filter(({ id }) => ids.has(id)),
    states: run.states.filter((state) => state.at <= at),
    events: run.events.slice(0, 3),
    interrupted: 'SIGTERM',
  };
  const finished = { kind: 'finished' as const, at, due: early.samples.length };
  const ended = { ...early, load: { state: 'finished' as const, record: finished } };

  it('is not passed, is no failure either, and says what is missing', () => {
    const verdict = judge(ended);
    assert.equal(verdict.ok, false);
    assert.equal(verdict.outcome, 'unfinished');
    assert.match(verdict.headline, /^7,1\d\d calls, 0 lost until it was ended early: see the whole run$/);
    assert.deepEqual(verdict.unplayed, [freeze, away]);
    assert.deepEqual(
      verdict.problems.map(({ what }) => what),
      ['the run was interrupted: SIGTERM', '2 of 5 events were not played'],
    );
    assert.deepEqual(
      verdict.events.map(({ ok }) => ok),
      [true, true, true],
    );
  });

  it('is failed for what went wrong until then', () => {
    const verdict = judge(withEnd(ended, callAt(ended, 11), { outcome: 'WRONG' }));
    assert.equal(verdict.outcome, 'failed');
    assert.match(verdict.headline, /1 wrong: see 2 scale to 2, the whole run$/);
  });

  for (const [what, against] of [
    ['an incident', { incidents: [{ at: began + 12_000, what: 'server-2 ended unasked' }] }],
    ['a call that was due and never sent', { dropped: [{ kind: 'dropped', at: began + 12_000, count: 1 }] }],
    ['a fault that did not happen', { events: [{ ...early.events[0]!, problem: 'could not be done: no' }] }],
  ] as const) {
    it(`is failed for ${what}`, () => {
      const due = finished.due + ('dropped' in against ? 1 : 0);
      const load = { state: 'finished' as const, record: { ...finished, due } };
      assert.equal(judge({ ...ended, load, ...against }).outcome, 'failed');
    });
  }

  it('is not failed for an event in whose middle it was ended', () => {
    const last = {
      ...early.events[2]!,
      settledAt: undefined,
      problem: 'the run ended before it had settled: 1 server',
    };
    const verdict = judge({ ...ended, events: [...early.events.slice(0, 2), last] });
    assert.equal(verdict.outcome, 'unfinished');
  });

  it('is failed when it was the load that died', () => {
    const died = { ...early, interrupted: undefined, load: { state: 'died' as const, at, how: 'SIGKILL' } };
    assert.equal(judge(died).outcome, 'failed');
  });
});

describe('on a cluster', () => {
  it('a run is green in which the autoscaler and the gateways did what they should', () => {
    const { ok, outcome, problems, events } = judge(autoscaledRun());
    assert.deepEqual(problems, []);
    assert.equal(ok, true);
    assert.equal(outcome, 'passed');
    assert.deepEqual(
      events.map(({ proof }) => proof.map(({ what }) => what.replace(/\d+/, 'N'))),
      [['N calls were made meanwhile'], [], ['N calls were made meanwhile']],
    );
  });

  it('tells when a server was ready and when it was called first', () => {
    const { effects } = judge(autoscaledRun()).events[1]!;
    assert.ok(effects.readyToFirstCall! > 0 && effects.readyToFirstCall! < effects.registeredToFirstCall!);
  });

  it('does not call a baseline disturbed, and tells its latency', () => {
    const [baseline] = judge(autoscaledRun()).events;
    assert.equal(baseline!.effects.disturbed, undefined);
    assert.equal(baseline!.p99.during, 45);
  });

  it('is red when the gateways were replaced while nobody called', () => {
    const run = autoscaledRun();
    const events = run.events.map((event) => ({ ...event, settledAt: event.index === 3 ? event.at : event.settledAt }));
    assertRed(judge({ ...run, events }), ['3 rolling restart of the gateways'], /not so: 0 calls were made meanwhile/);
  });

  it('tells what the servers could do, of a load that asked for it', () => {
    assert.equal(judge(capacityRun()).capacity!.fullFrom, 4);
    assert.equal(judge(autoscaledRun()).capacity, undefined);
  });
});
