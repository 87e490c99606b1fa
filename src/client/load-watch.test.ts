import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReportedLoad } from '../core/load.ts';
import type { Fleet } from '../policy/fleet.ts';
import { loadThresholds } from '../policy/load-thresholds.ts';
import { heartbeatDefaults } from '../transport/heartbeat.ts';
import { LoadWatch } from './load-watch.ts';
import type { Node } from './node.ts';

const idle = { inFlight: 0, queued: 0, cpu: 0.1, cores: 1, eventLoopDelay: 5, memory: 0.3 };

/** A watch of one node whose processes report what the test says. */
function watched() {
  const said: string[] = [];
  const fleet = {
    fault: (_node: unknown, cause: string, since: number, _now: number, why: string) =>
      void said.push(`${cause} since ${since}: ${why}`),
    hold: (_node: unknown, reason: string, on: boolean) => void said.push(`${reason} ${on ? 'held' : 'free'}`),
  };
  const loads: ReportedLoad[] = [];
  const node = {
    links: { loads },
    loadAt: Number.NEGATIVE_INFINITY,
    overloadedAt: Number.NEGATIVE_INFINITY,
    reported: undefined,
  } as unknown as Node & { reported: number | undefined };
  const watch = new LoadWatch(fleet as unknown as Fleet<Node>, loadThresholds(), heartbeatDefaults);
  return { said, loads, node, look: (now: number) => watch.look(node, now) };
}

test('a node says how busy it is, until what it said is old', () => {
  const { node, loads, look } = watched();
  look(0);
  assert.equal(node.reported, undefined);
  loads.push({ ...idle, cpu: 0.5, eventLoopDelay: 0, at: 100 });
  look(100);
  assert.equal(node.reported, 0.5);
  look(3_099);
  assert.equal(node.reported, 0.5);
  look(3_100);
  assert.equal(node.reported, undefined);
});

test('a report over a threshold is one fault, and holds the weight until one that is not', () => {
  const { said, loads, look } = watched();
  loads[0] = { ...idle, memory: 0.97, at: 2_000 };
  look(2_000);
  look(2_100);
  assert.deepEqual(said, ['load since 995: memory 97% > 95%', 'load held']);
  loads[0] = { ...idle, at: 3_000 };
  look(3_000);
  assert.deepEqual(said.slice(2), ['load free']);
});

test('the reports of several processes are one fault a second', () => {
  const { said, loads, look } = watched();
  for (let worker = 0; worker < 4; worker++) {
    loads[worker] = { ...idle, memory: 0.97, at: 2_000 + worker * 100 };
    look(2_000 + worker * 100);
  }
  assert.equal(said.filter((word) => word.startsWith('load since')).length, 1);
  loads[0] = { ...idle, memory: 0.97, at: 3_000 };
  look(3_000);
  assert.equal(said.filter((word) => word.startsWith('load since')).length, 2);
});

test('a delay of the event loop began before it was reported', () => {
  const { said, loads, look } = watched();
  loads[0] = { ...idle, eventLoopDelay: 5_000, at: 10_000 };
  look(10_000);
  assert.deepEqual(said, ['load since 4000: event loop delay 5,000 ms > 1,000', 'load held']);
});
