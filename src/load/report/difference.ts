import type { Report } from './schema.ts';
import { count, none, percent, threeTimes, time } from './words.ts';

/** One of two runs. */
export interface Side {
  /** For people, e.g. the file's name. */
  name: string;
  report: Report;
}

/** A figure of both runs, and what has changed. */
export interface DifferenceRow {
  what: string;
  a: string;
  b: string;
  change: string;
}

export interface DifferenceGroup {
  title: string;
  rows: DifferenceRow[];
}

type Event = Report['events'][number];
type Figure = number | null | undefined;

/** All figures of two runs, in groups: the whole, each event, capacity, and where the environments differ. */
export function differences(a: Report, b: Report): DifferenceGroup[] {
  const groups = [
    { title: 'The whole run', rows: whole(a, b) },
    ...pairs(a.events, b.events).map(([one, other]) => ({
      title: (one ?? other)!.name.replace(/^\d+ /, ''),
      rows: ofEvent(one, other),
    })),
    { title: 'Throughput against servers', rows: capacity(a, b) },
    { title: 'Where they ran differently', rows: environment(a, b) },
  ];
  return groups.filter(({ rows }) => rows.length > 0);
}

function whole(a: Report, b: Report): DifferenceRow[] {
  const tally = (what: string, key: keyof Report['total']) => counted(what, a.total[key], b.total[key]);
  return [
    worded('Verdict', a.outcome, b.outcome),
    tally('Calls', 'calls'),
    tally('Lost', 'lost'),
    tally('Wrong answers', 'wrong'),
    tally('Run twice that must not', 'doubled'),
    ...[
      tally('Could not be verified', 'unverified'),
      tally('Unknown, and said so', 'unknown'),
      tally('Sent to servers again', 'retried'),
      tally('Due and never sent', 'dropped'),
    ].filter((row) => row?.a !== '0' || row.b !== '0'),
    timed('p50', a.p50, b.p50),
    timed('p99', a.p99, b.p99),
  ].filter((row) => row !== undefined);
}

function ofEvent(a: Event | undefined, b: Event | undefined): DifferenceRow[] {
  if (a === undefined || b === undefined) {
    return [{ what: 'Played', a: a === undefined ? 'no' : 'yes', b: b === undefined ? 'no' : 'yes', change: '' }];
  }
  const bad = ({ tally }: Event) => tally.lost + tally.wrong + tally.doubled + tally.unverified;
  const settled = ({ at, settled }: Event) => settled && (settled - at) * 1000;
  const three = ({ p99 }: Event) =>
    threeTimes([p99.before ?? undefined, p99.during ?? undefined, p99.after ?? undefined]);
  return [
    counted('Lost', bad(a), bad(b)),
    counted('Sent again', a.tally.retried, b.tally.retried),
    { what: 'p99 before → during → after', a: three(a), b: three(b), change: ratio(a.p99.during, b.p99.during) },
    timed('Disturbed for', a.disturbed, b.disturbed),
    timed('First call after start', a.startToFirstCall, b.startToFirstCall),
    timed('First call after registered', a.registeredToFirstCall, b.registeredToFirstCall),
    timed('SIGTERM → last call', a.stopToLastCall, b.stopToLastCall),
    timed('SIGTERM → out of the registry', a.stopToUnregistered, b.stopToUnregistered),
    timed('SIGTERM → out of the EndpointSlices', a.stopToUnpublished, b.stopToUnpublished),
    timed('First change of servers after the load', a.autoscaling?.firstChange, b.autoscaling?.firstChange),
    timed('As many as expected after the load', a.autoscaling?.reached, b.autoscaling?.reached),
    counted('Overshoot, servers', a.autoscaling?.overshoot, b.autoscaling?.overshoot),
    timed('Settled after', settled(a), settled(b)),
  ].filter((row) => row !== undefined);
}

function capacity(a: Report, b: Report): DifferenceRow[] {
  const points = [a, b].flatMap(({ capacity }) => capacity?.points ?? []);
  const heights = [...new Set(points.map(({ servers }) => servers))].sort((x, y) => x - y);
  return heights.map((servers) => {
    const [one, other] = [a, b].map(({ capacity }) => capacity?.points.find((point) => point.servers === servers));
    const said = (point: typeof one) =>
      point === undefined ? none : `${count(Math.round(point.rate))}/s, ${percent(point.efficiency)}`;
    const what = `${servers} ${servers === 1 ? 'server' : 'servers'}`;
    return { what, a: said(one), b: said(other), change: ratio(one?.rate, other?.rate) };
  });
}

function environment(a: Report, b: Report): DifferenceRow[] {
  const [one, other] = [a, b].map(({ environment, generator, scenario }) => ({
    scenario,
    ...environment,
    load: generator,
  }));
  const names = [...new Set([...Object.keys(one!), ...Object.keys(other!)])];
  return names.flatMap((name) => {
    const [left, right] = [one, other].map((values) => (values as Record<string, string>)[name] ?? none);
    return left === right ? [] : [{ what: name, a: left!, b: right!, change: '' }];
  });
}

/** Events of the same name belong together, in their order; those that only one run has stand alone. */
function pairs(a: readonly Event[], b: readonly Event[]): [Event | undefined, Event | undefined][] {
  const title = ({ name }: Event) => name.replace(/^\d+ /, '');
  const left = [...b];
  const both = a.map((event): [Event, Event | undefined] => {
    const place = left.findIndex((other) => title(other) === title(event));
    return [event, place < 0 ? undefined : left.splice(place, 1)[0]];
  });
  return [...both, ...left.map((event): [undefined, Event] => [undefined, event])];
}

function worded(what: string, a: string, b: string): DifferenceRow {
  return { what, a, b, change: a === b ? '' : 'differs' };
}

/** Undefined where neither run has it. */
function counted(what: string, a: Figure, b: Figure): DifferenceRow | undefined {
  if (a == null && b == null) return undefined;
  const change = a == null || b == null || a === b ? '' : `${b > a ? '+' : '−'}${count(Math.abs(b - a))}`;
  return { what, a: count(a ?? undefined), b: count(b ?? undefined), change };
}

function timed(what: string, a: Figure, b: Figure): DifferenceRow | undefined {
  if (a == null && b == null) return undefined;
  return { what, a: time(a ?? undefined), b: time(b ?? undefined), change: ratio(a, b) };
}

/** By how much b is more or less than a; nothing where that cannot be said, or is less than can be measured. */
function ratio(a: Figure, b: Figure): string {
  if (a == null || b == null || a === 0) return '';
  const change = Math.round((b / a - 1) * 100);
  return change === 0 ? '' : `${change > 0 ? '+' : '−'}${Math.abs(change)} %`;
}
