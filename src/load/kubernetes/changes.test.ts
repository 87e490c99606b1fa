import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { FakeApiServer, namespace } from '../../../test/support/kubernetes/api-server.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import type { Api } from './api.ts';
import { annotation, Changes, restoreLeftovers } from './changes.ts';
import { connectApi } from './connect.ts';
import { autoscalers, deployments, labels, nodes } from './objects.ts';

const release = { name: 'lt', namespace };
const own = { [labels.release]: 'lt' };

async function scene(t: TestContext) {
  const server = await FakeApiServer.start();
  t.after(() => server.close());
  const api = await connectApi({ clock: systemClock, namespace, configure: server.configure });
  server.put(deployments, { metadata: { name: 'd', labels: own }, spec: { replicas: 2 } });
  server.put(autoscalers, { metadata: { name: 'h', labels: own }, spec: { minReplicas: 1, maxReplicas: 4 } });
  server.put(nodes, { metadata: { name: 'n' }, spec: {} });
  const said: string[] = [];
  const options = { api, release, by: 'me', say: (sentence: string) => said.push(sentence) };
  const changes = new Changes(options);
  return { server, options, changes, said };
}

describe('changes', () => {
  it('are put back, each as it was before the first of them', async (t) => {
    const { server, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    await changes.make(deployments, 'd', { replicas: 1 });
    await changes.make(autoscalers, 'h', { minReplicas: 3, maxReplicas: 3 });
    await changes.make(nodes, 'n', { unschedulable: true });
    const note = server.find(autoscalers, 'h').metadata.annotations![annotation]!;
    assert.deepEqual(JSON.parse(note), {
      ...{ by: 'me', release: 'demo/lt' },
      ...{ was: { minReplicas: 1, maxReplicas: 4 }, set: { minReplicas: 3, maxReplicas: 3 } },
    });
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 2 });
    assert.deepEqual(server.find(autoscalers, 'h').spec, { minReplicas: 1, maxReplicas: 4 });
    assert.deepEqual(server.find(nodes, 'n').spec, {});
    for (const object of [server.find(deployments, 'd'), server.find(nodes, 'n')]) {
      assert.deepEqual(object.metadata.annotations, {});
    }
    const { length } = server.requests;
    assert.deepEqual(await changes.undoAll(), []);
    assert.equal(server.requests.length, length, 'there is nothing left to be put back');
  });

  it('are written down in the same request that makes them', async (t) => {
    const { server, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    const patches = server.requests.filter(({ method }) => method === 'PATCH');
    assert.equal(patches.length, 1);
    const { metadata, spec } = patches[0]!.body as { metadata: { annotations: object }; spec: object };
    assert.deepEqual(Object.keys(metadata.annotations), [annotation]);
    assert.deepEqual(spec, { replicas: 5 });
  });

  it('are put back that were made only when all had been put back', async (t) => {
    const { server, options } = await scene(t);
    const { promise: mayPatch, resolve: patch } = Promise.withResolvers<void>();
    const { api } = options;
    const slow: Pick<Api, 'get' | 'patch'> = {
      get: (...args) => api.get(...args),
      patch: (...args) => mayPatch.then(() => api.patch(...args)),
    };
    const changes = new Changes({ ...options, api: slow as Api });
    const making = changes.make(nodes, 'n', { unschedulable: true });
    await until(() => changes.any, 'the request to be on its way');
    assert.deepEqual(await changes.undoAll(), []);
    patch();
    await making;
    assert.equal(server.find(nodes, 'n').spec.unschedulable, true);
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual(server.find(nodes, 'n').spec, {});
  });

  it('may have been made though the answer was lost, and are put back then too', async (t) => {
    const { server, changes } = await scene(t);
    server.refuse = ({ method, name }) => {
      if (method !== 'PATCH' || name !== 'd') return undefined;
      server.refuse = () => undefined;
      const note = JSON.stringify({ by: 'me', release: 'demo/lt', was: { replicas: 2 }, set: { replicas: 5 } });
      server.patch(deployments, 'd', { metadata: { annotations: { [annotation]: note } }, spec: { replicas: 5 } });
      return { status: 504, message: 'timeout' };
    };
    await assert.rejects(changes.make(deployments, 'd', { replicas: 5 }), /504/);
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 2 });
  });

  it('of what is gone by now are no trouble; what cannot be put back is said, and tried again', async (t) => {
    const { server, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    await changes.make(autoscalers, 'h', { minReplicas: 3 });
    server.delete(deployments, 'd');
    server.denied.add('patch horizontalpodautoscalers');
    const [problem, ...others] = await changes.undoAll();
    assert.deepEqual(others, []);
    assert.match(problem!, /^horizontalpodautoscalers\/h could not be put back as it was: we may not patch horiz/);
    server.denied.clear();
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual(server.find(autoscalers, 'h').spec, { minReplicas: 1, maxReplicas: 4 });
  });
});

