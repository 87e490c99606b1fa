import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeApiServer, namespace } from '../../../test/support/kubernetes/api-server.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { connectApi } from './connect.ts';
import { pods } from './objects.ts';
import { Watched } from './watched.ts';

async function scene(t: TestContext) {
  const server = await FakeApiServer.start();
  t.after(() => server.close());
  const api = await connectApi({ clock: systemClock, namespace, configure: server.configure });
  const news: string[] = [];
  const watched = new Watched({
    api,
    kind: pods,
    selector: 'app=a',
    clock: systemClock,
    onPut: ({ metadata }) => news.push(`+${metadata.name}`),
    onGone: ({ metadata }) => news.push(`-${metadata.name}`),
    onTrouble: (error) => news.push(error === undefined ? 'well' : `trouble: ${error.message}`),
  });
  t.after(() => watched.close());
  const put = (name: string, app = 'a') => server.put(pods, { metadata: { name, labels: { app } } });
  const names = () => watched.all.map(({ metadata }) => metadata.name).join();
  const lists = () => server.requests.filter(({ query }) => !query.has('watch')).length - 1;
  return { server, watched, news, put, names, lists };
}

describe('objects that are watched', () => {
  it('are those of the selector, as they come, change and go', async (t) => {
    const { server, watched, news, put, names, lists } = await scene(t);
    put('one');
    put('other', 'b');
    await watched.start();
    assert.equal(names(), 'one');
    put('two');
    await until(() => names() === 'one,two', 'the second');
    server.patch(pods, 'two', { spec: { nodeName: 'n' } });
    await until(() => watched.named('two')?.spec?.nodeName === 'n', 'its change');
    server.delete(pods, 'one');
    await until(() => names() === 'two', 'the first to be gone');
    assert.deepEqual(news, ['+one', '+two', '+two', '-one']);
    assert.equal(lists(), 1);
  });

  it('go on where the last stream ended, without another list', async (t) => {
    const { server, watched, news, put, names, lists } = await scene(t);
    await watched.start();
    for (const name of ['one', 'two', 'three']) {
      server.endStreams();
      put(name);
      await until(() => watched.named(name) !== undefined, name);
    }
    assert.equal(names(), 'one,two,three');
    assert.deepEqual(news, ['+one', '+two', '+three']);
    assert.equal(lists(), 1);
  });

  it('are listed again when the server has forgotten what happened: what is gone is missed', async (t) => {
    const { server, watched, news, put, names, lists } = await scene(t);
    put('one');
    await watched.start();
    await until(() => server.requests.some(({ query }) => query.has('watch')), 'a stream');
    server.delete(pods, 'one');
    put('two');
    server.compact();
    await until(() => names() === 'two', 'the second');
    await until(() => lists() > 1, 'another list');
    assert.ok(news.includes('-one'));
    // Nobody is to blame for it.
    assert.equal(
      news.find((text) => text.startsWith('trouble')),
      undefined,
    );
  });

  it('tell a trouble once, and that it is over', async (t) => {
    const { server, watched, news, put, names } = await scene(t);
    await watched.start();
    let refusals = 0;
    server.refuse = () => ({ status: refusals++ < 3 ? 500 : 503, message: 'etcd is gone' });
    server.endStreams();
    await until(() => refusals >= 3, 'three attempts');
    server.refuse = () => undefined;
    put('one');
    await until(() => names() === 'one', 'the first');
    await until(() => news.includes('well'), 'the trouble to be over');
    const troubles = news.filter((text) => text.startsWith('trouble'));
    assert.equal(troubles.length, 1);
    assert.match(troubles[0]!, /answered 500 when we asked to watch pods in the namespace demo: etcd is gone$/);
  });

  it('cannot be watched without the right to', async (t) => {
    const { server, watched } = await scene(t);
    server.denied.add('list pods');
    await assert.rejects(watched.start(), /^ApiError: we may not list pods in the namespace demo/);
  });
});
