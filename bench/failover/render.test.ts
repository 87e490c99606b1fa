import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contenderNames } from './contender.ts';
import type { FailoverFigures, FailoverRun } from './figures.ts';
import { type CallRecord, judge, judgeParts } from './judge.ts';
import { printFailover } from './print.ts';
import { renderFailover } from './render.ts';
import { full } from './scenario.ts';

/** A thousand calls of 2 ms; the last ones take what is given, and are lost if that is over the deadline. */
function run(contender: FailoverRun['contender'], deadline: number, slow: readonly number[]): FailoverRun {
  const calls = Array.from({ length: 1_000 }, (_, index): CallRecord => {
    const took = slow[999 - index] ?? 2;
    const outcome = took > deadline ? 'DEADLINE_EXCEEDED' : 'right';
    return { intended: index, ended: index + took, outcome, pid: undefined };
  });
  return {
    contender,
    deadline,
    ...judge(calls, deadline),
    lag: 1.5,
    load: { before: deadline / 20_000, after: 0.5 },
    parts: judgeParts(calls, deadline, [
      { name: 'quiet', from: 0 },
      { name: 'frozen', from: 500 },
    ]),
    proofs: [{ what: 'server 0: processes 7 are gone', holds: true }],
  };
}

const figures: FailoverFigures = {
  environment: { cpu: 'A CPU', cores: 2, node: 'v26.10.0', system: 'linux', load: 0, date: '2026-11-21 05:00' },
  scenario: full,
  runs: [run('evenkeel', 5_000, [120]), run('grpc-js', 1_000, [1_010, 1_004, 450, 30, 20, 15, 11, 9, 8, 7])],
};

test('each run has a row: calls, lost, over 400 ms, over 1 s, p99, longest, load', () => {
  const lines = renderFailover(figures).split('\n');
  assert.match(lines[0]!, /^300 calls\/s.*A CPU, 2 cores, Node v26\.10\.0, 2026-11-21\./);
  assert.ok(lines.includes('| evenkeel, defaults | 5 s | 1,000 | 0 | 0 | 0 | 2 ms | 120 ms | 0.25 |'));
  assert.ok(lines.includes('| grpc-js, defaults | 1 s | 1,000 | 2 | 3 | 2 | 2 ms | 1.01 s | 0.05 |'));
});

test('figures of a fault that did not happen are not shown', () => {
  const [first] = figures.runs;
  const doubtful = { ...first!, proofs: [...first!.proofs, { what: 'server 1 stood still', holds: false }] };
  assert.throws(() => renderFailover({ ...figures, runs: [doubtful] }), /evenkeel prove nothing.*server 1 stood still/);
  assert.match(printFailover({ ...figures, runs: [doubtful] }), /NOT AS IT SHOULD BE: server 1 stood still/);
  assert.doesNotMatch(printFailover(figures), /NOT AS IT SHOULD BE/);
});

test('what is printed tells the parts of a run, and why calls were lost', () => {
  const lines = printFailover(figures).split('\n');
  assert.ok(lines.some((line) => /^evenkeel +5\.00 s +1,000 +0 +0 +0 +2 ms +120 ms +1\.5 ms +0\.25, 0\.5$/.test(line)));
  assert.ok(lines.some((line) => /^frozen +500 ms +500 +2 +3 +2 /.test(line)));
  assert.ok(lines.includes('  frozen, lost: 2 x DEADLINE_EXCEEDED'));
});

test('every contender has a name of its own in the table', () => {
  const rows = renderFailover({ ...figures, runs: contenderNames.map((name) => run(name, 5_000, [])) }).split('\n');
  assert.equal(new Set(rows.slice(4)).size, contenderNames.length);
});
