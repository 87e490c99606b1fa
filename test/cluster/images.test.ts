import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ImageBuild, ImageStore } from './image-store.ts';
import { buildImages, finalTargets, imageTag } from './images.ts';
import { Impossible, type Provider } from './provider.ts';

test('the targets of a Dockerfile, the default one first', () => {
  const dockerfile = `ARG NODE_IMAGE=node
FROM \${NODE_IMAGE} AS base
FROM base AS build
from base as tools
FROM base AS loadtest
RUN --mount=type=bind,from=tools,target=/t ls
COPY --from=build /app /app
FROM base AS evenkeel
COPY --from=build --chown=1:1 /app /app
`;
  assert.deepEqual(finalTargets(dockerfile), ['evenkeel', 'loadtest']);
});

test('the targets of this project', () => {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  assert.deepEqual(finalTargets(dockerfile), ['evenkeel', 'loadtest', 'kubernetes']);
});

test('the default target has the tag alone, others their name behind it', () => {
  assert.equal(imageTag('evenkeel', ['evenkeel', 'loadtest'], 'dev'), 'evenkeel:dev');
  assert.equal(imageTag('loadtest', ['evenkeel', 'loadtest'], '1.2.3'), 'evenkeel:1.2.3-loadtest');
});

/** A provider that only writes down what is built in its store. */
function builder(): { provider: Provider; builds: ImageBuild[] } {
  const builds: ImageBuild[] = [];
  const store = { name: 'a list', build: async (build: ImageBuild) => void builds.push(build) };
  return { provider: { store: async () => store as unknown as ImageStore } as Provider, builds };
}

test('all targets of this project, or those that are wanted, are built in the store of the provider', async () => {
  const { provider, builds } = builder();
  const names = await buildImages(provider);
  assert.equal(names[0], 'evenkeel:dev');
  assert.deepEqual(
    builds.map(({ image }) => image),
    names,
  );
  assert.deepEqual(await buildImages(provider, 'x', ['evenkeel']), ['evenkeel:x']);
  assert.equal(builds.at(-1)!.target, 'evenkeel');
});

test('a target that is not there', async () => {
  const { provider, builds } = builder();
  await assert.rejects(buildImages(provider, 'dev', ['evenkeel', 'nothing']), (error) => {
    assert.ok(error instanceof Impossible);
    assert.match(error.message, /^--target nothing: expected some of evenkeel\b/);
    return true;
  });
  assert.deepEqual(builds, []);
});
