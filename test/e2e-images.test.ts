import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imagesIn } from './e2e/support/images.ts';

test('end-to-end tests take the image that nodes were given', () => {
  const dev = { tag: 'dev', nextTag: 'dev-next', registry: undefined, repository: 'evenkeel', image: 'evenkeel:dev' };
  assert.deepEqual(imagesIn({}), dev);
  assert.deepEqual(imagesIn({ EVENKEEL_CLUSTER: 'kind', EVENKEEL_E2E_REGISTRY: 'registry.example/team' }), dev);
  assert.deepEqual(imagesIn({ EVENKEEL_CLUSTER: 'existing', EVENKEEL_E2E_REGISTRY: '' }), dev);
});

test('end-to-end tests take the image from where it was pushed to, in a cluster that pulls it', () => {
  for (const EVENKEEL_CLUSTER of ['existing', '']) {
    const env = { EVENKEEL_CLUSTER, EVENKEEL_E2E_REGISTRY: 'registry.example:5000/team/', EVENKEEL_E2E_TAG: 'x' };
    assert.deepEqual(imagesIn(env), {
      tag: 'x',
      nextTag: 'x-next',
      registry: 'registry.example:5000/team',
      repository: 'registry.example:5000/team/evenkeel',
      image: 'registry.example:5000/team/evenkeel:x',
    });
  }
});
