import type { Autoscaling } from '../autoscaling.ts';
import { type Capacity, type CapacityPoint, wantedEfficiency } from '../capacity.ts';
import type { Step } from '../scenario.ts';
import { type figures, type PodUsage, show } from '../usage.ts';
import type { EventVerdict, Verdict } from '../verdict.ts';
import { count, none, percent, threeTimes, time } from './words.ts';

/** A column of a table of such things: the same in the report and in markdown. */
export interface Column<T> {
  head: string;
  cell: (row: T) => string;
}

/** Of the verdict table, on the terminal too. */
export const columns: readonly Column<EventVerdict>[] = [
  { head: 'Calls', cell: ({ tally }) => count(tally.calls) },
  { head: 'Lost', cell: ({ tally }) => count(tally.lost + tally.wrong + tally.doubled + tally.unverified) },
  { head: 'Unknown', cell: ({ tally }) => count(tally.unknown) },
  { head: 'Sent again', cell: ({ tally }) => count(tally.retried) },
  { head: 'p99 before → during → after', cell: ({ p99 }) => threeTimes([p99.before, p99.during, p99.after]) },
  { head: 'Disturbed for', cell: ({ effects }) => time(effects.disturbed) },
  { head: 'First call after start / registered / ready', cell: ({ effects }) => firstCall(effects) },
  { head: 'SIGTERM → last call', cell: ({ effects }) => time(effects.stopToLastCall) },
  {
    head: 'Settled after',
    cell: ({ event }) => (event.settledAt === undefined ? 'never' : time(event.settledAt - event.at)),
  },
];

/** On a new server. */
function firstCall({ startToFirstCall, registeredToFirstCall, readyToFirstCall }: EventVerdict['effects']): string {
  if (startToFirstCall === undefined) return none;
  return [startToFirstCall, registeredToFirstCall, readyToFirstCall].map((ms) => time(ms)).join(' / ');
}

/** What else is known of an event, a few words each: the proofs, what the autoscaler and servers that left did, and what was wrong. */
export function remarks({ proof, effects, problems, event }: EventVerdict): string[] {
  return [
    ...proof.map(({ what, holds }) => `${holds ? '' : 'NOT: '}${what}`),
    ...(effects.autoscaling === undefined ? [] : followed(effects.autoscaling, event.step, event.at)),
    ...left(effects),
    ...problems,
  ];
}

/** When servers that were told to go were out of what others find them by. */
function left({ stopToUnregistered, stopToUnpublished }: EventVerdict['effects']): string[] {
  const places = [
    ...(stopToUnregistered === undefined ? [] : [`out of the registry after ${time(stopToUnregistered)}`]),
    ...(stopToUnpublished === undefined ? [] : [`out of the EndpointSlices after ${time(stopToUnpublished)}`]),
  ];
  return places.length === 0 ? [] : [`SIGTERM → ${places.join(', ')}`];
}

function followed(
  { direction, since, firstChange, reached, overshoot }: Autoscaling,
  step: Step,
  at: number,
): string[] {
  const up = direction === 'up';
  const from = since === at ? 'the event began' : `the load began to ${up ? 'rise' : 'fall'}`;
  const wanted = step.do === 'hpa' ? step.to : 0;
  return [
    `the first server ${up ? 'more was ready' : 'went'} ${time(firstChange)} after ${from}`,
    `${wanted} were ${up ? 'ready' : 'left'} after ${time(reached)}`,
    overshoot === 0 ? 'no overshoot' : `overshoot ${overshoot} ${overshoot === 1 ? 'server' : 'servers'}`,
  ];
}

/** The verdict in two or three words. */
export function title({ outcome }: Pick<Verdict, 'outcome'>): string {
  const titles = { passed: 'Nothing was lost', failed: 'Not passed', unfinished: 'Not finished' };
  return titles[outcome];
}

/** `✔` or `✘`; a run that was ended early has neither passed nor failed. */
export function sign({ outcome }: Pick<Verdict, 'outcome'>): string {
  const signs = { passed: '✔', failed: '✘', unfinished: '…' };
  return signs[outcome];
}

/** How throughput followed the servers, in a sentence or two. */
export function scalingWords({ points, fullFrom }: Capacity): string {
  const [least] = points;
  if (least === undefined) return 'Nothing stood still for long enough to be measured.';
  const how = `Efficiency: the calls a second of one server, as a part of the same with the fewest servers (${least.servers}).`;
  if (points.length === 1) return `${how} There is nothing to compare with: the number of servers never changed.`;
  const full = points.find(({ servers }) => servers === fullFrom);
  const where =
    full === undefined
      ? 'It was never under 0.9.'
      : `With ${full.servers} servers it is under 0.9 for the first time (${percent(full.efficiency)}): from there on the machines are full.`;
  return `${how} ${where}`;
}

/** What is told of capacity, a row for each number of servers. */
export const capacityColumns: readonly Column<CapacityPoint>[] = [
  { head: 'Servers', cell: ({ servers }) => count(servers) },
  { head: 'Calls a second', cell: ({ rate }) => count(Math.round(rate)) },
  { head: 'Of one server', cell: ({ rate, servers }) => count(Math.round(rate / servers)) },
  {
    head: 'Efficiency',
    cell: ({ efficiency }) => `${percent(efficiency)}${efficiency < wantedEfficiency ? ' ◆ full' : ''}`,
  },
  { head: 'Measured for', cell: ({ length }) => time(length) },
];

/** What is told of what a pod took. */
export const usageColumns: readonly Column<PodUsage>[] = [
  {
    head: 'Pod',
    cell: ({ pod, judged, grew }) => `${pod} ${!judged ? '(more to do in the end)' : grew.length === 0 ? '✔' : '✘'}`,
  },
  { head: 'For', cell: ({ length }) => `${Math.round(length / 60_000)} min` },
  { head: 'Memory', cell: (usage) => change('memory', usage) },
  { head: 'File descriptors', cell: (usage) => change('descriptors', usage) },
  { head: 'Metric series', cell: (usage) => change('series', usage) },
];

/** What the columns mean. */
export const usageWords =
  'The least that all processes of a pod took in the first and in the last third of its time, its first minute left out; what leaks shows. ' +
  'What processes share counts for each, so memory is more than `kubectl top` shows; of ZooKeeper it is what the JVM uses.';

function change(figure: (typeof figures)[number], { early, late }: PodUsage): string {
  return `${show(figure, early[figure])} → ${show(figure, late[figure])}`;
}

/** The event without its number. */
export function eventTitle({ event }: EventVerdict): string {
  return event.name.replace(/^\d+ /, '');
}
