import type { NodesView } from '../client/view.ts';
import type { Clock } from '../core/clock.ts';
import { colours, plain } from '../load/view/paint.ts';
import { type Output, Screen } from '../load/view/screen.ts';
import { table } from './nodes-table.ts';

/** How often it is looked whether something has changed, and a terminal is drawn again, ms. */
const refresh = 250;

interface Outputs {
  stdout: Output;
  /** What is no result. */
  stderr: Pick<Output, 'write'>;
}

export interface WatchParts extends Outputs {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Ends it. */
  signal: AbortSignal;
}

/** Shows the view as it is: a table, or JSON, a line for each server. */
export function showOnce(view: NodesView, { stdout, stderr }: Outputs): void {
  if (stdout.isTTY) stdout.write(`${table(view).join('\n')}\n`);
  else if (view.nodes.length === 0) sayNone(stderr);
  else for (const node of view.nodes) stdout.write(`${JSON.stringify(node)}\n`);
}

/**
 * Shows the view and how it changes: a table that is drawn again and again, or JSON, a line for each view that is another
 * than the one before.
 */
export async function watchNodes(read: () => NodesView, parts: WatchParts): Promise<void> {
  const { stdout, clock, env, signal } = parts;
  const step = stdout.isTTY && env.TERM !== 'dumb' ? drawing(stdout, env) : telling(parts);
  try {
    while (!signal.aborted) {
      step.show(read());
      await clock.sleep(refresh, signal).catch(() => {});
    }
  } finally {
    step.close();
  }
}

interface Step {
  show(view: NodesView): void;
  close(): void;
}

function drawing(stdout: Output, env: WatchParts['env']): Step {
  const screen = new Screen(stdout);
  const paint = env.NO_COLOR ? plain : colours;
  return {
    show(view) {
      const lines = table(view, { live: true, paint });
      // The screen has one line less than its height for us.
      const room = Math.max(2, (stdout.rows ?? 24) - 1);
      const hidden = lines.length - room;
      screen.draw(hidden > 0 ? [...lines.slice(0, room - 1), paint.soft(`… and ${hidden + 1} more`)] : lines);
    },
    close: () => screen.close(),
  };
}

function telling({ stdout, stderr }: Outputs): Step {
  let last = '';
  return {
    show(view) {
      const seen = snapshot(view);
      if (seen === last) return;
      last = seen;
      const { time, registry, budget, tier, panic, nodes } = view;
      stdout.write(`${JSON.stringify({ time, registry: registry.state, budget, tier, panic, nodes })}\n`);
      if (nodes.length === 0) sayNone(stderr);
    },
    close() {},
  };
}

function sayNone(stderr: Pick<Output, 'write'>): void {
  stderr.write('evenkeel: the registry lists no server\n');
}

/** The view as text, but for what is another at every moment: two that are the same say nothing new. */
export function snapshot({ registry, tier, panic, nodes }: NodesView): string {
  const lasting = nodes.map((node) => ({ ...node, nextProbe: null, sparedUntil: null, stalled: false, inFlight: 0 }));
  return JSON.stringify([registry.state, tier, panic, lasting]);
}
