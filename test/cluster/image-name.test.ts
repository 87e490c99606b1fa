import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullImageName, imageNameIn } from './image-name.ts';

test('the full name of an image', () => {
  const names = {
    evenkeel: 'docker.io/library/evenkeel:latest',
    'evenkeel:dev': 'docker.io/library/evenkeel:dev',
    'grafana/k6:1.8.1': 'docker.io/grafana/k6:1.8.1',
    'docker.io/library/node:26-slim': 'docker.io/library/node:26-slim',
    'localhost/evenkeel:dev': 'localhost/evenkeel:dev',
    'localhost:5000/evenkeel': 'localhost:5000/evenkeel:latest',
    'registry.example/team/evenkeel@sha256:0123': 'registry.example/team/evenkeel@sha256:0123',
  };
  for (const [name, full] of Object.entries(names)) assert.equal(fullImageName(name), full, name);
});

test('the name of an image in another registry', () => {
  assert.equal(imageNameIn('registry.example/team', 'evenkeel:dev'), 'registry.example/team/evenkeel:dev');
  assert.equal(imageNameIn('localhost:5000/', 'grafana/k6:1.8.1'), 'localhost:5000/grafana/k6:1.8.1');
});
