import type { Load } from '../core/load.ts';
import { expectRange } from './range.ts';

/** From when on a node that says how busy it is counts as overloaded. `false` leaves a figure out. */
export interface LoadThresholds {
  /**
   * CPU time as a share of the cores that the node can use. Default false; 0.05..1. A server that computes is meant to be at
   * 100 %, and what is too much work shows in the delay of its event loop or in calls that time out.
   */
  cpu: number | false;
  /**
   * The longest that the event loop kept waiting what was due, ms. Default 1,000; 10..60,000. A call that came then waited as
   * long, and so did PING: at twice that the heartbeat is overdue. Collecting garbage takes tens of milliseconds, a handler
   * that computes hundreds; a second is neither.
   */
  eventLoopDelay: number | false;
  /**
   * Memory as a share of the limit. Default 0.95; 0.1..1. Above it the system ends the process soon, or it only collects
   * garbage. Memory that mirrors files is not counted, so that a healthy server stays well below.
   */
  memory: number | false;
  /**
   * Calls that wait for their turn in the node. Default false; 1..1,000,000. How many are too many depends on how long a call
   * takes; the server itself refuses a call that waited too long, and that is a fault already (`overload`).
   */
  queued: number | false;
}

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function loadThresholds(given: Partial<LoadThresholds> = {}): LoadThresholds {
  const options: LoadThresholds = {
    cpu: given.cpu ?? false,
    eventLoopDelay: given.eventLoopDelay ?? 1_000,
    memory: given.memory ?? 0.95,
    queued: given.queued ?? false,
  };
  expectThreshold('cpu', options.cpu, 0.05, 1);
  expectThreshold('eventLoopDelay', options.eventLoopDelay, 10, 60_000);
  expectThreshold('memory', options.memory, 0.1, 1);
  expectThreshold('queued', options.queued, 1, 1_000_000);
  return options;
}

function expectThreshold(name: keyof LoadThresholds, value: number | false, min: number, max: number): void {
  if (value !== false) expectRange(`loadThresholds.${name}`, value, min, max);
}

const amount = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const percent = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 });

/** The figures that have a threshold, the most telling first: where a load has them, and how they are written. */
const figures: readonly {
  key: keyof LoadThresholds;
  name: string;
  unit: string;
  of(load: Load): number | undefined;
  format: Intl.NumberFormat;
}[] = [
  { key: 'eventLoopDelay', name: 'event loop delay', unit: ' ms', of: (load) => load.eventLoopDelay, format: amount },
  { key: 'memory', name: 'memory', unit: '', of: (load) => load.memory, format: percent },
  { key: 'cpu', name: 'CPU', unit: '', of: cpuShare, format: percent },
  { key: 'queued', name: 'calls waiting', unit: '', of: (load) => load.queued, format: amount },
];

/**
 * What a load is over, in words for people: `event loop delay 1,240 ms > 1,000`, several of them with commas between.
 * Undefined where it is over nothing. What the node does not say is over nothing.
 */
export function overloadedBy(load: Load, thresholds: LoadThresholds): string | undefined {
  const over: string[] = [];
  for (const { key, name, unit, of, format } of figures) {
    const value = of(load);
    const threshold = thresholds[key];
    if (value === undefined || threshold === false || value <= threshold) continue;
    over.push(`${name} ${format.format(value)}${unit} > ${format.format(threshold)}`);
  }
  return over.length === 0 ? undefined : over.join(', ');
}

function cpuShare({ cpu, cores = 1 }: Load): number | undefined {
  return cpu === undefined ? undefined : cpu / cores;
}

/**
 * One figure for how busy a node is, to compare nodes by: 0 is idle, 1 is all that it can do, 2 twice as much as that.
 * Undefined where the node does not measure itself.
 *
 * It is the sum of three, each of which begins where the one before it ends. CPU time as a share of the cores tells how far
 * from full a node is, but not how far beyond: it stops at 1. What comes too fast for the event loop is read late, so the
 * loop's delay grows; a second of it counts as one node's work more. What comes too fast for the worker threads, or for the
 * admission, waits in a queue; as many that wait as are at work count as one more. Of these only the first is above a few
 * hundredths on a node that keeps up. Memory is left out: a full one is no reason to send half as much, but none at all, and
 * that is the threshold's affair.
 *
 * A node that waits for others, for a database say, looks idle by this: there the calls in flight tell more.
 */
export function busyShare(load: Load): number | undefined {
  const cpu = cpuShare(load);
  if (cpu === undefined) return undefined;
  return cpu + (load.eventLoopDelay ?? 0) / 1_000 + load.queued / Math.max(1, load.inFlight);
}

/**
 * What several processes of one node say, taken together; undefined where none says anything.
 *
 * Calls, CPU time and cores add up. Of the delays the shortest counts: as long as one process answers at once, calls to the
 * node go there, and one that stands still is no fault of its siblings. Each process makes a guess at the whole server's
 * memory from its own; their mean is what it is.
 */
export function loadTogether(loads: readonly Load[]): Load | undefined {
  if (loads.length < 2) return loads[0];
  const measured = loads.filter((load) => load.cpu !== undefined);
  return {
    inFlight: sum(loads.map((load) => load.inFlight)),
    queued: sum(loads.map((load) => load.queued)),
    cpu: measured.length === 0 ? undefined : sum(measured.map((load) => load.cpu!)),
    cores: measured.length === 0 ? undefined : sum(measured.map((load) => load.cores ?? 1)),
    eventLoopDelay: least(known(loads.map((load) => load.eventLoopDelay))),
    memory: mean(known(loads.map((load) => load.memory))),
  };
}

function known(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : sum(values) / values.length;
}
