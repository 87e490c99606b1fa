import type { EchoFigures } from './echo.ts';
import type { Figures } from './figures.ts';
import type { Spread } from './spread.ts';
import { table } from './table.ts';

export function print(figures: Figures): string {
  const { cpu, cores, node, system, date } = figures.environment;
  const parts = [`${cpu}, ${cores} cores, Node ${node}, ${system}, ${date}; ${figures.rounds} rounds`];
  if (figures.echo !== undefined) parts.push(echoTable(figures.echo));
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
