import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { FakeApiServer, namespace } from '../../../test/support/kubernetes/api-server.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import type { Api, ApiError, WatchEvent } from './api.ts';
import { connectApi } from './connect.ts';
import { autoscalers, deployments, nodes, type Pod, pods } from './objects.ts';

async function scene(t: TestContext): Promise<{ server: FakeApiServer; api: Api }> {
  const server = await FakeApiServer.start();
  t.after(() => server.close());
  return { server, api: await connect(server.url) };
}

function connect(url: string, more: { clock?: typeof systemClock } = {}): Promise<Api> {
  return connectApi({
    clock: systemClock,
    namespace,
    configure: (config) =>
      config.loadFromClusterAndUser(
        { name: 'fake', server: url, skipTLSVerify: true },
        { name: 'us', token: 'secret' },
      ),
    ...more,
  });
}

const lt = { metadata: { name: 'lt', labels: { app: 'a' } }, spec: { replicas: 2, selector: {} } };

describe('the API server', () => {
  it('is asked for objects, and changed by merge patches', async (t) => {
    const { server, api } = await scene(t);
    server.put(deployments, lt);
    server.put(deployments, { metadata: { name: 'other', labels: { app: 'b' } } });
    assert.equal((await api.get(deployments, 'lt')).spec.replicas, 2);
    assert.deepEqual(
      (await api.list(deployments, { selector: 'app=a' })).items.map(({ metadata }) => metadata.name),
      ['lt'],
    );
    const changed = await api.patch(deployments, 'lt', { spec: { replicas: null, paused: true } });
    assert.deepEqual(changed.spec, { selector: {}, paused: true });
    await api.remove(deployments, 'lt');
    assert.equal(server.all(deployments).length, 1);
    await until(() => server.connections === 0, 'no connection to be left behind');
  });

  it('says in one sentence what it refuses: the verb, what, where', async (t) => {
    const { server, api } = await scene(t);
    for (const denied of ['get deployments', 'list horizontalpodautoscalers', 'patch nodes', 'create pods/eviction']) {
      server.denied.add(denied);
    }
    const role = 'our service account (in a pod) or user needs a';
    const cases: [Promise<unknown>, string][] = [
      [
        api.get(deployments, 'lt'),
        `we may not get deployments.apps in the namespace demo: ${role} Role that allows it: `,
      ],
      [
        api.list(autoscalers),
        `we may not list horizontalpodautoscalers.autoscaling in the namespace demo: ${role} Role that allows it: `,
      ],
      [api.patch(nodes, 'n', {}), `we may not patch nodes cluster-wide: ${role} ClusterRole that allows it: `],
      [
        api.create(pods, {}, { of: 'p', sub: 'eviction' }),
        `we may not create pods/eviction in the namespace demo: ${role} Role that allows it: `,
      ],
      [api.get(pods, 'p'), 'there is no p among the pods in the namespace demo'],
    ];
    for (const [asked, sentence] of cases) {
      await assert.rejects(asked, (error: ApiError) => {
        assert.ok(error.message.startsWith(sentence), error.message);
        assert.equal(error.message.includes('\n'), false);
        return true;
      });
    }
    server.refuse = () => ({ status: 403, message: 'exceeded quota: pods' });
    await assert.rejects(
      api.list(pods),
      /^ApiError: the API server does not let us list pods in the namespace demo: exceeded quota: pods$/,
    );
    server.refuse = () => ({ status: 429, message: 'not yet', headers: { 'retry-after': '7' } });
    await assert.rejects(api.list(pods), (error: ApiError) => error.status === 429 && error.retryAfter === 7000);
    server.refuse = () => ({ status: 401, message: 'Unauthorized' });
    await assert.rejects(
      api.list(pods),
      /^ApiError: the API server \S+ does not take our token or certificate: Unauth/,
    );
  });

  it('is said to be unreachable, and why', async (t) => {
    const { server, api } = await scene(t);
    const { url } = server;
    await server.close();
    const gone = /^ApiError: the API server http:\/\/127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/;
    await assert.rejects(api.list(pods), gone);
    await assert.rejects(connect(url), gone);
    await assert.rejects(api.exec({ pod: 'p', container: 'c', command: ['sh'] }), gone);
  });

  it('is not waited for for ever', async (t) => {
    const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const { port } = silent.address() as { port: number };
    // Ten seconds in a tenth of one.
    const clock = {
      ...systemClock,
      timer: (ms: number, callback: () => void) => systemClock.timer(ms / 100, callback),
    };
    await assert.rejects(
      connect(`http://127.0.0.1:${port}`, { clock }),
      /^ApiError: the API server http:\S+ cannot be reached: no answer within 10 s$/,
    );
  });

  it('is not looked for where none is configured', async () => {
    await assert.rejects(
      connectApi({ clock: systemClock, configure: () => {} }),
      /^ApiError: there is no Kubernetes to ask: in a pod let its service account token be mounted/,
    );
    const configure = () => {
      throw new Error('bad file\nwith secrets');
    };
    await assert.rejects(
      connectApi({ clock: systemClock, configure }),
      /^ApiError: the Kubernetes configuration cannot be read: bad file$/,
    );
  });
});

