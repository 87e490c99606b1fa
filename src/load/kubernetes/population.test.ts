import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isoTime } from '../../core/clock.ts';
import type { Incident } from '../cluster.ts';
import { type ContainerStatus, labels, type Pod } from './objects.ts';
import { Population } from './population.ts';

interface Facts {
  component?: string;
  uid?: string;
  ready?: boolean;
  told?: boolean;
  phase?: string;
  reason?: string;
  /** Who disrupts it. */
  disruption?: string;
  status?: Partial<ContainerStatus>;
}

function pod(name: string, facts: Facts = {}): Pod {
  const { component = 'server', ready = true, told = false, phase = 'Running', reason, disruption, status } = facts;
  const ports = { server: 'rpc', gateway: 'http', zookeeper: 'client' } as Record<string, string>;
  return {
    metadata: {
      name,
      uid: facts.uid ?? name,
      resourceVersion: '1',
      labels: { [labels.component]: component },
      creationTimestamp: isoTime(500),
      ...(told && { deletionTimestamp: isoTime(0) }),
    },
    spec: {
      nodeName: 'n',
      containers: [
        { name: 'proxy', image: 'p' },
        { name: 'main', image: 'i', ports: [{ name: ports[component]!, containerPort: 7000 }] },
      ],
    },
    status: {
      phase,
      podIP: '10.0.0.1',
      ...(reason !== undefined && { reason }),
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False' },
        ...(disruption === undefined ? [] : [{ type: 'DisruptionTarget', status: 'True', reason: disruption }]),
      ],
      containerStatuses: [
        { name: 'proxy', restartCount: 9 },
        { name: 'main', restartCount: 0, ...status },
      ],
    },
  };
}

function scene() {
  const incidents: Incident[] = [];
  const time = { now: 1000 };
  /** Components of which pods may be told to go. */
  const expected = new Set<string>(['server', 'gateway', 'zookeeper']);
  const population = new Population(
    () => time.now,
    (incident) => incidents.push(incident),
    (component) => expected.has(component),
  );
  population.complete = true;
  const put = (at: number, ...of: Parameters<typeof pod>) => {
    time.now = at;
    population.put(pod(...of));
  };
  return { population, incidents, time, put, expected, whats: () => incidents.map(({ what }) => what) };
}

describe('the pods of a release', () => {
  it('go from their start to their end, each step at the time of its news', () => {
    const { population, time, put, whats } = scene();
    const phase = () => population.all('server')[0]!.phase;
    put(1000, 'a', { ready: false });
    assert.equal(phase(), 'starting');
    put(1100, 'a');
    assert.equal(phase(), 'ready');
    put(1200, 'a', { ready: false });
    assert.equal(phase(), 'unready');
    put(1300, 'a');
    put(1400, 'a', { told: true });
    assert.equal(phase(), 'stopping');
    assert.deepEqual(population.ready('server'), []);
    put(1500, 'a', { told: true, status: { state: { terminated: { exitCode: 0 } } } });
    // Its sidecar still runs.
    assert.equal(phase(), 'gone');
    assert.deepEqual(population.present('server'), []);
    assert.equal(population.all('server')[0]!.removedAt, undefined);
    time.now = 1600;
    population.gone(pod('a', { told: true }));
    const [life] = population.all('server');
    assert.equal(life!.removedAt, 1600);
    assert.deepEqual(life!.state(), {
      name: 'a',
      address: '10.0.0.1:7000',
      phase: 'gone',
      machine: 'n',
      startedAt: 1000,
      readyAt: 1100,
      stoppedAt: 1400,
      goneAt: 1500,
    });
    assert.deepEqual(whats(), []);
  });

  it('that were there before began when they say', () => {
    const { population, put } = scene();
    population.complete = false;
    put(1000, 'a', { status: { restartCount: 4 } });
    assert.equal(population.all('server')[0]!.startedAt, 500);
  });

  it('are told apart by component and address, though an address is used again', () => {
    const { population, put, time } = scene();
    put(1000, 'old');
    time.now = 1100;
    population.gone(pod('old'));
    put(1200, 'new');
    put(1200, 'gateway', { component: 'gateway' });
    put(1200, 'other', { component: 'loadtest' });
    assert.equal(population.serverAt('10.0.0.1:7000')!.name, 'new');
    assert.deepEqual(
      population.all('server').map(({ name }) => name),
      ['old', 'new'],
    );
    // A StatefulSet gives its pods the same names again and again.
    put(1300, 'zk-0', { component: 'zookeeper', uid: 'one' });
    population.gone(pod('zk-0', { component: 'zookeeper', uid: 'one' }));
    put(1400, 'zk-0', { component: 'zookeeper', uid: 'two' });
    assert.deepEqual(
      population.all('zookeeper').map(({ phase }) => phase),
      ['gone', 'ready'],
    );
  });
});

