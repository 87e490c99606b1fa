/** Which process is meant: a pid is given to another one day, a pid with its start time never. */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  parent: number;
  /** Ticks since the machine started. */
  started: string;
}

/** Reads a line of `/proc/PID/stat`. A program's name stands in it in brackets and may hold anything. */
export function parseStat(line: string): (ProcessIdentity & { state: string }) | undefined {
  const pid = Number.parseInt(line, 10);
  const fields = line
    .slice(line.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const [state, parent] = fields;
  const started = fields[19];
  if (Number.isNaN(pid) || state === undefined || started === undefined) return undefined;
  return { pid, parent: Number(parent), started, state };
}

/** The process of that pid, if it runs. A zombie does not. */
export function processOf(pid: number): ProcessIdentity | undefined {
  try {
    const found = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return found === undefined || found.state === 'Z' || found.state === 'X' ? undefined : found;
  } catch {
    return undefined;
  }
}

/** Differs from one start of the machine to the next, after which pids and ticks begin again. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
