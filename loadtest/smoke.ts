/**
 * A few calls of each kind through a gateway of the demonstration service, in some seconds: is all of it there, and right?
 * For `k6 run loadtest/smoke.ts`, on k6 1.8 and 2.x. Fails (exit code 99) when anything is not as it must be.
 *
 * Settings, as environment variables (`k6 run -e URL=http://gateway:8080 ...`):
 *
 *   URL       the gateway                                    http://127.0.0.1:8080
 *   ROUNDS    how often each kind of call is made            5
 *   N         pi(N) .. pi(N + 6) are asked for in turn       93
 *   DEADLINE  milliseconds a call may take                   5000
 *   P95, P99  milliseconds that so many % of the calls are to take less than    2000, 5000
 */
import { check, group } from 'k6';
import exec from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import type { Options } from 'k6/options';
import {
  type Call,
  checkedCall,
  deadline,
  judge,
  piCall,
  post,
  rightAnswers,
  summaryTrendStats,
  systemTags,
  thresholds,
  url,
  whole,
} from './shared.ts';

const rounds = whole('ROUNDS', 5, 1, 10_000);

export const options: Options = {
  scenarios: {
    smoke: { executor: 'shared-iterations', vus: Math.min(2, rounds), iterations: rounds, maxDuration: '2m' },
  },
  systemTags: [...systemTags, 'group'],
  summaryTrendStats,
  thresholds: thresholds(2000, 5000),
};

export const setup = rightAnswers;

/** What is wrong with a call has an answer of its own, which is no failure of HTTP here. */
function refused(call: Pick<Call, 'method' | 'input'>, status: number, code: string): void {
  const response = post(call, { responseCallback: http.expectedStatuses(status) });
  check(judge(response, undefined).outcome, { 'an error says what was wrong': (word) => word.split('/')[0] === code });
  check(response.status, { 'an error has the status of its code': (it) => it === status });
}

export default function (answers: number[]): void {
  const index = exec.scenario.iterationInTest;
  const text = `grüße ${index}`;
  group('ping', () => checkedCall({ method: 'ping', input: [text, 2.5, null], expected: [text, 2.5, null] }));
  group('pi', () => {
    for (let each = 0; each < 7; each++) checkedCall(piCall(each, answers));
  });
  group('divide', () => {
    checkedCall({ method: 'divide', input: { a: index, b: 8 }, expected: index / 8 });
    checkedCall({ method: 'divide', input: { a: 7 }, expected: 7 });
  });
  group('a call by GET', () => {
    const { input, expected } = piCall(index, answers);
    const at = `${url}/call/pi?input=${input}`;
    const response = http.get(at, { tags: { name: 'pi by GET' }, timeout: deadline + 500 }) as RefinedResponse<'text'>;
    check(judge(response, expected).outcome, { 'the answer is right': (word) => word === 'ok' });
  });
  group('an answer says who gave it', () => {
    const { headers } = post(piCall(index, answers));
    check(headers, {
      'an answer names its node': (all) => all['Evenkeel-Node'] !== undefined,
      'an answer says after how many attempts': (all) => Number(all['Evenkeel-Attempts']) >= 1,
    });
  });
  group('errors', () => {
    refused({ method: 'divide', input: { a: 1, b: 0 } }, 400, 'INVALID_ARGUMENT');
    refused({ method: 'pi', input: 'many' }, 400, 'INVALID_ARGUMENT');
    refused({ method: 'no-such-method', input: null }, 501, 'UNIMPLEMENTED');
  });
}
