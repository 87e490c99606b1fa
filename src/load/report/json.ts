import { z } from 'zod';
import type { Recording } from '../recording.ts';
import type { Timeline } from '../timeline.ts';
import type { Tally, Verdict } from '../verdict.ts';

const ms = (what: string) => z.number().nullable().describe(`${what}, ms; null where there was none`);
const seconds = (what: string) => z.number().describe(`${what}, seconds since the load began`);

const tally = z
  .object({
    calls: z.int().describe('calls that were sent'),
    right: z.int().describe('the right answer within the deadline'),
    lost: z.int().describe('anything less: an error, silence, too late, an answer that no handler worked out'),
    wrong: z.int().describe('an answer that was not the right one'),
    doubled: z.int().describe('calls that must not run twice, and did'),
    unknown: z.int().describe('such calls that ended in an error that said "it may have run", and ran at most once'),
    cut: z.int().describe('in flight when the load was told to stop: not judged'),
    retried: z.int().describe('calls that were sent to servers more than once'),
    dropped: z.int().describe('calls that were due and never sent'),
  })
  .describe('calls by what became of them');

/** What `evenkeel-report.json` holds. Fields are only ever added; `version` changes when one goes or changes its meaning. */
export const reportSchema = z
  .object({
    version: z.literal(1),
    ok: z.boolean(),
    headline: z.string().describe('the verdict in one line'),
    problems: z
      .array(
        z.object({
          event: z.string().describe('"3 kill -9 1 server", "the start" or "the whole run"'),
          what: z.string(),
        }),
      )
      .describe('why it is not ok; empty if it is'),
    scenario: z.string(),
    began: z.number().describe('when the load began, ms since 1970'),
    generator: z.string().describe('what made the load'),
    environment: z.record(z.string(), z.string()),
    total: tally,
    p50: ms('median latency of all calls'),
    p99: ms('99th percentile of the latency of all calls'),
    events: z.array(
      z.object({
        index: z.int(),
        name: z.string(),
        ok: z.boolean(),
        at: seconds('when it began to bite'),
        settled: z
          .number()
          .nullable()
          .describe('when callers saw exactly the wanted servers, seconds since the load began; null if never'),
        tally: tally,
        p99: z
          .object({
            before: ms('of calls that ended in the 3 s before'),
            during: ms('of calls alive between the event and its settling'),
            after: ms('of calls due between the settling and the next event'),
          })
          .describe('99th percentile of the latency around the event'),
        disturbed: ms('how long the p99 stood above max(1.5 x before, before + 50 ms)'),
        startToFirstCall: ms('from the start of a new server to its first call, the slowest server'),
        registeredToFirstCall: ms('from the moment the registry was seen to hold a new server to its first call'),
        stopToLastCall: ms('from SIGTERM to the last call that began there, the slowest server'),
        inFlight: z.int().nullable().describe('calls that were being worked on in the servers that were hit'),
        proof: z
          .array(z.object({ what: z.string(), holds: z.boolean() }))
          .describe('how it is known that the event happened'),
        problems: z.array(z.string()),
      }),
    ),
    timeline: z.object({
      length: z.number().describe('seconds of load'),
      width: z.number().describe('width of a bucket, seconds'),
      buckets: z.array(
        z.object({
          t: seconds('begin'),
          offered: z.number().describe('calls due, a second'),
          achieved: z.number().describe('right answers, a second'),
          p50: ms('of the calls due in it'),
          p95: ms('of the calls due in it'),
          p99: ms('of the calls due in it'),
          failed: z.int().describe('calls that ended in it otherwise than with the right answer'),
          unknown: z.int().describe('not among failed: see total.unknown'),
          retried: z.int(),
          dropped: z.int(),
        }),
      ),
      replicas: z
        .array(z.object({ t: z.number(), desired: z.int(), ready: z.int(), registered: z.int().nullable() }))
        .describe('a point at each change'),
      weights: z
        .array(
          z.object({
            server: z.string(),
            points: z.array(
              z.object({ t: z.number(), weight: z.number().nullable(), base: z.number(), state: z.string() }),
            ),
          }),
        )
        .describe(
          'weight of each server as the gateway sees it, a point at each change; null while it does not know the server',
        ),
    }),
  })
  .describe("The verdict and the figures of a run: evenkeel-report.json, and report.json of evenkeel's load test.");

export type Report = z.infer<typeof reportSchema>;

/** The report for programs. */
export function report(recording: Recording, verdict: Verdict, timeline: Timeline): Report {
  const { began, scenario, generator, environment } = recording;
  const seconds = (at: number) => (at - began) / 1000;
  return {
    version: 1,
    ok: verdict.ok,
    headline: verdict.headline,
    problems: [...verdict.problems],
    scenario: scenario.name,
    began,
    generator,
    environment: { ...environment },
    total: verdict.total satisfies Tally,
    p50: verdict.p50 ?? null,
    p99: verdict.p99 ?? null,
    events: verdict.events.map(({ event, ok, tally, p99, effects, proof, problems }) => ({
      index: event.index,
      name: event.name,
      ok,
      at: seconds(event.at),
      settled: event.settledAt === undefined ? null : seconds(event.settledAt),
      tally,
      p99: { before: p99.before ?? null, during: p99.during ?? null, after: p99.after ?? null },
      disturbed: effects.disturbed ?? null,
      startToFirstCall: effects.startToFirstCall ?? null,
      registeredToFirstCall: effects.registeredToFirstCall ?? null,
      stopToLastCall: effects.stopToLastCall ?? null,
      inFlight: effects.inFlight ?? null,
      proof: [...proof],
      problems: [...problems],
    })),
    timeline: {
      length: timeline.length,
      width: timeline.width,
      buckets: timeline.buckets.map(({ p50, p95, p99, ...rest }) => {
        return { ...rest, p50: p50 ?? null, p95: p95 ?? null, p99: p99 ?? null };
      }),
      replicas: timeline.replicas.map((point) => ({ ...point, registered: point.registered ?? null })),
      weights: timeline.weights.map(({ server, points }) => ({
        server,
        points: points.map((point) => ({ ...point, weight: point.weight ?? null })),
      })),
    },
  };
}

/** The schema as JSON Schema: what loadtest/report.schema.json holds. */
export function reportJsonSchema(): unknown {
  return z.toJSONSchema(reportSchema);
}
