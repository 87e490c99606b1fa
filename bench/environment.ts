import { availableParallelism, cpus, loadavg, platform, release } from 'node:os';
import { systemClock as clock } from '../src/core/clock.ts';
import { round } from './spread.ts';

const utc = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short', timeZone: 'UTC' });

/** Where and when figures were taken. */
export interface Environment {
  cpu: string;
  cores: number;
  node: string;
  system: string;
  /** How many processes ran in the minute before: near 0, or the figures tell of others' work too. */
  load: number;
  /** `YYYY-MM-DD hh:mm`, UTC. */
  date: string;
}

export function environment(): Environment {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    system: `${platform()} ${release()}`,
    load: round(loadavg()[0]!),
    date: utc.format(clock.wallTime()),
  };
}
