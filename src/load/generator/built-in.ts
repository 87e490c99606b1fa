import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../core/clock.ts';
import { freshId } from '../../core/random.ts';
import { lastWords } from '../last-words.ts';
import { ownFile } from '../own-file.ts';
import type { LoadEnd } from '../recording.ts';
import type { FinishedRecord, LoadRecord } from '../sample.ts';
import type { LoadGenerator } from './generator.ts';
import { Tail } from './tail.ts';

/** Our own generator. Needs nothing but Node. Its notes go to a file in `directory`. */
export function builtInGenerator(directory: string, clock: Clock = systemClock): LoadGenerator {
  return {
    name: 'built-in',
    async start(plan, listener) {
      const path = join(directory, `called-${freshId()}.ndjson`);
      const script = ownFile('./built-in-process.ts', import.meta.url);
      const child = spawn(process.execPath, [script, JSON.stringify(plan), path], {
        stdio: ['pipe', 'ignore', 'pipe'],
        // A Ctrl-C at the terminal is for the conductor, which ends the load in good order.
        detached: true,
      });
      let complaint = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaint = (complaint + text).slice(-2000);
      });
      child.stdin.on('error', () => {});
      const exited = new Promise<string>((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
      });
      let finished: FinishedRecord | undefined;
      const tail = new Tail(path, clock, (line) => {
        const record = parse(line);
        if (record?.kind === 'finished') finished = record;
        if (record !== undefined) listener(record);
      });
      const ended = (async (): Promise<LoadEnd> => {
        const how = await exited;
        const at = clock.wallTime();
        await tail.finish();
        if (finished !== undefined) return { state: 'finished', record: finished };
        return { state: 'died', at, how: complaint === '' ? how : `${how}: ${lastWords(complaint)}` };
      })();
      await once(child, 'spawn');
      return {
        pid: child.pid,
        ended,
        stop: () => child.stdin.write('stop\n'),
        kill: () => child.kill('SIGKILL'),
      };
    },
  };
}

function parse(line: string): LoadRecord | undefined {
  try {
    return JSON.parse(line) as LoadRecord;
  } catch {
    return undefined;
  }
}
