import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Candidate, type Candidates, chooseProvider, clusterOptions } from './choose.ts';
import { Impossible, type Provider, type ProviderName } from './provider.ts';

const provider = (name: ProviderName) => ({ provider: { name } as Provider });

/** What there is here, in the order in which it was asked for. */
function here(answers: Record<ProviderName, Candidate>): { candidates: Candidates; asked: ProviderName[] } {
  const asked: ProviderName[] = [];
  const ask = (name: ProviderName) => async () => {
    asked.push(name);
    return answers[name];
  };
  return { candidates: { existing: ask('existing'), kind: ask('kind'), namespaces: ask('namespaces') }, asked };
}

const nothing = {
  existing: { lacks: 'needs KUBECONFIG' },
  kind: { lacks: 'needs Docker' },
  namespaces: { lacks: 'needs root' },
};

describe('choice of a provider', () => {
  test('the first that is possible, and nobody is asked after it', async () => {
    const { candidates, asked } = here({ ...nothing, kind: provider('kind'), namespaces: provider('namespaces') });
    assert.equal((await chooseProvider({}, candidates)).name, 'kind');
    assert.deepEqual(asked, ['existing', 'kind']);
  });

  test('the one that was asked for, whatever else there is', async () => {
    const { candidates, asked } = here({ ...nothing, kind: provider('kind'), namespaces: provider('namespaces') });
    assert.equal((await chooseProvider({ provider: 'namespaces' }, candidates)).name, 'namespaces');
    assert.deepEqual(asked, ['namespaces']);
  });

  test('none: one sentence with the reason of each', async () => {
    await assert.rejects(chooseProvider({}, here(nothing).candidates), (error) => {
      assert.ok(error instanceof Impossible);
      const reasons = 'existing needs KUBECONFIG; kind needs Docker; namespaces needs root';
      assert.equal(error.message, `there is no Kubernetes to be had here: ${reasons}`);
      return true;
    });
  });

  test('the one that was asked for is not possible: its reason alone', async () => {
    const { candidates } = here({ ...nothing, existing: provider('existing') });
    await assert.rejects(chooseProvider({ provider: 'kind' }, candidates), /: kind needs Docker$/);
  });
});

describe('what the environment says of the cluster', () => {
  test('nothing', () => {
    assert.deepEqual(clusterOptions({}), { state: '/var/lib/evenkeel-cluster' });
    assert.deepEqual(clusterOptions({ EVENKEEL_CLUSTER: '' }), { state: '/var/lib/evenkeel-cluster' });
  });

  test('everything', () => {
    const env = {
      EVENKEEL_CLUSTER: 'kind',
      EVENKEEL_CLUSTER_STATE: '/srv/a/../b',
      EVENKEEL_CLUSTER_TOOLS: import.meta.dirname,
      EVENKEEL_E2E_REGISTRY: 'registry.example/team',
    };
    const wanted = { provider: 'kind', state: '/srv/b', tools: import.meta.dirname, registry: 'registry.example/team' };
    assert.deepEqual(clusterOptions(env), wanted);
  });

  test('what cannot be', () => {
    const unknown = /^EVENKEEL_CLUSTER=minikube: expected existing, kind, namespaces$/;
    assert.throws(() => clusterOptions({ EVENKEEL_CLUSTER: 'minikube' }), { message: unknown });
    const gone = /^EVENKEEL_CLUSTER_TOOLS=\/nowhere: there is no such folder$/;
    assert.throws(() => clusterOptions({ EVENKEEL_CLUSTER_TOOLS: '/nowhere' }), { message: gone });
  });
});
