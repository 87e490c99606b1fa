import type { EventVerdict } from '../verdict.ts';
import { count, threeTimes, time } from './words.ts';

/** A column of the verdict table: the same in the report, in markdown and on the terminal. */
export interface Column {
  head: string;
  cell: (verdict: EventVerdict) => string;
}

export const columns: readonly Column[] = [
  { head: 'Calls', cell: ({ tally }) => count(tally.calls) },
  { head: 'Lost', cell: ({ tally }) => count(tally.lost + tally.wrong + tally.doubled) },
  { head: 'Unknown', cell: ({ tally }) => count(tally.unknown) },
  { head: 'Sent again', cell: ({ tally }) => count(tally.retried) },
  { head: 'p99 before → during → after', cell: ({ p99 }) => threeTimes([p99.before, p99.during, p99.after]) },
  { head: 'Disturbed for', cell: ({ effects }) => time(effects.disturbed) },
  { head: 'First call after start / registered', cell: ({ effects }) => firstCall(effects) },
  { head: 'SIGTERM → last call', cell: ({ effects }) => time(effects.stopToLastCall) },
  {
    head: 'Settled after',
    cell: ({ event }) => (event.settledAt === undefined ? 'never' : time(event.settledAt - event.at)),
  },
];

/** On a new server. */
function firstCall({ startToFirstCall, registeredToFirstCall }: EventVerdict['effects']): string {
  if (startToFirstCall === undefined) return time(undefined);
  return `${time(startToFirstCall)} / ${time(registeredToFirstCall)}`;
}

/** The event without its number. */
export function eventTitle({ event }: EventVerdict): string {
  return event.name.replace(/^\d+ /, '');
}
