/** The judge of the fault tests: what it holds for lost, doubled, untrue and unknown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RpcError } from '../src/core/error.ts';
import { judge, type Kind, type Sent } from './faults/load.ts';

const lost = (mayHaveExecuted: boolean) => new RpcError('UNAVAILABLE', 'gone', { stage: 'sent', mayHaveExecuted });

/** One call that ended so, and ran so often. */
function verdict(kind: Kind, outcome: number | RpcError, ran: number) {
  const sent: Sent = { id: 'x', kind, intended: 0, ended: 1, outcome };
  const lines = Array.from({ length: ran }, () => ({ id: 'x', pid: 7 }));
  const executions = new Map(ran === 0 ? [] : [['x', lines.map(({ pid }) => pid)]]);
  const { lost, doubled, lies, unknown } = judge([sent], { executions, lines });
  return `lost ${lost.length}, doubled ${doubled.length}, lies ${lies.length}, unknown ${unknown}`;
}

describe('the judge of the fault tests', () => {
  const cases: [Kind, number | RpcError, number, string][] = [
    ['read', 7, 1, 'lost 0, doubled 0, lies 0, unknown 0'],
    ['read', 7, 2, 'lost 0, doubled 0, lies 0, unknown 0'],
    ['keyed', 7, 2, 'lost 0, doubled 0, lies 0, unknown 0'],
    ['write', 7, 1, 'lost 0, doubled 0, lies 0, unknown 0'],
    ['write', 7, 2, 'lost 0, doubled 1, lies 0, unknown 0'],
    ['write', 7, 0, 'lost 0, doubled 0, lies 1, unknown 0'],
    ['read', lost(true), 0, 'lost 1, doubled 0, lies 0, unknown 0'],
    ['keyed', lost(true), 1, 'lost 1, doubled 0, lies 0, unknown 0'],
    ['write', lost(true), 0, 'lost 0, doubled 0, lies 0, unknown 1'],
    ['write', lost(true), 1, 'lost 0, doubled 0, lies 0, unknown 1'],
    ['write', lost(true), 2, 'lost 0, doubled 1, lies 0, unknown 1'],
    ['write', lost(false), 0, 'lost 1, doubled 0, lies 0, unknown 0'],
    ['write', lost(false), 1, 'lost 1, doubled 0, lies 1, unknown 0'],
  ];
  for (const [kind, outcome, ran, expected] of cases) {
    const end = typeof outcome === 'number' ? 'an answer' : `an error, may have run: ${outcome.mayHaveExecuted}`;
    it(`${kind} with ${end}, ran ${ran} times: ${expected}`, () => assert.equal(verdict(kind, outcome, ran), expected));
  }
});
