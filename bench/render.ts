import { contenders, levels } from './contender.ts';
import type { EchoFigures } from './echo.ts';
import type { Figures } from './figures.ts';
import { type PickFigures, sizes } from './picks.ts';
import { number } from './print.ts';

/** The figures as Markdown, for README.md. Throws where some were not measured. */
export function renderFigures(figures: Figures): string {
  const { echo, pi, picks, idle, environment, rounds, measure } = figures;
  if (echo === undefined || pi === undefined || picks === undefined || idle === undefined) {
    throw new Error('figures.json is not complete: run `npm run bench -- --json bench/figures.json`');
  }
  const { cpu, cores, node, date } = environment;
  return [
    `Medians of ${rounds} interleaved rounds of ${measure / 1_000} s each. ${cpu}, ${cores} cores, Node ${node}, ${date.slice(0, 10)}.`,
    '',
    'A small JSON message is echoed; the client and the server are a process each. *Bare* is a hand-written `net` loop with',
    'length-prefixed JSON that writes once a tick: what the machine can do.',
    '',
    ...row([
      '',
      ...levels.map((level) => `${level} in flight, calls/s`),
      'of bare at 64',
      'p50 alone',
      'p50 / p99 at 64',
    ]),
    ...row(['---', ...levels.map(() => '--:'), '--:', '--:', '--:']),
    ...contenders.flatMap((name) => row(echoCells(name, echo))),
    '',
    ...row(['Other figures', '']),
    ...row(['---', '--:']),
    ...pi.flatMap((one) =>
      row([
        `pi at ${number(one.work)} ms a call on ${one.processes} process${one.processes === 1 ? '' : 'es'}, against as many plain loops`,
        number(one.ratio.median),
      ]),
    ),
    ...row(['heap of an idle connection on the server', `${number(idle.heap.median / 1_024)} KiB`]),
    '',
    ...row(['A pick among', ...sizes.map((size) => `${number(size)} nodes`)]),
    ...row(['---', ...sizes.map(() => '--:')]),
    ...[...new Set(picks.map((one) => one.balancer))].flatMap((name) => row(pickCells(name, picks))),
  ].join('\n');
}

const row = (cells: readonly string[]) => [`| ${cells.join(' | ')} |`];

function pickCells(balancer: string, figures: readonly PickFigures[]): string[] {
  return [
    balancer,
    ...sizes.map((size) => {
      const found = figures.find((one) => one.balancer === balancer && one.nodes === size);
      if (found === undefined) throw new Error(`figures.json says nothing of ${balancer} among ${size} nodes`);
      return `${number(found.time.median)} ns`;
    }),
  ];
}

function echoCells(name: string, figures: readonly EchoFigures[]): string[] {
  const of = (inFlight: number) => {
    const found = figures.find((one) => one.contender === name && one.inFlight === inFlight);
    if (found?.ratio === undefined) throw new Error(`figures.json says nothing of ${name} against the bare loop`);
    return { ...found, ratio: found.ratio };
  };
  const micro = (ms: number) => `${number(ms * 1_000)} us`;
  const busy = of(64);
  const notes = busy.connections > 1 ? ` (${busy.connections} connections at 64)` : '';
  return [
    `${name}${notes}`,
    ...levels.map((level) => number(of(level).rate.median)),
    busy.ratio.median.toFixed(busy.ratio.median < 0.1 ? 3 : 2),
    micro(of(1).p50.median),
    `${micro(busy.p50.median)} / ${micro(busy.p99.median)}`,
  ];
}
