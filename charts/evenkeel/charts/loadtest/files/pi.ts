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
 *   UNSAFE    share of calls that must not run twice (method append) 0
 *   DEADLINE  milliseconds a call may take                           5000
 *   RUN       prefix of the calls' ids                               k6
 */
import { check } from 'k6';
import exec from 'k6/execution';
import http, { type Params, type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import type { Options, Scenario } from 'k6/options';

const url = __ENV.URL ?? 'http://127.0.0.1:8080';
const run = __ENV.RUN ?? 'k6';
const base = number('N', 93);
const deadline = number('DEADLINE', 5000);
const unsafeShare = number('UNSAFE', 0);
const stages = __ENV.STAGES ? (JSON.parse(__ENV.STAGES) as { target: number; duration: number }[]) : undefined;
const rate = number('RATE', 100);
const highest = Math.max(rate, ...(stages ?? []).map((stage) => stage.target));

/** So many calls may be without an answer at once: all of a deadline's time. Above it k6 drops calls, which is judged. */
const concurrency = Math.ceil(Math.max(20, highest * (deadline / 1000 + 1)));

const scenario: Scenario =
  __ENV.KIND === 'capacity'
    ? { executor: 'constant-vus', vus: number('USERS', 10), duration: `${number('DURATION', 30)}s`, gracefulStop: '6s' }
    : {
        executor: 'ramping-arrival-rate',
        startRate: Math.round(rate),
        timeUnit: '1s',
        // k6 makes more while it runs, up to the limit below: a second of stall needs as many as there are calls in it.
        preAllocatedVUs: Math.ceil(Math.max(20, highest)),
        maxVUs: concurrency,
        gracefulStop: '6s',
        stages: (stages ?? [{ target: rate, duration: number('DURATION', 30) * 1000 }]).map((stage) => ({
          target: Math.round(stage.target),
          duration: `${Math.round(stage.duration)}ms`,
        })),
      };

export const options: Options = {
  scenarios: { pi: scenario },
  // The tags that tell a failure; each one more makes every sample longer.
  systemTags: ['status', 'method', 'name', 'scenario', 'error_code'],
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: {
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    evenkeel_call: ['p(99)<5000'],
  },
};

/** `null` keeps a response out of http_req_failed; the types of k6 do not know it. */
const notJudged = { responseCallback: null as unknown as NonNullable<Params['responseCallback']> };

const sentCounter = new Counter('evenkeel_sent');
const callTrend = new Trend('evenkeel_call', true);

/** The right answers, once for all callers: for a large N each takes k6 longer than a server. */
export function setup(): number[] {
  return Array.from({ length: 7 }, (_, index) => pi(base + index));
}

export default function (answers: number[]): void {
  const index = exec.scenario.iterationInTest;
  // Spread evenly by the fractional part: the same calls are the unsafe ones in every generator.
  const unsafe = unsafeShare > 0 && Math.floor((index + 1) * unsafeShare) > Math.floor(index * unsafeShare);
  const method = unsafe ? 'append' : 'pi';
  const input = unsafe ? `${run}-${index}` : base + (index % 7);
  const facts = exec.vu.metrics.metadata;
  for (const key of Object.keys(facts)) delete facts[key];
  facts.id = `${run}-${index}`;

  const began = now();
  facts.began = String(began);
  facts.start = String(exec.scenario.startTime);
  sentCounter.add(1, { call: method });
  const response = http.post(`${url}/call/${method}`, JSON.stringify(input), {
    headers: {
      'content-type': 'application/json',
      'evenkeel-deadline-ms': String(deadline),
      'evenkeel-meta-call-id': facts.id,
    },
    tags: { name: method },
    timeout: deadline + 500,
    // An unsafe call may end in "it may have run": that is an honest answer, counted apart, not a failure of HTTP.
    ...(unsafe && notJudged),
  });
  const took = now() - began;
  const { outcome, mayHaveExecuted } = judge(response, unsafe ? input : answers[index % 7]);
  check(outcome, { 'the answer is right': (word) => word === 'ok' || (unsafe && mayHaveExecuted) });
  facts.node = String(response.headers['Evenkeel-Node'] ?? '');
  facts.attempts = String(response.headers['Evenkeel-Attempts'] ?? '1');
  if (mayHaveExecuted) facts.mayHaveExecuted = '1';
  callTrend.add(took, { call: method, outcome });
}

interface ErrorBody {
  code?: string;
  reason?: string | null;
  mayHaveExecuted?: boolean;
}

/** What the answer was worth: ok, WRONG, or the code of the error. */
function judge(response: RefinedResponse<'text'>, expected: unknown): { outcome: string; mayHaveExecuted: boolean } {
  if (response.status === 0) return { outcome: `NO_ANSWER/${response.error_code}`, mayHaveExecuted: false };
  let body: unknown;
  try {
    body = JSON.parse(response.body ?? '');
  } catch {
    return { outcome: `HTTP_${response.status}`, mayHaveExecuted: false };
  }
  if (response.status === 200) return { outcome: same(body, expected) ? 'ok' : 'WRONG', mayHaveExecuted: false };
  const error = (body as { error?: ErrorBody } | null)?.error;
  const code = error?.code ?? `HTTP_${response.status}`;
  return {
    outcome: error?.reason ? `${code}/${error.reason}` : code,
    mayHaveExecuted: error?.mayHaveExecuted === true,
  };
}

function same(value: unknown, expected: unknown): boolean {
  if (typeof expected !== 'number') return value === expected;
  return typeof value === 'number' && Math.abs(value - expected) <= 1e-12 * Math.abs(expected);
}

/** Worked out here, from the formula: what is under test is not asked what is right. */
function pi(n: number): number {
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += 1 / (2 * i + 1) ** 2;
  return Math.sqrt(8 * sum);
}

function number(name: string, byDefault: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}="${text}": expected a number >= 0`);
  return value;
}

function now(): number {
  // biome-ignore lint/style/noRestrictedGlobals: k6 is another program, and this is the only clock that it has.
  return Date.now();
}
