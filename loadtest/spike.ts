/**
 * A sudden tenfold load, and back, through a gateway of the demonstration service: are calls lost, and how slow do they get? Open
 * model: calls come at their rate whatever became of those before. For `k6 run loadtest/spike.ts`, on k6 1.8 and 2.x. Fails (exit
 * code 99) for one call that failed, one wrong digit, one call that was due and not made, and for being slow.
 *
 * Settings, as environment variables (`k6 run -e RATE=20 ...`):
 *
 *   URL       the gateway                                    http://127.0.0.1:8080
 *   RATE      calls a second before and after                20
 *   FACTOR    how many times that at the peak                10
 *   BEFORE    seconds before                                 20
 *   PEAK      seconds at the peak                            20
 *   AFTER     seconds after                                  20
 *   N         pi(N) .. pi(N + 6) are asked for in turn       93
 *   DEADLINE  milliseconds a call may take                   5000
 *   P95, P99  milliseconds that so many % of the calls are to take less than    1000, 2500
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

const rate = whole('RATE', 20, 1);
const peak = Math.round(rate * number('FACTOR', 10, 1, 1000));
const constant = (target: number, seconds: number) => ({ target, duration: `${seconds}s` });

export const options: Options = {
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: rate,
      timeUnit: '1s',
      ...concurrency(peak),
      gracefulStop: '6s',
      stages: [
        constant(rate, number('BEFORE', 20, 0)),
        constant(peak, 0),
        constant(peak, number('PEAK', 20, 1)),
        constant(rate, 0),
        constant(rate, number('AFTER', 20, 0)),
      ],
    },
  },
  systemTags,
  summaryTrendStats,
  thresholds: thresholds(1000, 2500),
};

export const setup = rightAnswers;

export default function (answers: number[]): void {
  checkedCall(mixedCall(exec.scenario.iterationInTest, answers));
}
