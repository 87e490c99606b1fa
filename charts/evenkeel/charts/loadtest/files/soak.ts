/**
 * Moderate load for a long time through a gateway of the demonstration service: what leaks or grows shows. Open model: calls
 * come at their rate whatever became of those before. For `k6 run loadtest/soak.ts`, on k6 1.8 and 2.x. Fails (exit code 99) for
 * one call that failed, one wrong digit, one call that was due and not made, and for being slow.
 *
 * Settings, as environment variables (`k6 run -e RATE=50 ...`):
 *
 *   URL       the gateway                                    http://127.0.0.1:8080
 *   RATE      calls a second                                 50
 *   DURATION  seconds                                        600
 *   N         pi(N) .. pi(N + 6) are asked for in turn       93
 *   DEADLINE  milliseconds a call may take                   5000
 *   P95, P99  milliseconds that so many % of the calls are to take less than    500, 1000
 *   CONCURRENCY  how many calls may be without an answer at once; above it calls are dropped, and the run has failed.
 *             Default: as many as come within DEADLINE + 1 s
 */
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import {
  checkedCall,
  concurrency,
  mixedCall,
  number,
  rightAnswers,
  summaryTrendStats,
  systemTags,
  thresholds,
  whole,
} from './shared.ts';

const rate = whole('RATE', 50, 1);
const seconds = number('DURATION', 600, 1);

export const options: Options = {
  scenarios: {
    soak: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${seconds}s`,
      ...concurrency(rate),
      gracefulStop: '6s',
    },
  },
  systemTags,
  summaryTrendStats,
  thresholds: thresholds(500, 1000),
};

export const setup = rightAnswers;

export default function (answers: number[]): void {
  checkedCall(mixedCall(exec.scenario.iterationInTest, answers));
}
