import type { EchoFigures } from './echo.ts';
import type { Figures } from './figures.ts';
import type { IdleFigures } from './idle.ts';
import type { PiFigures } from './pi.ts';
import type { PickFigures } from './picks.ts';
import type { Spread } from './spread.ts';
import { table } from './table.ts';

export function print(figures: Figures): string {
  const { cpu, cores, node, system, load, date } = figures.environment;
  const parts = [
    `${cpu}, ${cores} cores, Node ${node}, ${system}, load ${load} before, ${date}; ${figures.rounds} rounds`,
  ];
  if (figures.echo !== undefined) parts.push(echoTable(figures.echo));
  if (figures.pi !== undefined) parts.push(piTable(figures.pi));
  if (figures.picks !== undefined) parts.push(pickTable(figures.picks));
  if (figures.idle !== undefined) parts.push(idleTable(figures.idle));
  return `${parts.join('\n\n')}\n`;
}

const text = ({ median, low, high }: Spread, scale = 1) =>
  `${number(median * scale)} (${number(low * scale)}..${number(high * scale)})`;

export function number(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

function echoTable(figures: readonly EchoFigures[]): string {
  const head = ['echo', 'in flight', 'conns', 'calls/s', 'of bare', 'p50 us', 'of bare', 'p99 us', 'cpu us/call'];
  const rows = figures.map((one) => [
    one.contender,
    String(one.inFlight),
    String(one.connections),
    text(one.rate),
    one.ratio === undefined ? '' : text(one.ratio),
    text(one.p50, 1_000),
    one.p50Ratio === undefined ? '' : text(one.p50Ratio),
    text(one.p99, 1_000),
    text(one.cpu),
  ]);
  return table([head, ...rows]);
}

function piTable(figures: readonly PiFigures[]): string {
  const head = ['pi', 'work ms', 'plain loops, calls/s', 'evenkeel, calls/s', 'of plain'];
  const rows = figures.map((one) => [
    `${one.processes} process${one.processes === 1 ? '' : 'es'}`,
    number(one.work),
    text(one.plain),
    text(one.evenkeel),
    text(one.ratio),
  ]);
  return table([head, ...rows]);
}

function pickTable(figures: readonly PickFigures[]): string {
  const rows = figures.map((one) => [one.balancer, number(one.nodes), text(one.time)]);
  return table([['pick, weights changing on 1 % of calls', 'nodes', 'ns'], ...rows]);
}

function idleTable({ connections, heap, buffers }: IdleFigures): string {
  const head = ['idle connection', 'connections', 'heap KiB each', 'buffers KiB each'];
  return table([head, ['server', number(connections), text(heap, 1 / 1_024), text(buffers, 1 / 1_024)]]);
}
