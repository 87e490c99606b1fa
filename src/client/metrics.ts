import type { Events } from '../core/events.ts';
import type { Metrics } from '../core/metrics.ts';
import type { ClientEvents } from './events.ts';
import { nodeGauges } from './node-gauges.ts';
import type { NodesView } from './view.ts';

/** What a client counts besides the duration of its calls. */
export interface ClientMetrics {
  onRetry(method: string, kind: 'retry' | 'hedge'): void;
  onBudgetEmpty(): void;
  onRejected(method: string): void;
  /** Takes the client's gauges out of the metrics. */
  close(): void;
}

export interface Shown {
  /** Stands beside what is true of one client. */
  service: string | undefined;
  /** What gauges show. Called when somebody reads the metrics, and never for a call. */
  read(): NodesView;
}

export function clientMetrics(metrics: Metrics, events: Events<ClientEvents>, shown: Shown): ClientMetrics {
  const again = metrics.counter({
    name: 'evenkeel_client_attempts_repeated_total',
    help: 'Attempts beyond the first of a call: retries after a failure, hedges beside a silent attempt',
    labels: ['kind'],
  });
  const series = { retry: again.with('retry'), hedge: again.with('hedge') };
  const empty = metrics.counter({
    name: 'evenkeel_client_budget_empty_total',
    help: 'Calls not sent again because the retry budget was empty',
  });
  const gauges = nodeGauges(metrics, shown);
  countEvents(metrics, events);
  const rejected = metrics.counter({
    name: 'evenkeel_client_circuit_rejected_total',
    help: 'Calls that were not made because the circuit of their method was open',
    labels: ['method'],
  });
  const emptySeries = empty.with();
  return {
    onRetry: (_method, kind) => series[kind].add(),
    onBudgetEmpty: () => emptySeries.add(),
    onRejected: (method) => rejected.with(method).add(),
    close: () => gauges.close(),
  };
}

/** What happens to nodes and methods. */
function countEvents(metrics: Metrics, events: Events<ClientEvents>): void {
  const weights = metrics.counter({
    name: 'evenkeel_client_weight_changes_total',
    help: 'Changes of weights, by cause',
    labels: ['cause'],
  });
  const suspensions = metrics.counter({
    name: 'evenkeel_client_suspensions_total',
    help: 'Times that a node got no more calls because it failed for real, by cause; probe: it failed again when it was probed',
    labels: ['cause'],
  });
  const returns = metrics.counter({
    name: 'evenkeel_client_returns_total',
    help: 'Times that a suspended node got calls again, by cause',
    labels: ['cause'],
  });
  const checks = metrics
    .counter({
      name: 'evenkeel_client_health_checks_failed_total',
      help: 'Checks by which a node said that it cannot do its work, or was late to answer',
    })
    .with();
  const circuit = metrics.gauge({
    name: 'evenkeel_client_circuit_open',
    help: '1 while calls of a method are not made because nearly all of them fail',
    labels: ['method'],
  });
  const fallbacks = metrics.counter({
    name: 'evenkeel_client_fallbacks_total',
    help: 'Calls that failed for good and were answered by their fallback',
    labels: ['method'],
  });
  events.on('weight', ({ cause }) => weights.with(cause).add());
  events.on('suspended', ({ cause }) => suspensions.with(cause).add());
  events.on('returned', ({ cause }) => returns.with(cause).add());
  events.on('health-failed', () => checks.add());
  events.on('breaker', ({ method, state }) => circuit.with(method).set(state === 'closed' ? 0 : 1));
  events.on('fallback', ({ method }) => fallbacks.with(method).add());
}
