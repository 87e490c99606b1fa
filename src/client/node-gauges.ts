import type { Family, Gauge, Metrics } from '../core/metrics.ts';
import type { Shown } from './metrics.ts';
import { nodeStates } from './node.ts';
import { registryWords } from './view.ts';

/**
 * What is true of a client and its nodes now, looked up when somebody reads the metrics. States are as OpenMetrics has them:
 * a series for each that there could be, 1 for the one that is.
 */
export function nodeGauges(metrics: Metrics, { service, read }: Shown): { close(): void } {
  // Not `service`: that is what Prometheus calls the thing that it scrapes.
  const own = service ?? '';
  const ofClient = (name: string, help: string, labels: string[] = []) =>
    metrics.gauge({ name: `evenkeel_client_${name}`, help, labels: ['rpc_service', ...labels] });
  const ofNode = (name: string, help: string, labels: string[] = []) =>
    metrics.gauge({ name: `evenkeel_client_node_${name}`, help, labels: ['node', ...labels] });

  const weight = ofNode('weight', 'Effective weight of a node');
  const share = ofNode('share', 'Part of the traffic that is meant for a node now, 0 to 1');
  const state = ofNode('state', `1 for the state that a node is in, of ${nodeStates.join(', ')}; else 0`, ['state']);
  const budget = ofClient('budget_left', 'Retries and hedges that would be granted now');
  const tier = ofClient(
    'tier',
    'The tier that has the calls: 0 preferred primaries, 1 other primaries, 2 and 3 backups',
  );
  const panic = ofClient('panic', '1 while every node looks bad, so that picks are even among all');
  const registry = ofClient(
    'registry_state',
    `1 for the state that the registry is in, of ${registryWords.join(', ')}; else 0`,
    ['state'],
  );

  let known = new Set<string>();
  const forget = (id: string) => {
    weight.remove(id);
    share.remove(id);
    for (const name of nodeStates) state.remove(id, name);
  };
  const update = () => {
    const view = read();
    const now = new Set(view.nodes.map(({ id }) => id));
    for (const id of known) if (!now.has(id)) forget(id);
    known = now;
    for (const node of view.nodes) {
      weight.with(node.id).set(node.weight);
      share.with(node.id).set(node.share);
      oneOf(state, node.id, nodeStates, node.state);
    }
    budget.with(own).set(view.budget ?? 0);
    panic.with(own).set(view.panic ? 1 : 0);
    oneOf(registry, own, registryWords, view.registry.state);
    if (view.tier === null) tier.remove(own);
    else tier.with(own).set(view.tier);
  };
  const end = metrics.onRead(update);
  return {
    close() {
      end();
      for (const id of known) forget(id);
      for (const family of [budget, tier, panic]) family.remove(own);
      for (const name of registryWords) registry.remove(own, name);
    },
  };
}

function oneOf(family: Family<Gauge>, of: string, names: readonly string[], current: string): void {
  for (const name of names) family.with(of, name).set(name === current ? 1 : 0);
}
