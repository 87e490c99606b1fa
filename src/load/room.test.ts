import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertRoom, mostCalls } from './room.ts';
import { parseScenario } from './scenario.ts';

const steady = parseScenario(
  'name: x\nservers: 2\nload: { kind: proof, rate: 100 }\nevents: [{ at: 10s, do: baseline, for: 90s }]',
);

it('a scenario is refused that makes more calls than can be judged', () => {
  // k6 begins with a tenth of the rate; what the last rate makes is what counts.
  const calls = 10_000;
  assertRoom(steady, calls);
  assert.throws(
    () => assertRoom(steady, calls - 600),
    /^Error: the scenario makes about 9,\d{3} calls, and the memory here is enough to judge 9,400: lower its rate, /,
  );
});

it('what users make who call without a pause is not known before', () => {
  const users = parseScenario(
    'name: x\nservers: 2\nload: { kind: capacity, users: 9 }\nevents: [{ at: 1s, do: baseline, for: 9m }]',
  );
  assertRoom(users, 1);
});

it('the heap decides how many calls can be judged', () => {
  const mebibyte = 1024 * 1024;
  assert.equal(mostCalls(96 * mebibyte), 0);
  assert.equal(mostCalls(32 * mebibyte), 0);
  assert.equal(mostCalls(97 * mebibyte), 1024);
  assert.ok(mostCalls() > 50_000, 'with the defaults');
});
