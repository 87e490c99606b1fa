import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ExistingProvider, existing } from './existing.ts';
import { fakePrograms } from './fake-programs.ts';
import { Impossible } from './provider.ts';

function kubeconfig(t: TestContext, value: string | undefined): void {
  const before = process.env.KUBECONFIG;
  const set = (text: string | undefined) => {
    if (text === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = text;
  };
  t.after(() => set(before));
  set(value);
}

test('possible where KUBECONFIG is set and what it names answers', async (t) => {
  kubeconfig(t, '/srv/kubeconfig');
  const { calls } = fakePrograms(t, { kubectl: 'echo ok' });
  const candidate = await existing({ state: '/unused' });
  assert.ok('provider' in candidate && candidate.provider.name === 'existing');
  assert.deepEqual(calls(), ['kubectl get --raw /readyz --request-timeout=5s']);
});

test('not where it does not answer: its own words say why', async (t) => {
  kubeconfig(t, '/srv/kubeconfig');
  fakePrograms(t, { kubectl: 'echo E1121 memcache >&2; echo connection refused >&2; exit 1' });
  const lacks = 'needs the cluster of KUBECONFIG=/srv/kubeconfig, which does not answer (connection refused)';
  assert.deepEqual(await existing({ state: '/unused' }), { lacks });
});

test("not where KUBECONFIG is not set, whatever kubectl's own default is", async (t) => {
  kubeconfig(t, undefined);
  const { calls } = fakePrograms(t, { kubectl: 'echo ok' });
  assert.deepEqual(await existing({ state: '/unused' }), { lacks: 'needs KUBECONFIG, which is not set' });
  assert.deepEqual(calls(), []);
});

test("somebody's cluster is neither brought up nor down", async (t) => {
  const { calls } = fakePrograms(t, { kubectl: '', docker: '', buildah: '' });
  const provider = new ExistingProvider(undefined);
  await provider.up();
  await provider.down();
  await provider.destroy();
  assert.deepEqual(calls(), []);
  assert.equal(provider.signal, undefined);
});

test('images: without a registry a sentence says how, with one they are pushed there', async (t) => {
  const { calls } = fakePrograms(t, { docker: '', buildah: 'exit 1' });
  await assert.rejects(new ExistingProvider(undefined).load(['evenkeel:dev']), (error) => {
    assert.ok(error instanceof Impossible);
    assert.match(error.message, /push the image .* global\.image\.registry .* EVENKEEL_E2E_REGISTRY/);
    return true;
  });
  await new ExistingProvider('registry.example/team').load(['evenkeel:dev']);
  assert.deepEqual(calls().slice(-2), [
    'docker tag evenkeel:dev registry.example/team/evenkeel:dev',
    'docker push registry.example/team/evenkeel:dev',
  ]);
});

test('an image that nobody has', async (t) => {
  fakePrograms(t, { docker: 'test "$1" = info', buildah: 'exit 1' });
  const message = 'nothing:here is no file, and no image in Docker';
  await assert.rejects(new ExistingProvider('registry.example').load(['nothing:here']), { message });
});
