import type { Events } from '../core/events.ts';
import type { Metrics } from '../core/metrics.ts';
import type { ClientEvents } from './events.ts';

/** What a client counts besides the duration of its calls. */
export interface ClientMetrics {
  onRetry(method: string, kind: 'retry' | 'hedge'): void;
  onBudgetEmpty(): void;
  onRejected(method: string): void;
}

export function clientMetrics(metrics: Metrics, events: Events<ClientEvents>): ClientMetrics {
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
  const weight = metrics.gauge({
    name: 'evenkeel_client_node_weight',
    help: 'Effective weight of a node',
    labels: ['node'],
  });
  const faults = metrics.counter({
    name: 'evenkeel_client_weight_changes_total',
    help: 'Changes of weights, by cause',
    labels: ['cause'],
  });
  const panic = metrics.gauge({ name: 'evenkeel_client_panic', help: '1 while every node looks bad' });
  events.on('weight', (change) => {
    weight.with(change.id).set(change.to);
    faults.with(change.cause).add();
  });
  // A node that is gone leaves no series behind.
  events.on('left', ({ id }) => weight.remove(id));
  events.on('panic', ({ on }) => panic.with().set(on ? 1 : 0));
  const circuit = metrics.gauge({
    name: 'evenkeel_client_circuit_open',
    help: '1 while calls of a method are not made because nearly all of them fail',
    labels: ['method'],
  });
  const rejected = metrics.counter({
    name: 'evenkeel_client_circuit_rejected_total',
    help: 'Calls that were not made because the circuit of their method was open',
    labels: ['method'],
  });
  const fallbacks = metrics.counter({
    name: 'evenkeel_client_fallbacks_total',
    help: 'Calls that failed for good and were answered by their fallback',
    labels: ['method'],
  });
  events.on('breaker', ({ method, state }) => circuit.with(method).set(state === 'closed' ? 0 : 1));
  events.on('fallback', ({ method }) => fallbacks.with(method).add());
  const emptySeries = empty.with();
  return {
    onRetry: (_method, kind) => series[kind].add(),
    onBudgetEmpty: () => emptySeries.add(),
    onRejected: (method) => rejected.with(method).add(),
  };
}
