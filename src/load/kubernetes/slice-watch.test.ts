import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { type Api, ApiError, type WatchOptions } from './api.ts';
import type { EndpointSlice, SliceEndpoint } from './objects.ts';
import { SliceWatch } from './slice-watch.ts';

function slice(name: string, endpoints: readonly SliceEndpoint[] | null): EndpointSlice {
  return { metadata: { name, uid: name, resourceVersion: '2' }, endpoints };
}

function pod(uid: string, conditions: SliceEndpoint['conditions'] = { ready: true }): SliceEndpoint {
  return { targetRef: { uid }, conditions };
}

const ending = { ready: false, terminating: true };

/** A watch of what a made-up API server says, on a clock that stands still. */
async function scene(t: TestContext, first: readonly EndpointSlice[] = []) {
  const clock = new VirtualClock(0);
  const asked: string[] = [];
  let stream: WatchOptions<EndpointSlice> | undefined;
  let cut: (error: Error) => void = () => {};
  const server = {
    server: 'https://api',
    namespace: 'demo',
    slices: first,
    /** HTTP status with which it refuses. */
    refusal: undefined as number | undefined,
    async list(_: unknown, { selector = '' } = {}) {
      asked.push(selector);
      if (server.refusal !== undefined) throw new ApiError('no', { status: server.refusal });
      return { items: server.slices, version: '1' };
    },
    async watch(_: unknown, options: WatchOptions<EndpointSlice>) {
      if (server.refusal !== undefined) throw new ApiError('no', { status: server.refusal });
      stream = options;
      options.onOpen();
      await new Promise((_, reject) => {
        cut = reject;
        options.signal.addEventListener('abort', () => reject(options.signal.reason), { once: true });
      });
    },
  };
  const watch = new SliceWatch({
    api: server as unknown as Api,
    service: 'lt-server',
    clock,
    now: () => clock.wallTime(),
  });
  t.after(() => watch.close());
  return {
    ...{ clock, server, watch, asked },
    at: (ms: number) => clock.advance(ms - clock.now()),
    say: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: EndpointSlice) => stream!.onEvent({ type, object }),
    async cut() {
      cut(new ApiError('the connection was lost'));
      await clock.run(0);
    },
  };
}

describe('what Kubernetes publishes of a Service', () => {
  it('is the pods that its EndpointSlices name as ready', async (t) => {
    const first = [
      slice('one', [pod('a'), pod('b', { ready: false }), pod('c', {}), { targetRef: { uid: 'd' } }, {}]),
      slice('empty', null),
    ];
    const { watch, asked } = await scene(t, first);
    assert.equal(watch.count, undefined, 'nothing is known yet');
    await watch.start();
    assert.deepEqual(asked, ['kubernetes.io/service-name=lt-server']);
    assert.equal(watch.count, 3);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((uid) => watch.has(uid)),
      [true, false, true, true],
    );
  });

  it('says since when a pod has not been among them, as long as it does not come back', async (t) => {
    const { watch, say, at } = await scene(t, [slice('one', [pod('a'), pod('b', { ready: false })])]);
    await watch.start();
    const seen = (ms: number, conditions: SliceEndpoint['conditions']) => {
      at(ms);
      say('MODIFIED', slice('one', [pod('a', conditions), pod('b', { ready: false })]));
      return [watch.count, watch.withdrawnAt('a')];
    };
    assert.deepEqual(seen(100, { ready: false }), [0, 100]);
    assert.deepEqual(seen(200, { ready: true }), [1, undefined]);
    assert.deepEqual(seen(300, ending), [0, 300]);
    at(400);
    say('DELETED', slice('one', []));
    assert.deepEqual([watch.count, watch.withdrawnAt('a')], [0, 300], 'it was withdrawn before');
    assert.equal(watch.withdrawnAt('b'), undefined, 'it was never there');
  });

  it('counts a pod once that stands in several slices, and not when one of them knows that it ends', async (t) => {
    const { watch, say, at } = await scene(t, [slice('v4', [pod('a')]), slice('v6', [pod('a')])]);
    await watch.start();
    assert.equal(watch.count, 1);
    at(100);
    say('MODIFIED', slice('v4', [pod('a', ending)]));
    assert.deepEqual([watch.count, watch.withdrawnAt('a')], [0, 100]);
  });

  for (const refusal of [403, 404]) {
    it(`is unknown for good, without a complaint, where it may not be listed: ${refusal}`, async (t) => {
      const { watch, server } = await scene(t);
      server.refusal = refusal;
      await watch.start();
      assert.deepEqual([watch.count, watch.wasUnreadable(0)], [undefined, true]);
    });
  }

  it('is told of as a failure when the API server fails', async (t) => {
    const { watch, server } = await scene(t);
    server.refusal = 500;
    await assert.rejects(watch.start(), /^ApiError: no$/);
  });

  it('is unknown while nothing is told, and this is remembered', async (t) => {
    const { watch, server, clock, cut } = await scene(t, [slice('one', [pod('a')])]);
    await watch.start();
    await clock.run(1000);
    assert.deepEqual([watch.count, watch.wasUnreadable(0)], [1, false]);
    server.refusal = 403;
    await cut();
    assert.deepEqual([watch.count, watch.wasUnreadable(1000)], [undefined, true]);
    server.refusal = undefined;
    server.slices = [];
    await clock.run(1000);
    assert.equal(watch.count, 0);
    const seen = watch.withdrawnAt('a')!;
    assert.ok(seen > 1000 && seen < 1300, `when it was read again, not at ${seen}`);
    assert.deepEqual([watch.wasUnreadable(seen), watch.wasUnreadable(seen + 1)], [true, false]);
  });
});
