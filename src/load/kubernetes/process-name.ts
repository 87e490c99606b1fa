import { hostname } from 'node:os';

/** What this process is called among conductors, where it has no pod to be called by: by its host and its id. */
export function processName(): string {
  return `${hostname()}-${process.pid}`;
}

/** Whether a name is that of another process of this machine, and it lives. */
export function isAtWorkHere(name: string): boolean {
  const host = `${hostname()}-`;
  const pid = name.startsWith(host) ? Number(name.slice(host.length)) : Number.NaN;
  return Number.isInteger(pid) && pid !== process.pid && isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
