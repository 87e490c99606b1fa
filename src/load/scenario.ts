import { parse } from 'yaml';
import { z } from 'zod';
import { spreadOfN } from './plan.ts';

/** A length of time as people write it: `500ms`, `10s`, `2m`. Becomes milliseconds. */
const duration = z
  .string('expected a time such as "500ms", "10s" or "2m"')
  .regex(/^\d+(\.\d+)?(ms|s|m)$/, 'expected a time such as "500ms", "10s" or "2m"')
  .transform((text) => Number.parseFloat(text) * (text.endsWith('ms') ? 1 : text.endsWith('s') ? 1000 : 60_000));

function whole(least: number, most: number) {
  const message = `expected a whole number ${least}..${most}`;
  return z.int(message).min(least, message).max(most, message);
}

const share = z.number('expected a number 0..1').min(0, 'expected a number 0..1').max(1, 'expected a number 0..1');

/** What every event has. */
const common = {
  /** When: so long after the event before has settled, or after the load began. */
  at: duration,
  /** How long it may take to settle. Default: the scenario's. */
  patience: duration.optional(),
};
/** So many servers at once. */
const servers = whole(1, 100);
const target = z.literal('server').default('server');

const events = {
  scale: z
    .strictObject({
      ...{ ...common, do: z.literal('scale'), to: whole(0, 100) },
      how: z.enum(['abrupt', 'gradual'], 'expected abrupt or gradual').default('abrupt'),
      every: duration.optional(),
    })
    .refine(({ how, every }) => how === 'gradual' || every === undefined, {
      message: '"every" goes with "how: gradual" alone',
    })
    .transform(({ how, every = 5000, ...rest }) => ({
      ...rest,
      /** All at once, or one server every so many ms. */
      pace: how === 'gradual' ? { how, every } : { how },
    })),
  rolling: z.strictObject({ ...common, do: z.literal('rolling'), target }),
  kill: z.strictObject({ ...common, do: z.literal('kill'), target, count: servers.default(1) }),
  freeze: z.strictObject({ ...common, do: z.literal('freeze'), target, count: servers.default(1), for: duration }),
  drain: z.strictObject({ ...common, do: z.literal('drain') }),
  gateway: z.strictObject({ ...common, do: z.literal('gateway') }),
  hpa: z.strictObject({ ...common, do: z.literal('hpa'), to: servers }),
  'zookeeper-away': z.strictObject({ ...common, do: z.literal('zookeeper-away'), for: duration }),
  'zookeeper-leader': z.strictObject({ ...common, do: z.literal('zookeeper-leader') }),
  'zookeeper-all': z.strictObject({ ...common, do: z.literal('zookeeper-all') }),
  baseline: z.strictObject({ ...common, do: z.literal('baseline'), for: duration }),
};

/** The rate goes from where it is to `rate` calls a second, evenly, within `over` ms. */
const stage = z.strictObject({ rate: whole(1, 100_000), over: duration });
/** A plain rate is reached within this time: the compilers of all processes are cold, ms. */
const rampUp = 2000;

/** The stages of a rate that stays the same. */
export function constantRate(rate: number): readonly z.infer<typeof stage>[] {
  return [{ rate, over: rampUp }];
}

/** The largest n that the demonstration service takes, of those asked for in turn. */
const mostN = 1e8 - (spreadOfN - 1);
const calls = { n: whole(0, mostN).default(93), unsafe: share.default(0), duration: duration.optional() };

const load = z.discriminatedUnion('kind', [
  z
    .strictObject({
      ...{ kind: z.literal('proof'), ...calls },
      ...{ rate: whole(1, 100_000).optional(), stages: z.array(stage).min(1).max(100).optional() },
    })
    .refine(({ rate, stages }) => (rate === undefined) !== (stages === undefined), {
      message: 'expected one of "rate" and "stages"',
    })
    // A rate is the shortest way to write a single stage.
    .transform(({ rate = 1, stages = constantRate(rate), ...rest }) => ({ ...rest, stages })),
  z.strictObject({ kind: z.literal('capacity'), users: whole(1, 10_000), ...calls }),
]);

