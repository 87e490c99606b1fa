import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { refusalsByHeadCount } from './head-count.ts';
import { parseScenario } from './scenario.ts';

const folder = new URL('../../loadtest/scenarios/', import.meta.url);

/** Of a scenario that begins with two servers. */
const refusals = (...events: string[]) =>
  refusalsByHeadCount(
    parseScenario(
      `name: x\nservers: 2\nload: { kind: proof, rate: 5 }\nevents: [${events.map((text) => `{ at: 1s, ${text} }`).join(', ')}]`,
    ),
  );

describe('the number of servers along a scenario', () => {
  it('is enough for as many as are hit, and not for one more', () => {
    for (const fault of ['do: kill', 'do: freeze, for: 1s']) {
      assert.deepEqual(refusals(`${fault}, count: 2`), [undefined]);
      assert.deepEqual(refusals(`${fault}, count: 3`), ['there will be 2 servers to choose from']);
    }
  });

  it('is that which was ordered last; who was killed comes back', () => {
    assert.deepEqual(
      refusals(
        'do: kill',
        'do: kill, count: 2',
        'do: scale, to: 5',
        'do: kill, count: 5',
        'do: scale, to: 1',
        'do: kill',
      ),
      [undefined, undefined, undefined, undefined, undefined, undefined],
    );
    assert.deepEqual(refusals('do: scale, to: 1, how: gradual', 'do: kill, count: 2'), [
      undefined,
      'there will be 1 server to choose from',
    ]);
  });

  it('is not reached by a scaling to what there is already: that proves nothing', () => {
    assert.deepEqual(refusals('do: scale, to: 2', 'do: scale, to: 3', 'do: scale, to: 3, how: gradual'), [
      'there will be 2 servers already',
      undefined,
      'there will be 3 servers already',
    ]);
  });

  it('is not known where an autoscaler chooses it', () => {
    assert.deepEqual(refusals('do: kill, count: 3', 'do: hpa, to: 3', 'do: scale, to: 2'), [
      undefined,
      undefined,
      undefined,
    ]);
  });

  for (const name of readdirSync(folder)) {
    it(`is right in ${name}`, () => {
      const scenario = parseScenario(readFileSync(new URL(name, folder), 'utf8'), name);
      assert.deepEqual(
        refusalsByHeadCount(scenario).filter((why) => why !== undefined),
        [],
      );
    });
  }
});
