/** What kind and Docker are asked for: neither is needed. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fakePrograms } from './fake-programs.ts';
import { KindProvider, kind, kindConfig } from './kind.ts';

const options = { state: '/unused' };

/** @param running What Docker says of each node; empty: there is no cluster. */
function fakes(t: TestContext, running: 'true' | 'false' | '') {
  return fakePrograms(t, {
    kind: `case "$2" in clusters) ${running === '' ? ':' : 'echo evenkeel'};; nodes) printf 'evenkeel-worker\\nevenkeel-control-plane\\n';; esac`,
    docker: `case "$1" in inspect) printf '${running}\\n${running}\\n';; esac`,
    kubectl: `case "$*" in *"get pod "*) echo '{"spec":{"nodeName":"evenkeel-worker"},"status":{"containerStatuses":[{"name":"server","containerID":"containerd://abc","state":{"running":{}}}]}}';; esac`,
    helm: '',
  });
}

test('one node for the control plane, and as many as wanted that run pods', () => {
  const { nodes, name } = JSON.parse(kindConfig(2));
  assert.equal(name, 'evenkeel');
  assert.deepEqual(nodes, [{ role: 'control-plane' }, { role: 'worker' }, { role: 'worker' }]);
});

test('possible where Docker answers and all programs are there, else the first that is missing is named', async (t) => {
  const { folder } = fakes(t, '');
  assert.ok('provider' in (await kind(options)));
  const broken = (name: string) => writeFileSync(join(folder, name), '#!/bin/sh\nexit 1\n');
  broken('helm');
  assert.deepEqual(await kind(options), { lacks: 'needs helm on PATH, and there is none that works' });
  broken('kind');
  assert.deepEqual(await kind(options), { lacks: 'needs kind on PATH, and there is none that works' });
  broken('docker');
  assert.deepEqual(await kind(options), { lacks: 'needs Docker, which does not answer' });
});

const asked = (calls: string[], start: string) => calls.some((call) => call.startsWith(start));

test('up makes a cluster where there is none, and waits for nodes, DNS and metrics-server', async (t) => {
  const { calls } = fakes(t, '');
  await new KindProvider().up(3);
  const made = calls();
  assert.ok(asked(made, 'kind create cluster --config '));
  assert.match(made.at(-1)!, /wait apiservice\/v1beta1\.metrics\.k8s\.io --for=condition=Available/);
  for (const waited of ['wait node --all', 'deployment/coredns', 'deployment/metrics-server']) {
    assert.ok(
      made.some((call) => call.startsWith('kubectl ') && call.includes(waited)),
      waited,
    );
  }
});

test('up starts a cluster that was stopped, and leaves one alone that runs', async (t) => {
  const stopped = fakes(t, 'false');
  await new KindProvider().up();
  const calls = stopped.calls();
  assert.ok(asked(calls, 'docker start evenkeel-worker evenkeel-control-plane'));
  assert.ok(!asked(calls, 'kind create'));
  const running = fakes(t, 'true');
  await new KindProvider().up();
  assert.ok(!asked(running.calls(), 'docker start'));
});

test('down stops the nodes; without a cluster there is nothing to do', async (t) => {
  const running = fakes(t, 'true');
  await new KindProvider().down();
  assert.ok(asked(running.calls(), 'docker stop evenkeel-worker evenkeel-control-plane'));
  const none = fakes(t, '');
  await new KindProvider().down();
  assert.ok(!asked(none.calls(), 'docker stop'));
});

test('a program is run with the kubeconfig of the cluster, and says so when there is none', async (t) => {
  fakes(t, 'true');
  const { file, args, env } = await new KindProvider().command(['helm', 'list', '-A']);
  assert.deepEqual([file, args, env.EVENKEEL_CLUSTER], ['helm', ['list', '-A'], 'kind']);
  assert.match(env.KUBECONFIG!, /kubeconfig$/);
  fakes(t, '');
  await assert.rejects(new KindProvider().command(['true']), { message: /^the cluster is not up: npm run cluster/ });
});

test('an image goes to the nodes as a file', async (t) => {
  const { calls } = fakes(t, 'true');
  await new KindProvider().load(['evenkeel:dev', import.meta.filename]);
  const loads = calls().filter((call) => call.startsWith('kind load') || call.startsWith('docker save'));
  assert.match(loads[0]!, /^docker save --output \S+image\.tar evenkeel:dev$/);
  assert.match(loads[1]!, /^kind load image-archive \S+image\.tar --name evenkeel$/);
  assert.equal(loads[2], `kind load image-archive ${import.meta.filename} --name evenkeel`);
});

test('a signal is sent in the node, to the groups of the container', async (t) => {
  const { calls } = fakes(t, 'true');
  const { signal } = new KindProvider();
  await signal({ namespace: 'default', pod: 'server-0', container: 'server' }, 'SIGSTOP');
  const text = calls().join('\n');
  assert.match(text, /^docker exec evenkeel-worker \/bin\/sh -c pids=.* abc STOP$/ms);
});
