import { z } from 'zod';

const ms = (what: string) => z.number().nullable().describe(`${what}, ms; null where there was none`);
/** Of reports that were made before there was such a field, it is null. */
const published = z
  .int()
  .nullable()
  .default(null)
  .describe('those that EndpointSlices name as ready; null where, and while, these cannot be read');
const seconds = (what: string) => z.number().describe(`${what}, seconds since the load began`);

const tally = z
  .object({
    calls: z.int().describe('calls that were sent'),
    right: z.int().describe('the right answer within the deadline'),
    lost: z.int().describe('anything less: an error, silence, too late, an answer that no handler worked out'),
    wrong: z.int().describe('an answer that was not the right one'),
    doubled: z.int().describe('calls that must not run twice, and did'),
    unknown: z.int().describe('such calls that ended in an error that said "it may have run", and ran at most once'),
    unverified: z.int().describe('calls of which it is not known how often they ran: notes of handlers are missing'),
    cut: z.int().describe('in flight when the load was told to stop: not judged'),
    retried: z.int().describe('calls that were sent to servers more than once'),
    dropped: z.int().describe('calls that were due and never sent'),
  })
  .describe('calls by what became of them');

const usage = z.object({
  memory: z.number().describe('resident memory of all processes, bytes; of a JVM what it uses'),
  descriptors: z.number().describe('open file descriptors'),
  series: z.number().describe('metric series'),
});

/** What `evenkeel-report.json` holds. Fields are only ever added; `version` changes when one goes or changes its meaning. */
export const reportSchema = z
  .object({
    version: z.literal(1),
    ok: z.boolean(),
    outcome: z
      .enum(['passed', 'failed', 'unfinished'])
      .describe('unfinished: ended early, and until then nothing is known against it; ok is true for passed alone'),
    headline: z.string().describe('the verdict in one line'),
    problems: z
      .array(
        z.object({
          event: z.string().describe('"3 kill -9 1 server", "the start" or "the whole run"'),
          what: z.string(),
        }),
      )
      .describe('why it is not ok; empty if it is'),
    notes: z.array(z.string()).describe('what a reader should know, though the verdict does not depend on it'),
    unplayed: z.array(z.string()).describe('events of the scenario that the run did not come to'),
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
        do: z.string().describe('the kind of the event, as in the scenario'),
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
        readyToFirstCall: ms('from the moment a new server was seen to be ready to its first call'),
        stopToLastCall: ms('from SIGTERM to the last call that began there, the slowest server'),
        stopToUnregistered: ms('from SIGTERM until the registry did not hold it any more, the slowest server').default(
          null,
        ),
        stopToUnpublished: ms(
          'from SIGTERM until EndpointSlices did not name it as ready any more, the slowest server',
        ).default(null),
        inFlight: z.int().nullable().describe('calls that were being worked on in the servers that were hit'),
        autoscaling: z
          .object({
            direction: z.enum(['up', 'down']).describe('whether there were to be more servers, or fewer'),
            since: seconds('when the load that it answers began to change'),
            firstChange: ms('from then to the first server more or less that was ready'),
            reached: ms('from then until as many as expected were ready'),
            overshoot: z.int().describe('servers beyond what was expected, at most'),
          })
          .nullable()
          .describe('how the autoscaler followed the load; null for events that are not about it'),
        proof: z
          .array(z.object({ what: z.string(), holds: z.boolean() }))
          .describe('how it is known that the event happened'),
        problems: z.array(z.string()),
      }),
    ),
    capacity: z
      .object({
        points: z.array(
          z.object({
            servers: z.int(),
            rate: z.number().describe('right answers a second, over all plateaus with so many servers'),
            efficiency: z.number().describe('(rate / servers) / (the same with the fewest servers): 1 is the ideal'),
            seconds: z.number().describe('how long it was measured'),
          }),
        ),
        plateaus: z
          .array(
            z.object({
              from: seconds('begin'),
              until: seconds('end'),
              servers: z.int(),
              rate: z.number(),
              p50: ms('of the calls that ended in it'),
              p99: ms('of the calls that ended in it'),
            }),
          )
          .describe('times with always the same servers, all with their whole weight, and nothing being done'),
        fullFrom: z.int().nullable().describe('the fewest servers with an efficiency under 0.9; null if it never was'),
      })
      .nullable()
      .describe('throughput against servers; null unless the load was of kind capacity'),
    usage: z
      .array(
        z.object({
          pod: z.string(),
          component: z.string().describe('server, gateway or zookeeper'),
          seconds: z.number().describe('how long it was looked at, its first minute left out'),
          early: usage.describe('the least in the first third of that time'),
          late: usage.describe('the least in the last third'),
          judged: z
            .boolean()
            .describe('false where there were more servers or calls in the end: then more is no growth'),
          grew: z.array(z.enum(['memory', 'descriptors', 'series'])).describe('what was not flat'),
        }),
      )
      .default([])
      .describe('what pods took that were there for four minutes or longer; empty in shorter runs and older reports'),
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
        .array(z.object({ t: z.number(), desired: z.int(), ready: z.int(), registered: z.int().nullable(), published }))
        .describe('a point at each change'),
      gateways: z
        .array(z.object({ t: z.number(), desired: z.int(), ready: z.int(), published }))
        .describe('a point at each change; empty where there was one all the time'),
      autoscaler: z
        .array(z.object({ t: z.number(), min: z.int(), max: z.int(), desired: z.int() }))
        .describe(
          'the bounds within which it may choose, and what it wants; a point at each change; empty where there is none',
        ),
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

/** The schema as JSON Schema: what loadtest/report.schema.json holds. */
export function reportJsonSchema(): unknown {
  return z.toJSONSchema(reportSchema);
}

/** Reads a report. Throws one sentence when it is none, with the source named. */
export function parseReport(text: string, source: string): Report {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${source} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const version = (data as { version?: unknown } | null)?.version;
  if (version !== 1) {
    throw new Error(
      `${source} is no report that can be read here: its version is ${JSON.stringify(version) ?? 'missing'}, not 1`,
    );
  }
  const result = reportSchema.safeParse(data);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new Error(`${source} is no report: ${path.join('.') || 'the file'}: ${message}`);
}
