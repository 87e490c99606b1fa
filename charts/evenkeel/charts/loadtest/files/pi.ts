/**
 * Load on pi through a gateway, for plain `k6 run loadtest/pi.ts` against any gateway as well as for `evenkeel demo`
 * and `evenkeel loadtest`, which read the samples named `evenkeel_*`. Runs on k6 1.8 and 2.x.
 *
 * Settings, as environment variables (`k6 run -e RATE=100 ...`):
 *
 *   URL       the gateway                                            http://127.0.0.1:8080
 *   KIND      proof: open model, a rate; capacity: closed model, users    proof
 *   RATE      proof: calls a second                                  100
 *   DURATION  seconds                                                30
 *   STAGES    proof: JSON [{"target": calls/s, "duration": ms}], from RATE on; instead of DURATION
 *   USERS     capacity: how many call without a pause                10
 *   N         pi(N) .. pi(N + 6) are asked for in turn               93
 *   UNSAFE    share of calls that must not run twice (method append, which `serve recorded-pi` has)   0
 *   DEADLINE  milliseconds a call may take                           5000
 *   P95, P99  milliseconds that so many % of the calls are to take less than    5000, 5000
 *   RUN       prefix of the calls' ids                               k6
 *   CONCURRENCY  proof: how many calls may be without an answer at once; above it calls are dropped, and the run has failed.
 *             Default: as many as come within DEADLINE + 1 s
 */
import { check } from 'k6';
import exec from 'k6/execution';
import type { Params } from 'k6/http';
import type { Options, Scenario } from 'k6/options';
import {
  type Call,
  callTrend,
  concurrency,
  judge,
  now,
  number,
  piCall,
  post,
  rightAnswers,
  sentCounter,
  setting,
  summaryTrendStats,
  systemTags,
  thresholds,
  whole,
  word,
} from './shared.ts';

interface Stage {
  target: number;
  duration: number;
}

const kind = word('KIND', ['proof', 'capacity']);
const run = setting('RUN') ?? 'k6';
const unsafeShare = number('UNSAFE', 0, 0, 1);
const seconds = number('DURATION', 30, 0.1);
const rate = number('RATE', 100, 1);
const stages = readStages() ?? [{ target: rate, duration: seconds * 1000 }];
const highest = Math.max(rate, ...stages.map((stage) => stage.target));

const scenario: Scenario =
  kind === 'capacity'
    ? { executor: 'constant-vus', vus: whole('USERS', 10, 1), duration: `${seconds}s`, gracefulStop: '6s' }
    : {
        executor: 'ramping-arrival-rate',
        startRate: Math.round(rate),
        timeUnit: '1s',
        // A second of stall needs as many as there are calls in it.
        ...concurrency(highest),
        gracefulStop: '6s',
        stages: stages.map((stage) => ({
          target: Math.round(stage.target),
          duration: `${Math.round(stage.duration)}ms`,
        })),
      };

export const options: Options = {
  scenarios: { pi: scenario },
  systemTags,
  summaryTrendStats,
  thresholds: thresholds(5000, 5000),
};

/** `null` keeps a response out of http_req_failed; the types of k6 do not know it. */
const notJudged = { responseCallback: null as unknown as NonNullable<Params['responseCallback']> };

export const setup = rightAnswers;

export default function (answers: number[]): void {
  const index = exec.scenario.iterationInTest;
  const id = `${run}-${index}`;
  // Spread evenly by the fractional part: the same calls are the unsafe ones in every generator.
  const unsafe = unsafeShare > 0 && Math.floor((index + 1) * unsafeShare) > Math.floor(index * unsafeShare);
  const call: Call = unsafe ? { method: 'append', input: id, expected: id } : piCall(index, answers);
  const facts = exec.vu.metrics.metadata;
  for (const key of Object.keys(facts)) delete facts[key];
  facts.id = id;

  const began = now();
  facts.began = String(began);
  facts.start = String(exec.scenario.startTime);
  sentCounter.add(1, { call: call.method });
  const response = post(call, {
    headers: { 'evenkeel-meta-call-id': id },
    // An unsafe call may end in "it may have run": that is an honest answer, counted apart, not a failure of HTTP.
    ...(unsafe && notJudged),
  });
  const took = now() - began;
  const { outcome, mayHaveExecuted } = judge(response, call.expected);
  check(outcome, { 'the answer is right': (word) => word === 'ok' || (unsafe && mayHaveExecuted) });
  facts.node = String(response.headers['Evenkeel-Node'] ?? '');
  facts.attempts = String(response.headers['Evenkeel-Attempts'] ?? '1');
  if (mayHaveExecuted) facts.mayHaveExecuted = '1';
  callTrend.add(took, { call: call.method, outcome });
}

function readStages(): Stage[] | undefined {
  const text = setting('STAGES');
  if (text === undefined) return undefined;
  const wanted = 'expected JSON such as [{"target": 100, "duration": 5000}]';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`STAGES="${text}": ${wanted}`);
  }
  const right = (one: Partial<Stage> | null) => Number(one?.target) >= 0 && Number(one?.duration) >= 0;
  if (!Array.isArray(value) || value.length === 0 || !value.every(right))
    throw new Error(`STAGES="${text}": ${wanted}`);
  return value as Stage[];
}
