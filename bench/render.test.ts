import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contenders, levels } from './contender.ts';
import type { EchoFigures } from './echo.ts';
import type { Figures } from './figures.ts';
import { sizes } from './picks.ts';
import { renderFigures } from './render.ts';
import { spread } from './spread.ts';

const one = (value: number) => ({ median: value, low: value, high: value });

const echo: EchoFigures[] = contenders.flatMap((contender, place) =>
  levels.map((inFlight) => ({
    contender,
    inFlight,
    connections: contender === 'fastify-undici' ? inFlight : 1,
    rate: one(100_000 / (place + 1)),
    ratio: one(1 / (place + 1)),
    p50: one(0.08),
    p50Ratio: one(1),
    p99: one(0.5),
    cpu: one(3),
  })),
);

const complete: Figures = {
  environment: { cpu: 'A CPU', cores: 2, node: 'v26.10.0', system: 'linux', load: 0, date: '2026-11-21 05:00' },
  rounds: 5,
  measure: 3_000,
  echo,
  pi: [{ processes: 2, n: 1e6, work: 8, plain: one(200), evenkeel: one(196), ratio: one(0.98) }],
  picks: sizes.map((nodes) => ({ balancer: 'p2c' as const, nodes, time: one(100 + nodes / 10) })),
  idle: { connections: 2_000, heap: one(4_608), buffers: one(16_384) },
};

test('the median of an even number of values lies between the two in the middle', () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, low: 1, high: 4 });
  assert.deepEqual(spread([3, 1, 2]), { median: 2, low: 1, high: 3 });
});

test('each contender has a row with its rates, and how it compares with the reference', () => {
  const lines = renderFigures(complete).split('\n');
  assert.ok(lines.includes('| bare | 100,000 | 100,000 | 100,000 | 1.00 | 80 us | 80 us / 500 us |'));
  assert.ok(lines.includes('| evenkeel-framed | 50,000 | 50,000 | 50,000 | 0.50 | 80 us | 80 us / 500 us |'));
  assert.ok(lines.some((line) => line.startsWith('| fastify-undici (64 connections at 64) |')));
  assert.ok(lines.includes('| A pick among | 10 nodes | 1,000 nodes | 10,000 nodes |'));
  assert.ok(lines.includes('| p2c | 101 ns | 200 ns | 1,100 ns |'));
  assert.ok(lines.includes('| heap of an idle connection on the server | 4.5 KiB |'));
});

test('figures of which a part was not measured are not shown', () => {
  const { pi: _pi, ...rest } = complete;
  assert.throws(() => renderFigures(rest), /not complete/);
  assert.throws(() => renderFigures({ ...complete, echo: echo.slice(1) }), /nothing of bare/);
  assert.throws(() => renderFigures({ ...complete, picks: complete.picks!.slice(1) }), /nothing of p2c among 10 nodes/);
});
