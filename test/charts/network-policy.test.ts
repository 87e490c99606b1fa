/**
 * The policies, played: who may reach whom on what. No cluster of ours enforces them, so that what they say is worked out here, as
 * Kubernetes would.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type KubeObject, namespace, type Rendered, render, selects, withHelm } from './support.ts';

type Labels = Record<string, string>;
interface Peer {
  podSelector?: { matchLabels?: Labels; matchExpressions?: { key: string; operator: string; values: string[] }[] };
  namespaceSelector?: { matchLabels?: Labels };
  ipBlock?: { cidr: string };
}
interface Party {
  labels: Labels;
  namespace: string;
}

/** True if the peer of a policy in our namespace means this party. */
function means({ podSelector, namespaceSelector, ipBlock }: Peer, { labels, namespace: where }: Party): boolean {
  if (ipBlock !== undefined) return false;
  if (namespaceSelector === undefined ? where !== namespace : !selectsNamespace(namespaceSelector, where)) return false;
  const { matchLabels = {}, matchExpressions = [] } = podSelector ?? {};
  for (const { operator } of matchExpressions) assert.equal(operator, 'In');
  return (
    selects(matchLabels, labels) && matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

function selectsNamespace({ matchLabels = {} }: { matchLabels?: Labels }, where: string): boolean {
  return selects(matchLabels, { 'kubernetes.io/metadata.name': where });
}

class World {
  readonly #rendered: Rendered;
  constructor(rendered: Rendered) {
    this.#rendered = rendered;
  }

  party(component: string): Party {
    const pod = this.#rendered.pods.find(({ labels }) => labels['app.kubernetes.io/component'] === component);
    // A part that is not installed here, in this namespace all the same.
    const labels = pod?.labels ?? {
      'app.kubernetes.io/part-of': 'evenkeel',
      'app.kubernetes.io/component': component,
    };
    return { labels, namespace };
  }

  /** True if `from` may reach the port of this name of `component`. */
  mayEnter(from: Party, component: string, port: string | number): boolean {
    return this.#rules(component, 'Ingress').some((rule) => this.#allows(rule, 'from', from, port));
  }

  mayLeave(component: string, to: Party, port: string | number): boolean {
    return this.#rules(component, 'Egress').some((rule) => this.#allows(rule, 'to', to, port));
  }

  #rules(component: string, direction: 'Ingress' | 'Egress'): Record<string, unknown>[] {
    const { labels } = this.party(component);
    const policies = this.#rendered
      .ofKind('NetworkPolicy')
      .filter(({ spec }: KubeObject) => selects(spec.podSelector.matchLabels, labels))
      .filter(({ spec }: KubeObject) => spec.policyTypes.includes(direction));
    // Whom no policy means, everybody reaches.
    if (policies.length === 0) return [{}];
    return policies.flatMap(({ spec }) => spec[direction.toLowerCase()] ?? []);
  }

  #allows(rule: Record<string, unknown>, side: 'from' | 'to', party: Party, port: string | number): boolean {
    const peers = (rule[side] ?? []) as Peer[];
    const ports = (rule.ports ?? []) as { port: string | number }[];
    // A list with nothing in it is no bound at all.
    return (
      (peers.length === 0 || peers.some((peer) => means(peer, party))) &&
      (ports.length === 0 || ports.some((each) => each.port === port))
    );
  }
}

const stranger: Party = { labels: { app: 'stranger' }, namespace };
const afar: Party = { labels: { app: 'stranger' }, namespace: 'elsewhere' };
const prometheus: Party = { labels: { app: 'prometheus' }, namespace: 'monitoring' };

