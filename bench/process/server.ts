/** `server.ts NAME`: the server of a contender. Tells its port, then what it is asked. Ends with its parent. */
import type { ContenderName, Listen } from '../contender.ts';

/** Microseconds of CPU time since the process began; or bytes in use after a collection (with `--expose-gc`). */
export type Question = 'cpu' | 'memory';

export interface Memory {
  heap: number;
  /** Off the heap: buffers. */
  buffers: number;
}

const answers = {
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory(): Memory {
    // Twice: what the first one finalises, the second one frees.
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return { heap: heapUsed, buffers: external };
  },
};

process.on('disconnect', () => process.exit());
const name = process.argv[2] as ContenderName;
const { listen } = (await import(`../contenders/${name}/server.ts`)) as { listen: Listen };
process.on('message', (question: Question) => process.send!(answers[question]()));
process.send!(await listen());
