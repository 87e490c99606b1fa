import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process as the operating system lists it. */
export interface ListedProcess {
  pid: number;
  group: number;
  /** The letter that `ps` shows: R, S, D, Z (ended, its parent has not looked), T (stopped) and others. */
  state: string;
}

/** All processes, from /proc where there is one (a slim image has no `ps`), else from `ps`. */
export function listProcesses(): ListedProcess[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    names = [];
  }
  return names.length > 0 ? names.flatMap(fromProc) : fromPs();
}

/** The processes of a group that have not ended. */
export function groupMembers(group: number): ListedProcess[] {
  return listProcesses().filter((entry) => entry.group === group && entry.state !== 'Z');
}

function fromProc(name: string): ListedProcess[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    // The second field is the program's name in parentheses, and may hold anything.
    const [state = '', , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid: Number(name), group: Number(group), state }];
  } catch {
    return [];
  }
}

function fromPs(): ListedProcess[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat='], { encoding: 'utf8', timeout: 10_000 });
  return text.split('\n').flatMap((line) => {
    const [pid, group, state] = line.trim().split(/\s+/);
    return state === undefined ? [] : [{ pid: Number(pid), group: Number(group), state: state.charAt(0) }];
  });
}
