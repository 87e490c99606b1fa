import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { Incident } from '../cluster.ts';
import { Hearing } from './hearing.ts';

function scene() {
  const clock = new VirtualClock();
  const incidents: Incident[] = [];
  const said: string[] = [];
  const hearing = new Hearing({
    clock,
    now: () => clock.wallTime(),
    onIncident: (incident) => incidents.push(incident),
    say: (sentence) => said.push(sentence),
  });
  return { clock, hearing, incidents, said, began: clock.wallTime() };
}

describe('silence of the API server', () => {
  it('is a word when it does not last', () => {
    const { clock, hearing, incidents, said } = scene();
    hearing.lost('pods', 'it was reset');
    clock.advance(4_900);
    hearing.heard('pods');
    clock.advance(10_000);
    assert.deepEqual([incidents, said], [[], ['it was reset; pods were heard of again after 4.9 s']]);
    assert.equal(clock.pending, 0);
  });

  it('is an incident when it lasts, one for all kinds, from its beginning', () => {
    const { clock, hearing, incidents, said, began } = scene();
    hearing.lost('pods', 'it was reset');
    clock.advance(100);
    hearing.lost('deployments', 'it was reset, too');
    clock.advance(9_000);
    const what = 'it was reset; nothing was heard of pods for 5 s';
    assert.deepEqual(incidents, [{ at: began, what }]);
    for (const kind of ['pods', 'deployments']) hearing.heard(kind);
    assert.deepEqual(said, []);
    hearing.lost('pods', 'again');
    clock.advance(5_000);
    assert.equal(incidents.length, 2, 'the next one counts anew');
  });

  it('of several kinds in turn is not as long as the sum', () => {
    const { clock, hearing, incidents } = scene();
    hearing.lost('pods', 'a');
    clock.advance(3_000);
    hearing.lost('deployments', 'b');
    hearing.heard('pods');
    clock.advance(3_000);
    hearing.heard('deployments');
    assert.deepEqual(incidents, []);
  });

  it('is no matter after the end', () => {
    const { clock, hearing, incidents } = scene();
    hearing.lost('pods', 'a');
    hearing.close();
    clock.advance(10_000);
    assert.deepEqual([incidents, clock.pending], [[], 0]);
  });
});
