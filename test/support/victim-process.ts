/** What `Victim` runs: a server for bad input, in a process of its own, so that its memory and its life can be told from the test's. */
import process from 'node:process';
import { systemClock } from '../../src/core/clock.ts';
import { serve } from '../../src/server/serve.ts';
import type { Limits } from '../../src/wire/limits.ts';
import { heldMemory } from './memory.ts';
import { keptLog } from './transport.ts';
import { victim } from './victim-service.ts';

const { log, lines } = keptLog();
let now = 0;
let most = 0;
const server = await serve(
  victim,
  {
    echo: (input) => input,
    double: (input) => input * 2,
    text: (size) => 'x'.repeat(size),
    async wait(ms, { signal }) {
      most = Math.max(most, ++now);
      await systemClock.sleep(ms, signal).catch(() => {});
      now--;
      return ms;
    },
    waiting: () => ({ now, most }),
  },
  {
    listen: '127.0.0.1:0',
    log,
    limits: JSON.parse(process.argv[2] ?? '{}') as Partial<Limits>,
    maxConcurrent: 100_000,
  },
);

export type Report = { lines: string[]; held: number; rss: number };

process.on('message', (question: { id: number; of: 'facts' }) => {
  const report: Report = { lines: lines.splice(0), held: heldMemory(), rss: process.memoryUsage.rss() };
  process.send!({ id: question.id, report }, () => {});
});
process.on('disconnect', () => process.exit(0));
process.send!({ port: server.port }, () => {});
