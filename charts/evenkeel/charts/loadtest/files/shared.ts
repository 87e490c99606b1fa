/**
 * What the scripts beside this one share: settings, calls through a gateway, and what their answers are worth. k6 takes it by
 * its relative path, from a ConfigMap too.
 */
import { check } from 'k6';
import http, { type Params, type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';

/** Different values of n in turn: an answer that belongs to another call shows as a wrong digit. */
const spreadOfN = 7;
/** The largest n that the demonstration service takes. */
const mostN = 1e8;

/** A setting as text; undefined where it is not set, or to nothing. */
export function setting(name: string): string | undefined {
  const text = __ENV[name];
  return text === undefined || text === '' ? undefined : text;
}

/** A setting that is a number. Throws a sentence that says what is allowed. */
export function number(name: string, byDefault: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const text = setting(name);
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new Error(`${name}="${text}": expected a number ${range}`);
}

/** The same for one that has no fractions. */
export function whole(name: string, byDefault: number, least: number, most?: number): number {
  const value = number(name, byDefault, least, most);
  if (Number.isInteger(value)) return value;
  throw new Error(`${name}="${setting(name)}": expected a whole number`);
}

/** A setting that is one of these words, the first by default. */
export function word<const T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
  const text = setting(name);
  if (text === undefined) return allowed[0];
  const found = allowed.find((each) => each === text);
  if (found === undefined) throw new Error(`${name}="${text}": expected one of ${allowed.join(', ')}`);
  return found;
}

/** Base URL of the gateway, without a slash at its end. */
export const url = gateway();
/** Milliseconds a call may take. */
export const deadline = whole('DEADLINE', 5000, 1);
/** pi(base) .. pi(base + 6) are asked for. */
const base = whole('N', 93, 0, mostN - spreadOfN + 1);

function gateway(): string {
  const text = setting('URL') ?? 'http://127.0.0.1:8080';
  if (/^https?:\/\/[^/\s]+/.test(text)) return text.replace(/\/+$/, '');
  throw new Error(`URL="${text}": expected the URL of a gateway, such as http://127.0.0.1:8080`);
}

/** The tags that tell a failure; each one more makes every sample longer. */
export const systemTags: NonNullable<Options['systemTags']> = [
  'status',
  'method',
  'name',
  'scenario',
  'error_code',
  'check',
];
export const summaryTrendStats = ['min', 'med', 'p(95)', 'p(99)', 'max'];

/** Fail the whole run for one call that failed, one wrong digit, one call that was due and not made, and for being slow. */
export function thresholds(p95: number, p99: number): NonNullable<Options['thresholds']> {
  return {
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    evenkeel_call: [`p(95)<${number('P95', p95, 1)}`, `p(99)<${number('P99', p99, 1)}`],
  };
}

/**
 * How many calls may be without an answer at once: all that come within a deadline and a second. Above it k6 drops calls, which is
 * judged. It begins with as many as come in two seconds: to make them while it runs takes it a moment each.
 */
export function concurrency(callsPerSecond: number): { preAllocatedVUs: number; maxVUs: number } {
  const maxVUs = whole('CONCURRENCY', Math.ceil(Math.max(20, callsPerSecond * (deadline / 1000 + 1))), 1);
  return { maxVUs, preAllocatedVUs: Math.min(maxVUs, Math.ceil(Math.max(20, 2 * callsPerSecond))) };
}

export const sentCounter = new Counter('evenkeel_sent');
/** How long calls took, whatever came of them. */
export const callTrend = new Trend('evenkeel_call', true);

/** One call, and what its answer has to be. */
export interface Call {
  method: string;
  input: unknown;
  expected: unknown;
}

/** Of calls in turn, the one with this number: pi of that n. */
export function piCall(index: number, answers: readonly number[]): Call {
  return { method: 'pi', input: base + (index % spreadOfN), expected: answers[index % spreadOfN] };
}

/** Of calls in turn, the one with this number: of ten, eight are for pi, and the two other methods of the service get one each. */
export function mixedCall(index: number, answers: readonly number[]): Call {
  if (index % 10 === 3) return { method: 'ping', input: { index }, expected: { index } };
  if (index % 10 === 7) return { method: 'divide', input: { a: index, b: 8 }, expected: index / 8 };
  return piCall(index, answers);
}

/**
 * The right answers, for `setup`: once for all callers, as for a large n it takes k6 longer than a server. Worked out here, from
 * the formula: what is under test is not asked what is right.
 */
export function rightAnswers(): number[] {
  const answers: number[] = [];
  let sum = 0;
  for (let i = 0; i < base + spreadOfN; i++) {
    sum += 1 / (2 * i + 1) ** 2;
    if (i >= base) answers.push(Math.sqrt(8 * sum));
  }
  return answers;
}

/** Makes a call; `more` adds to the request. */
export function post({ method, input }: Pick<Call, 'method' | 'input'>, more: Params = {}): RefinedResponse<'text'> {
  return http.post(`${url}/call/${method}`, JSON.stringify(input), {
    tags: { name: method },
    // The gateway answers within the deadline; half a second more and nobody is there.
    timeout: deadline + 500,
    ...more,
    headers: { 'content-type': 'application/json', 'evenkeel-deadline-ms': String(deadline), ...more.headers },
  }) as RefinedResponse<'text'>;
}

/** Makes a call, and checks and measures it. */
export function checkedCall(call: Call): void {
  const began = now();
  const response = post(call);
  const { outcome } = judge(response, call.expected);
  callTrend.add(now() - began, { call: call.method, outcome });
  check(outcome, { 'the answer is right': (word) => word === 'ok' });
}

interface ErrorBody {
  code?: string;
  reason?: string | null;
  mayHaveExecuted?: boolean;
}

/** What an answer was worth: ok, WRONG, or the code of the error. */
export function judge(
  response: RefinedResponse<'text'>,
  expected: unknown,
): { outcome: string; mayHaveExecuted: boolean } {
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
  if (typeof expected !== 'number') return JSON.stringify(value) === JSON.stringify(expected);
  return typeof value === 'number' && Math.abs(value - expected) <= 1e-12 * Math.abs(expected);
}

export function now(): number {
  // biome-ignore lint/style/noRestrictedGlobals: k6 is another program, and this is the only clock that it has.
  return Date.now();
}
