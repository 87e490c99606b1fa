import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runningContainer } from './pod-status.ts';

const target = { namespace: 'default', pod: 'server-0', container: 'server' };
const running = { name: 'server', containerID: 'containerd://abc', state: { running: {} } };

test('where a container runs, and its id', () => {
  const other = { name: 'other', containerID: 'containerd://def', state: { running: {} } };
  const pod = { spec: { nodeName: 'node-2' }, status: { containerStatuses: [other, running] } };
  assert.deepEqual(runningContainer(pod, target), { node: 'node-2', id: 'abc' });
});

test('a container that does not run, or is not there', () => {
  const message = 'container server of pod default/server-0 does not run';
  const spec = { nodeName: 'node-2' };
  const ended = { ...running, state: {} };
  for (const containerStatuses of [[], [ended], [{ ...running, containerID: '' }], [{ ...running, name: 'other' }]]) {
    assert.throws(() => runningContainer({ spec, status: { containerStatuses } }, target), { message });
  }
  assert.throws(() => runningContainer({ spec: {}, status: { containerStatuses: [running] } }, target), { message });
});
