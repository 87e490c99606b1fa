import { availableParallelism, cpus, platform, release } from 'node:os';
import { systemClock as clock } from '../src/core/clock.ts';

const utc = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short', timeZone: 'UTC' });

/** Where and when figures were taken. */
export interface Environment {
  cpu: string;
  cores: number;
  node: string;
  system: string;
  /** `YYYY-MM-DD hh:mm`, UTC. */
  date: string;
}

export function environment(): Environment {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    system: `${platform()} ${release()}`,
    date: utc.format(clock.wallTime()),
  };
}