describe('a stream of events', () => {
  it('tells what happens, until it is ended', async (t) => {
    const { server, api } = await scene(t);
    const { version: since } = await api.list(pods);
    const events: WatchEvent<Pod>[] = [];
    const stop = new AbortController();
    const { promise: opened, resolve: onOpen } = Promise.withResolvers<void>();
    const watching = api.watch(pods, { since, signal: stop.signal, onOpen, onEvent: (event) => events.push(event) });
    await opened;
    server.put(pods, { metadata: { name: 'p' } });
    server.patch(pods, 'p', { spec: {} });
    server.delete(pods, 'p');
    await until(() => events.length === 3, 'three events');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ADDED', 'MODIFIED', 'DELETED'],
    );
    stop.abort();
    await watching;
    await until(() => server.connections === 0, 'the connection to be closed');
  });

  it('resolves when the server ends it, and rejects when the version is too old', async (t) => {
    const { server, api } = await scene(t);
    const { version: since } = await api.list(pods);
    const { signal } = new AbortController();
    const watch = (onOpen: () => void) => api.watch(pods, { since, signal, onOpen, onEvent: () => {} });
    await watch(() => server.endStreams());
    server.compact();
    await assert.rejects(
      watch(() => {}),
      (error: ApiError) => error.status === 410,
    );
  });
});

describe('a program in a container', () => {
  const where = { pod: 'p', container: 'c', command: ['sh'] };

  it('is spoken to, and says how it ended', async (t) => {
    const { server, api } = await scene(t);
    server.program = ({ pod, container }, io) => {
      io.onLine = (line) => io.print(`${pod} ${container}: ${line}`);
      io.onEnd = () => io.exit(3, 'no more');
    };
    const running = await api.exec(where);
    running.write('one\ntwo\n');
    const lines = running.lines[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'p c: one');
    assert.equal((await lines.next()).value, 'p c: two');
    running.close();
    assert.equal(await running.ended, 'exit code 3: no more');
    assert.equal((await lines.next()).done, true);
    await until(() => server.connections === 0, 'the connection to be closed');
  });

  it('ends with its connection', async (t) => {
    const { server, api } = await scene(t);
    server.program = (_where, io) => {
      io.onLine = () => io.drop();
    };
    const running = await api.exec(where);
    running.write('one\n');
    assert.equal(await running.ended, 'the connection was lost');
    assert.equal((await running.lines[Symbol.asyncIterator]().next()).done, true);
  });

  it('is closed by force when it does not end', async (t) => {
    const { server, api } = await scene(t);
    const running = await api.exec(where);
    running.close();
    assert.equal(await running.ended, 'the connection was lost');
    await until(() => server.connections === 0, 'the connection to be closed');
  });

  it('needs a right', async (t) => {
    const { server, api } = await scene(t);
    server.denied.add('create pods/exec');
    await assert.rejects(
      api.exec(where),
      /^ApiError: we may not create pods\/exec in the namespace demo: .* needs a Role that allows it$/,
    );
  });
});