describe('servers of a release in the registry', () => {
  it('are known by the address that they have, and an address that is used again is that of the last', () => {
    const { population, put, time } = scene();
    const registration = (uid: string) => population.all('server').find((life) => life.uid === uid)!.registration;
    const register = (at: number, ...addresses: string[]) => {
      time.now = at;
      population.seeRegistered(addresses);
    };
    put(1000, 'old');
    register(1100, '10.0.0.1:7000', '10.0.0.9:7000');
    put(1200, 'old', { told: true });
    time.now = 1300;
    population.gone(pod('old', { told: true }));
    put(1400, 'new');
    register(1500, '10.0.0.1:7000');
    assert.deepEqual([registration('old').since, registration('old').until], [1100, 1500]);
    assert.deepEqual([registration('new').since, registration('new').until], [1500, undefined]);
    register(1600);
    const { registeredAt, unregisteredAt } = population.all('server')[1]!.state();
    assert.deepEqual([registeredAt, unregisteredAt], [1500, 1600]);
  });
});

describe('what nobody ordered', () => {
  const end = (exitCode: number, reason?: string) => ({ exitCode, ...(reason !== undefined && { reason }) });

  it('is a container that ended by itself', () => {
    const { put, incidents, whats } = scene();
    put(1000, 'a');
    put(2000, 'a', { ready: false, status: { restartCount: 1, lastState: { terminated: end(137, 'OOMKilled') } } });
    put(3000, 'a', { status: { restartCount: 1, lastState: { terminated: end(137, 'OOMKilled') } } });
    assert.deepEqual(incidents, [{ at: 2000, what: 'the container of a ended by itself: exit code 137 (OOMKilled)' }]);
    put(4000, 'a', { status: { restartCount: 2, lastState: { terminated: end(1, 'Error') } } });
    assert.deepEqual(whats().slice(1), ['the container of a ended by itself: exit code 1']);
  });

  it('is not a container that we have killed', () => {
    const { population, put, whats } = scene();
    put(1000, 'a');
    population.all('server')[0]!.kills++;
    put(2000, 'a', { status: { restartCount: 1, lastState: { terminated: end(137) } } });
    assert.deepEqual(whats(), []);
    put(3000, 'a', { status: { restartCount: 2, lastState: { terminated: end(137) } } });
    assert.equal(whats().length, 1);
  });

  it('is not what was before we looked', () => {
    const { population, put, whats } = scene();
    population.complete = false;
    put(1000, 'a', { status: { restartCount: 4 } });
    population.complete = true;
    put(2000, 'a', { status: { restartCount: 4 } });
    assert.deepEqual(whats(), []);
  });

  it('is a server that does not end in good order when it is told to', () => {
    const { put, whats } = scene();
    put(1000, 'a');
    put(2000, 'a', { told: true });
    put(3000, 'a', { told: true, status: { state: { terminated: end(137) } } });
    put(3100, 'a', { told: true, status: { state: { terminated: end(137) } } });
    assert.deepEqual(whats(), ['a did not end in good order when it was told to: exit code 137']);
  });

  it('is not a server that was told to end before it had come so far as to hear it', () => {
    const { put, whats } = scene();
    for (const [name, ready, exitCode] of [
      ['a', false, 143],
      ['b', true, 143],
      ['c', false, 137],
    ] as const) {
      put(1000, name, { ready });
      put(2000, name, { ready, told: true });
      put(3000, name, { ready, told: true, status: { state: { terminated: end(exitCode) } } });
    }
    assert.deepEqual(whats(), [
      'b did not end in good order when it was told to: exit code 143',
      'c did not end in good order when it was told to: exit code 137',
    ]);
  });

  it("is not a JVM's way to say that it was told to end", () => {
    const { put, whats } = scene();
    put(1000, 'zk-0', { component: 'zookeeper' });
    put(2000, 'zk-0', { component: 'zookeeper', told: true, status: { state: { terminated: end(143) } } });
    assert.deepEqual(whats(), []);
  });

  it('is a pod that somebody else told to go, and why, where Kubernetes says it', () => {
    const { population, put, whats, expected } = scene();
    for (const name of ['a', 'b', 'c', 'd']) put(1000, name);
    put(1000, 'g', { component: 'gateway' });
    put(1900, 'a', { told: true });
    expected.delete('server');
    put(2000, 'a', { told: true });
    put(2100, 'b', { told: true, disruption: 'EvictionByEvictionAPI' });
    put(2200, 'b', { told: true, disruption: 'EvictionByEvictionAPI' });
    // At once: the news of its end is the first.
    population.gone(pod('c', { told: true }));
    population.gone(pod('d'));
    put(2300, 'g', { component: 'gateway', told: true });
    assert.deepEqual(whats(), [
      'b was told to go by somebody else (EvictionByEvictionAPI)',
      'c was told to go by somebody else',
      'd vanished: nobody had told it to go',
    ]);
  });

  it('is not that what has failed is tidied up', () => {
    const { population, put, whats, expected } = scene();
    expected.clear();
    put(1000, 'a');
    put(2000, 'a', { phase: 'Failed', reason: 'Evicted', ready: false });
    put(3000, 'a', { phase: 'Failed', reason: 'Evicted', ready: false, told: true });
    population.gone(pod('a', { phase: 'Failed', told: true }));
    assert.deepEqual(whats(), ['a failed: Evicted']);
  });

  it('is a pod that its node threw out', () => {
    const { population, put, whats } = scene();
    put(1000, 'a');
    put(2000, 'a', { phase: 'Failed', reason: 'Evicted', ready: false });
    assert.deepEqual(whats(), ['a failed: Evicted']);
    assert.equal(population.all('server')[0]!.phase, 'gone');
  });
});
