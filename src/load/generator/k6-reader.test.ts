import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dueTimes, type LoadPlan, type ProofLoad } from '../plan.ts';
import type { LoadRecord } from '../sample.ts';
import { K6Reader } from './k6-reader.ts';

const load: ProofLoad = { kind: 'proof', startRate: 100, stages: [{ target: 100, duration: 10_000 }] };
const plan: LoadPlan = { load, url: '', run: 'run', n: 93, unsafe: 0, deadline: 5000 };

const sent = (index: number, began: number, call = 'pi') =>
  `{"metric":"evenkeel_sent","type":"Point","data":{"time":"2026-11-21T05:03:42.07Z","value":1,"tags":{"call":"${call}"},"metadata":{"id":"run-${index}","began":"${began}"}}}`;
const ended = (index: number, began: number, took: number, more = '') =>
  `{"metric":"evenkeel_call","type":"Point","data":{"time":"2026-11-21T05:03:42.12Z","value":${took},"tags":{"call":"pi","outcome":"ok"},"metadata":{"id":"run-${index}","began":"${began}","node":"n1","attempts":"2"${more}}}}`;

describe('what is read from k6', () => {
  it('finds out when its schedule began, and counts latency from when a call was due', () => {
    const records: LoadRecord[] = [];
    const reader = new K6Reader(plan, (record) => records.push(record));
    const due = [...dueTimes(load)];
    const origin = 1_000_000;
    // Call 40 was the only one on time; call 70 was made 30 ms late.
    for (let index = 0; index < 100; index++) {
      const began = origin + due[index]! + (index === 40 ? 0 : index === 70 ? 30 : 2);
      reader.line(sent(index, began));
      reader.line(ended(index, began, 40));
    }
    const record = reader.finish(origin + 1000);
    const intended = records.flatMap((one) => (one.kind === 'sent' ? one.intended - origin : []));
    assert.deepEqual(intended, due.slice(0, 100));
    const end = records.find((one) => one.kind === 'end' && one.id === 'run-70');
    assert.deepEqual(end, {
      ...{
        kind: 'end',
        id: 'run-70',
        at: origin + due[70]! + 70,
        outcome: 'ok',
        attempts: 2,
        mayHaveExecuted: false,
        node: 'n1',
      },
    });
    assert.equal(record.due, 100);
  });

  it('hands over what there is when k6 ends early', () => {
    const records: LoadRecord[] = [];
    const reader = new K6Reader(plan, (record) => records.push(record));
    reader.line(sent(0, 5000));
    reader.line(ended(0, 5000, 3));
    assert.equal(records.length, 0, 'it waits until it knows when the schedule began');
    assert.equal(reader.finish(5020).due, 1);
    assert.deepEqual(
      records.map(({ kind }) => kind),
      ['sent', 'end'],
    );
  });

  it('says how many calls were due when k6 made far fewer', () => {
    const reader = new K6Reader(plan, () => {});
    for (let index = 0; index < 60; index++) reader.line(sent(index, 1000 + index * 10));
    assert.equal(reader.finish(1000 + 5000).due, 501);
  });

  describe('when it was told to stop after ten minutes', () => {
    const soak: ProofLoad = { kind: 'proof', startRate: 60, stages: [{ target: 60, duration: 700_000 }] };
    const due = [...dueTimes(soak)];
    /** How many were due by its word, when it has made so many. */
    const dueBy = (made: number) => {
      const reader = new K6Reader({ ...plan, load: soak }, () => {});
      for (let index = 0; index < made; index++) reader.line(sent(index, 1000 + due[index]!));
      return reader.finish(1000 + 600_000).due;
    };

    it('says how many calls were due when it made somewhat fewer', () => {
      assert.equal(dueBy(36_000 - 300), 36_000);
      assert.equal(dueBy(36_000 - 32), 36_000);
    });

    it('does not ask for those of the last half second, nor for one at the edge of its schedule', () => {
      assert.equal(dueBy(36_000 - 31), 36_000 - 31);
      assert.equal(dueBy(36_000), 36_000);
      assert.equal(dueBy(36_001), 36_001, 'it may be told of it a moment late');
    });
  });

  it('knows calls that must not run twice, and that one may have run', () => {
    const records: LoadRecord[] = [];
    const reader = new K6Reader({ ...plan, load: { kind: 'capacity', users: 1, duration: 1 } }, (record) =>
      records.push(record),
    );
    reader.line(sent(0, 1000, 'append'));
    reader.line(ended(0, 1000, 5, ',"mayHaveExecuted":"1"'));
    assert.equal(records[0]!.kind === 'sent' && records[0]!.unsafe, true);
    assert.equal(records[1]!.kind === 'end' && records[1]!.mayHaveExecuted, true);
  });

  it('counts dropped iterations, at the time of the last call before', () => {
    const records: LoadRecord[] = [];
    const reader = new K6Reader({ ...plan, load: { kind: 'capacity', users: 1, duration: 1 } }, (record) =>
      records.push(record),
    );
    reader.line(sent(0, 1000));
    reader.line('{"metric":"dropped_iterations","type":"Point","data":{"time":"x","value":3,"tags":{}}}');
    assert.deepEqual(records[1], { kind: 'dropped', at: 1000, count: 3 });
    assert.equal(reader.finish(2000).due, 4);
  });

  it('knows that calls after dropped ones were due later: a dropped one takes no number', () => {
    const records: LoadRecord[] = [];
    const reader = new K6Reader(plan, (record) => records.push(record));
    const due = [...dueTimes(load)];
    for (let index = 0; index < 100; index++) {
      if (index === 80) {
        reader.line('{"metric":"dropped_iterations","type":"Point","data":{"time":"x","value":15,"tags":{}}}');
      }
      reader.line(sent(index, 1_000_000 + due[index < 80 ? index : index + 15]!));
    }
    const late = records.flatMap((one) => (one.kind === 'sent' ? one.sent - one.intended : []));
    assert.equal(late.length, 100);
    assert.ok(
      late.every((ms) => ms === 0),
      `late by ${late.join()} ms`,
    );
  });

  it('passes over the many lines that are of no use here', () => {
    const reader = new K6Reader(plan, () => assert.fail('nothing was to be told'));
    reader.line('{"metric":"http_req_duration","type":"Point","data":{"value":1,"tags":{}}}');
    reader.line('{"type":"Metric","data":{"name":"evenkeel_sent"},"metric":"evenkeel_sent"}');
    reader.line('');
  });
});