const scenarioSchema = z.strictObject({
  /** Shown in the report. */
  name: z.string().min(1).max(60),
  /** How many servers there are when the load begins. */
  servers,
  load,
  events: z
    .array(z.discriminatedUnion('do', Object.values(events) as unknown as [typeof events.rolling, ...never[]]))
    .max(100),
  /** How long an event may take to settle before that is a failure of its own. */
  patience: duration.default(30_000),
});

/** One thing that is done to the cluster. */
export type Step = {
  [K in keyof typeof events]: z.infer<(typeof events)[K]>;
}[keyof typeof events];

/** A load and what happens to the cluster meanwhile. Times in milliseconds. */
export type Scenario = Omit<z.infer<typeof scenarioSchema>, 'events'> & { events: readonly Step[] };

/** The scenario asks for what is not possible. The message is one sentence for people. */
export class ScenarioError extends Error {
  override name = 'ScenarioError';
}

/** Reads a scenario from YAML. Throws a ScenarioError, one sentence for all that is wrong with it, each part named. */
export function parseScenario(yaml: string, source = 'the scenario'): Scenario {
  let data: unknown;
  try {
    data = parse(yaml, { maxAliasCount: 10 });
  } catch (cause) {
    throw new ScenarioError(`${source} is no YAML: ${String((cause as Error).message).split('\n')[0]}`, { cause });
  }
  const result = scenarioSchema.safeParse(data);
  if (result.success) return result.data as Scenario;
  const problems = result.error.issues.map((issue) => sentence(issue, data));
  throw new ScenarioError(`${source} cannot be played: ${problems.join('; ')}`);
}

/** What zod found, in the words of the file: where, what was there, and what is allowed. */
function sentence(issue: z.core.$ZodIssue, data: unknown): string {
  const where = place(issue.path);
  const found = valueAt(data, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return `${where === '' ? '' : `${where}: `}${issue.keys.map((key) => `"${key}"`).join(', ')} is not known here`;
  }
  if (issue.code === 'invalid_union') {
    const allowed = where.endsWith('do') ? Object.keys(events) : ['proof', 'capacity'];
    return `${where}: ${found === undefined ? 'is missing' : `"${String(found)}" is not known`}; allowed: ${allowed.join(', ')}`;
  }
  if (issue.code === 'custom') return `${where}: ${issue.message}`;
  if (found === undefined && issue.path.length > 0) return `${where} is missing`;
  const message = issue.message.replace(/^(Invalid input|Too \w+): /, '');
  return `${where === '' ? 'the file' : where}: ${message}${issue.path.length > 0 ? `, not ${JSON.stringify(found)}` : ''}`;
}

function place(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key + 1}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], data);
}

/** What an event is called in reports: `3 kill -9 1 server`. `index` is from 1. */
export function eventName(index: number, step: Step): string {
  return `${index} ${describeStep(step)}`;
}

/** The event in a few words, for people: `freeze 1 server for 5 s`. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'scale':
      return `scale to ${step.to}${step.pace.how === 'gradual' ? `, one every ${seconds(step.pace.every)}` : ''}`;
    case 'rolling':
      return 'rolling restart';
    case 'kill':
      return `kill -9 ${step.count} ${step.count === 1 ? 'server' : 'servers'}`;
    case 'freeze':
      return `freeze ${step.count} ${step.count === 1 ? 'server' : 'servers'} for ${seconds(step.for)}`;
    case 'drain':
      return 'drain a node';
    case 'gateway':
      return 'rolling restart of the gateways';
    case 'hpa':
      return `autoscaler to ${step.to}`;
    case 'zookeeper-away':
      return `ZooKeeper away for ${seconds(step.for)}`;
    case 'zookeeper-leader':
      return "ZooKeeper's leader killed";
    case 'zookeeper-all':
      return 'all of ZooKeeper killed';
    case 'baseline':
      return `baseline of ${seconds(step.for)}`;
  }
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
