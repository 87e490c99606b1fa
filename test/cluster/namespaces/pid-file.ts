import { readFileSync } from 'node:fs';
import { bootId, type ProcessIdentity, parseStat, processOf } from './process-identity.ts';

/**
 * Two lines: the process's own line of `/proc/PID/stat`, and the machine's boot id. A shell can write it with nothing
 * but what is built into it, so that a process writes its own before it becomes what it shall be.
 */
export const writePidFile =
  'read -r stat < /proc/$$/stat; read -r boot < /proc/sys/kernel/random/boot_id; printf "%s\\n%s\\n" "$stat" "$boot" > "$0.new"; mv "$0.new" "$0"';

/** The process that the file names, if that very one still runs. */
export function readPidFile(file: string): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [stat = '', boot] = text.split('\n');
  const meant = parseStat(stat);
  if (meant === undefined || boot !== bootId()) return undefined;
  const found = processOf(meant.pid);
  return found?.started === meant.started ? found : undefined;
}