/** From whom, to whom, on which port, and whether it is allowed. */
const flows: [from: string | Party, to: string, port: string | number, allowed: boolean][] = [
  ['gateway', 'server', 'rpc', true],
  ['server', 'server', 'rpc', true],
  ['test', 'server', 'rpc', true],
  ['test', 'server', 'ops', true],
  ['gateway', 'server', 'ops', false],
  ['loadtest', 'server', 'rpc', false],
  ['zookeeper', 'server', 'rpc', false],
  [stranger, 'server', 'rpc', false],
  [stranger, 'server', 'ops', false],
  [prometheus, 'server', 'ops', true],
  [prometheus, 'server', 'rpc', false],
  ['server', 'zookeeper', 'client', true],
  ['gateway', 'zookeeper', 'client', true],
  ['test', 'zookeeper', 'client', true],
  ['zookeeper', 'zookeeper', 'client', true],
  ['zookeeper', 'zookeeper', 'follower', true],
  ['zookeeper', 'zookeeper', 'election', true],
  ['server', 'zookeeper', 'follower', false],
  ['server', 'zookeeper', 'election', false],
  ['loadtest', 'zookeeper', 'client', true],
  ['loadtest', 'zookeeper', 'follower', false],
  [stranger, 'zookeeper', 'client', false],
  [afar, 'zookeeper', 'client', false],
  [prometheus, 'zookeeper', 'metrics', true],
  [stranger, 'zookeeper', 'metrics', false],
  ['loadtest', 'gateway', 'http', true],
  ['loadtest', 'gateway', 'ops', true],
  ['test', 'gateway', 'http', true],
  [stranger, 'gateway', 'http', true],
  [afar, 'gateway', 'http', true],
  [stranger, 'gateway', 'ops', false],
  ['test', 'gateway', 'ops', true],
  [prometheus, 'gateway', 'ops', true],
  [stranger, 'loadtest', 'http', false],
  [stranger, 'test', 'http', false],
];

/** What a load test reaches where a scenario is conducted, and nobody else. */
const conducted: typeof flows = [
  ['loadtest', 'gateway', 'http', true],
  ['loadtest', 'gateway', 'ops', true],
  ['loadtest', 'server', 9092, true],
  ['gateway', 'server', 9092, false],
  [stranger, 'server', 9092, false],
  ['loadtest', 'server', 'rpc', false],
  ['loadtest', 'zookeeper', 'client', true],
];
const scenario = ['loadtest.scenario=scale', 'server.recordCalls=true'];
const conductors: Record<string, readonly string[]> = {
  'of this release': ['loadtest.enabled=true', ...scenario],
  // Or of the part alone. Not everybody may come to these gateways.
  'of another release': [
    'server.recordCalls=true',
    'gateway.networkPolicy.clientsFrom[0].podSelector.matchLabels.app=caller',
  ],
};