describe('what somebody has set since', () => {
  const scaled = 'deployments/d was changed since, and stays so: replicas is 4, not 5 as a load test set it';

  it('stays, when a load test ends, and that is said', async (t) => {
    const { server, changes, said } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    await changes.make(autoscalers, 'h', { minReplicas: 3, maxReplicas: 3 });
    server.patch(deployments, 'd', { spec: { replicas: 4 } });
    server.patch(autoscalers, 'h', { spec: { maxReplicas: 20 } });
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 4 });
    assert.deepEqual(server.find(autoscalers, 'h').spec, { minReplicas: 1, maxReplicas: 20 });
    for (const object of [server.find(deployments, 'd'), server.find(autoscalers, 'h')]) {
      assert.deepEqual(object.metadata.annotations, {});
    }
    const bounds = 'maxReplicas is 20, not 3 as a load test set it';
    assert.deepEqual(said, [`horizontalpodautoscalers/h was changed since, and stays so: ${bounds}`, scaled]);
  });

  it('stays, when another one puts back what was left', async (t) => {
    const { server, options, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    server.patch(deployments, 'd', { spec: { replicas: 4 } });
    assert.deepEqual(await restoreLeftovers({ ...options, by: 'the-next' }), {
      restored: [scaled],
      problems: [],
      unseen: [],
    });
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 4 });
    assert.deepEqual(server.find(deployments, 'd').metadata.annotations, {});
  });

  it('is put back when it was changed by a load test thereafter', async (t) => {
    const { server, changes, said } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    server.patch(deployments, 'd', { spec: { replicas: 4 } });
    await changes.make(deployments, 'd', { replicas: 1 });
    await changes.undoAll();
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 4 });
    assert.deepEqual(said, []);
  });

  it('is not what an autoscaler did that was told the same', async (t) => {
    const { server, changes, said } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    server.patch(deployments, 'd', { spec: { replicas: 3 } });
    await changes.make(deployments, 'd', { replicas: 3 });
    await changes.undoAll();
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 2 });
    assert.deepEqual(said, []);
  });

  it('needs no word when it is what was there before', async (t) => {
    const { server, changes, said } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    server.patch(deployments, 'd', { spec: { replicas: 2 } });
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual([server.find(deployments, 'd').metadata.annotations, said], [{}, []]);
  });

  it('is not ours to put back when another conductor did it', async (t) => {
    const { server, options, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    const next = new Changes({ ...options, by: 'the-next' });
    await restoreLeftovers({ ...options, by: 'the-next' });
    await next.make(deployments, 'd', { replicas: 3 });
    assert.deepEqual(await changes.undoAll(), []);
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 3 });
    await next.undoAll();
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 2 });
  });
});

describe('what a dead conductor left', () => {
  it('is found and put back once, on nodes too', async (t) => {
    const { server, options, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    await changes.make(nodes, 'n', { unschedulable: true });
    const next = { ...options, by: 'the-next' };
    const found = ['nodes/n', 'deployments/d'].map((name) => `${name} is as it was before an earlier load test`);
    assert.deepEqual(await restoreLeftovers(next), { restored: found, problems: [], unseen: [] });
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 2 });
    assert.deepEqual(server.find(nodes, 'n').spec, {});
    assert.deepEqual(await restoreLeftovers(next), { restored: [], problems: [], unseen: [] });
  });

  it('is not that of a conductor beside the cluster which is at work on this machine', async (t) => {
    const { server, options } = await scene(t);
    const by = `${hostname()}-${process.ppid}`;
    await new Changes({ ...options, by }).make(nodes, 'n', { unschedulable: true });
    await assert.rejects(restoreLeftovers(options), {
      message: `another load test is at work on lt, in the process ${by}: wait until it is over`,
    });
    assert.equal(server.find(nodes, 'n').spec.unschedulable, true);
  });

  it('is that of one which was at work on this machine, or is on another one', async (t) => {
    const { server, options } = await scene(t);
    const child = spawn(process.execPath, ['--eval', '0']);
    await once(child, 'exit');
    for (const by of [`${hostname()}-${child.pid}`, `elsewhere-${process.ppid}`, `${hostname()}-x`]) {
      await new Changes({ ...options, by }).make(nodes, 'n', { unschedulable: true });
      assert.equal((await restoreLeftovers(options)).restored.length, 1, by);
      assert.deepEqual(server.find(nodes, 'n').spec, {});
    }
  });

  it('of another release is not ours', async (t) => {
    const { server, options } = await scene(t);
    const other = new Changes({ ...options, release: { name: 'other', namespace } });
    await other.make(nodes, 'n', { unschedulable: true });
    assert.deepEqual(await restoreLeftovers(options), { restored: [], problems: [], unseen: [] });
    assert.equal(server.find(nodes, 'n').spec.unschedulable, true);
  });

  it('is put back without nodes where we may not see any', async (t) => {
    const { server, options, changes } = await scene(t);
    await changes.make(deployments, 'd', { replicas: 5 });
    server.denied.add('list nodes');
    const { restored, problems, unseen } = await restoreLeftovers(options);
    assert.deepEqual([restored.length, problems.length, unseen.length], [1, 0, 1]);
    assert.match(unseen[0]!, /^nodes could not be looked at: we may not list nodes cluster-wide/);
  });

  it('touches no field that is not ours, whatever the note says', async (t) => {
    const { server, options } = await scene(t);
    const note = { by: 'x', release: 'demo/lt', was: { replicas: 3, template: { spec: { hostNetwork: true } } } };
    server.patch(deployments, 'd', { metadata: { annotations: { [annotation]: JSON.stringify(note) } } });
    await restoreLeftovers(options);
    assert.deepEqual(server.find(deployments, 'd').spec, { replicas: 3 });
    server.patch(deployments, 'd', { metadata: { annotations: { [annotation]: 'no JSON' } } });
    assert.deepEqual(await restoreLeftovers(options), { restored: [], problems: [], unseen: [] });
  });
});
