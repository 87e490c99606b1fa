/** The table of metrics in operations.md, from the code that makes them. */
import assert from 'node:assert/strict';
import { serveMetrics } from '../src/cli/serve-ops.ts';
import { clientMetrics } from '../src/client/metrics.ts';
import { clientStack } from '../src/client/stack.ts';
import { systemClock } from '../src/core/clock.ts';
import { Events } from '../src/core/events.ts';
import { silentLog } from '../src/core/log.ts';
import { type MetricSpec, silentMetrics } from '../src/core/metrics.ts';
import { TimerWheel } from '../src/core/timer-wheel.ts';
import { startGateway } from '../src/gateway/gateway.ts';
import type { ShownMetrics } from '../src/ops/metrics.ts';
import { webhook } from '../src/ops/webhook.ts';
import { serverStack } from '../src/server/stack.ts';

type Row = MetricSpec & { type: string };

/** Metrics that count nothing, and write down what is asked of them. */
function recorder(rows: Row[]): ShownMetrics {
  const of =
    <Family>(type: string, family: Family) =>
    (spec: MetricSpec) => {
      if (!rows.some(({ name }) => name === spec.name)) rows.push({ ...spec, type });
      return family;
    };
  const spec = { name: '', help: '' };
  return {
    counter: of('counter', silentMetrics.counter(spec)),
    gauge: of('gauge', silentMetrics.gauge(spec)),
    histogram: of('histogram', silentMetrics.histogram(spec)),
    onRead: silentMetrics.onRead,
    text: async () => '',
    json: async () => [],
  };
}

export async function metricsTable(): Promise<string> {
  const wheel = new TimerWheel(systemClock);
  const isMethod = () => true;
  const server: Row[] = [];
  const handlerTimeout = Number.POSITIVE_INFINITY;
  const admission = { layer: () => () => ({ output: null }) } as never;
  serverStack({ clock: systemClock, wheel, metrics: recorder(server), admission, handlerTimeout, isMethod });
  serveMetrics(recorder(server));

  const client: Row[] = [];
  clientMetrics(recorder(client), new Events(), { service: '', read: () => assert.fail('nobody reads') });
  clientStack({ clock: systemClock, wheel, metrics: recorder(client), isMethod } as never);

  const gateway: Row[] = [];
  webhook({ on: () => () => {} }, 'http://localhost/', { metrics: recorder(gateway) });
  const nothing = {
    call: () => Promise.reject(new Error('none')),
    nodes: () => ({ registry: { state: 'pending' }, nodes: [] }),
    ready: false,
  };
  const listen = { host: '127.0.0.1', port: 0 };
  await (await startGateway({ listen, client: nothing, log: silentLog, metrics: recorder(gateway) })).close();

  return [
    '| metric | type | labels | of | what it is |',
    '|---|---|---|---|---|',
    ...server.map((row) => line(row, 'servers')),
    ...client.map((row) => line(row, 'clients, gateways')),
    ...gateway.map((row) => line(row, 'gateways')),
  ].join('\n');
}

function line({ name, type, labels = [], help }: Row, of: string): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${of} | ${help.replace(/\.$/, '')} |`;
}