withHelm('network policies', () => {
  const describeParty = (party: string | Party) =>
    typeof party === 'string' ? party : `${party.labels.app} in ${party.namespace}`;
  for (const [from, to, port, allowed] of flows) {
    it(`${allowed ? 'allow' : 'refuse'} ${describeParty(from)} -> ${to} on ${port}`, async () => {
      const world = new World(await render({ set: ['loadtest.enabled=true'] }));
      const party = typeof from === 'string' ? world.party(from) : from;
      assert.equal(world.mayEnter(party, to, port), allowed);
    });
  }

  for (const [from, to, port, allowed] of conducted) {
    for (const [whose, set] of Object.entries(conductors)) {
      it(`${allowed ? 'allow' : 'refuse'} ${describeParty(from)} -> ${to} on ${port} for a scenario ${whose}`, async () => {
        const world = new World(await render({ set }));
        const party = typeof from === 'string' ? world.party(from) : from;
        assert.equal(world.mayEnter(party, to, port), allowed);
      });
    }
  }

  it('bound nothing that leaves, by default', async () => {
    for (const { spec } of (await render({})).ofKind('NetworkPolicy')) assert.deepEqual(spec.policyTypes, ['Ingress']);
  });

  it('let everything leave that is needed, where they bound it', async () => {
    const set = ['zookeeper', 'server', 'gateway', 'loadtest'].map(
      (part) => `${part}.networkPolicy.egress.enabled=true`,
    );
    const world = new World(await render({ set: ['loadtest.enabled=true', ...set] }));
    for (const component of ['zookeeper', 'server', 'gateway', 'loadtest', 'test']) {
      assert.ok(world.mayLeave(component, { labels: {}, namespace: 'kube-system' }, 53), `${component}: names`);
      assert.equal(world.mayLeave(component, stranger, 'http'), false);
    }
    // What may enter by the flows above may leave, too.
    for (const [from, to, port, allowed] of flows) {
      if (!allowed || typeof from !== 'string') continue;
      // Tests of ours ask gateways and servers; k6 alone asks gateways, for HTTP.
      if (to === 'zookeeper' && from === 'test') continue;
      if (from === 'loadtest' && port !== 'http') continue;
      assert.ok(world.mayLeave(from, world.party(to), port), `${from} -> ${to} on ${port}`);
    }
    assert.equal(world.mayLeave('test', world.party('zookeeper'), 'client'), false);
    assert.equal(world.mayLeave('gateway', world.party('gateway'), 'http'), false);
    assert.equal(world.mayLeave('loadtest', world.party('zookeeper'), 'client'), false);
    const conductor = new World(await render({ set: ['loadtest.enabled=true', ...scenario, ...set] }));
    for (const [from, to, port, allowed] of conducted) {
      if (!allowed || from !== 'loadtest') continue;
      assert.ok(conductor.mayLeave(from, conductor.party(to), port), `${from} -> ${to} on ${port}`);
    }
    assert.ok(conductor.mayLeave('loadtest', stranger, 6443), 'the API server');
  });

  it('let gateways reach the API server where that is the registry, and only then', async () => {
    const apiServer: Party = { labels: { component: 'kube-apiserver' }, namespace: 'kube-system' };
    const egress = 'gateway.networkPolicy.egress.enabled=true';
    const gateway = async (...set: string[]) => new World(await render({ set: [egress, ...set] }));
    const watching = await gateway('zookeeper.enabled=false', 'global.registry.url=kubernetes:///shop-server?port=rpc');
    for (const port of [443, 6443]) {
      assert.ok(watching.mayLeave('gateway', apiServer, port), `${port}`);
      assert.equal((await gateway()).mayLeave('gateway', apiServer, port), false, `${port} with ZooKeeper`);
    }
    assert.equal(watching.mayLeave('gateway', stranger, 'http'), false);
  });

  it('let nobody read metrics where metricsFrom is empty', async () => {
    // By --set there is no way to write an empty list.
    const none = ['zookeeper', 'server', 'gateway'].map((part) => `--set-json=${part}.networkPolicy.metricsFrom=[]`);
    const world = new World(await render({ args: none }));
    const metrics: [part: string, port: string][] = [
      ['zookeeper', 'metrics'],
      ['server', 'ops'],
      ['gateway', 'ops'],
    ];
    for (const [part, port] of metrics) {
      for (const party of [prometheus, stranger, afar]) assert.equal(world.mayEnter(party, part, port), false, part);
    }
  });

  it('let in whom clientsFrom names, and then nobody else', async () => {
    const peer = (part: string) =>
      `${part}.networkPolicy.clientsFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=elsewhere`;
    const world = new World(await render({ set: ['zookeeper', 'server', 'gateway'].map(peer) }));
    assert.ok(world.mayEnter(afar, 'zookeeper', 'client'));
    assert.ok(world.mayEnter(afar, 'server', 'rpc'));
    assert.ok(world.mayEnter(afar, 'gateway', 'http'));
    for (const other of [stranger, prometheus]) assert.equal(world.mayEnter(other, 'gateway', 'http'), false);
    assert.ok(world.mayEnter(prometheus, 'gateway', 'ops'));
    assert.ok(world.mayEnter(world.party('test'), 'gateway', 'http'));
    assert.ok(world.mayEnter(world.party('loadtest'), 'gateway', 'http'));
  });

  it('can be left out', async () => {
    const set = ['zookeeper', 'server', 'gateway'].map((part) => `${part}.networkPolicy.enabled=false`);
    const names = (await render({ set })).ofKind('NetworkPolicy').map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['shop-tests']);
  });
});
