import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { pod, slice } from '../../../test/support/fake-kubernetes.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { Views } from '../views.ts';
import { type Cluster, ClusterError, type Listing, type WatchOptions } from './cluster.ts';
import { Watcher } from './watcher.ts';

const at = (version: number, name: string, ...hosts: string[]) =>
  slice(
    name,
    hosts.map((host) => pod(host)),
    { metadata: { name, resourceVersion: `${version}` } },
  );

/** A cluster in memory, that does what the test says. */
class ScriptedCluster implements Cluster {
  lists: { since: string | undefined; at: number }[] = [];
  watches: { since: string; at: number }[] = [];
  stream: WatchOptions | undefined;
  endStream = () => {};
  failStream: (error: Error) => void = () => {};
  onList: () => Promise<Listing> = async () => ({ slices: [], version: '1' });
  onWatch: () => 'ok' | Error = () => 'ok';
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  list({ since }: { since: string | undefined }): Promise<Listing> {
    this.lists.push({ since, at: this.#clock.now() });
    return this.onList();
  }

  async watch(options: WatchOptions): Promise<void> {
    this.watches.push({ since: options.since, at: this.#clock.now() });
    const answer = this.onWatch();
    if (answer !== 'ok') throw answer;
    this.stream = options;
    options.onOpen();
    await new Promise<void>((resolve, reject) => {
      this.endStream = resolve;
      this.failStream = reject;
      options.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

describe('watching EndpointSlices', () => {
  let clock: VirtualClock;
  let cluster: ScriptedCluster;
  let views: Views;
  let pushed: string[];
  let warnings: string[];
  let watcher: Watcher;

  const start = async (more: { port?: string } = {}) => {
    const log = { ...silentLog, warn: (facts: object) => warnings.push(JSON.stringify(facts)) };
    const wanted = { port: more.port, protocol: 'framed', family: 'IPv4' } as const;
    watcher = new Watcher({ cluster, wanted, views, clock, random: seeded(1), log });
    await clock.run(0);
  };
  const hosts = () => ('endpoints' in views.now ? views.now.endpoints.map(({ host }) => host).join(' ') : undefined);
  const change = (type: string, object: unknown) => cluster.stream!.onChange(type, object);

  beforeEach(() => {
    clock = new VirtualClock();
    cluster = new ScriptedCluster(clock);
    views = new Views();
    pushed = [];
    warnings = [];
    const push = views.push.bind(views);
    views.push = (view) => {
      pushed.push(view.state);
      push(view);
    };
  });

  it('shows the first list at once, and changes after 50 to 100 ms, many as one', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a')], version: '5' });
    await start();
    assert.equal(hosts(), 'a');
    change('MODIFIED', at(6, 's', 'a', 'b'));
    await clock.run(49);
    assert.equal(hosts(), 'a');
    for (let n = 0; n < 500; n++) change('ADDED', at(7 + n, `s${n}`, `h${n}`));
    await clock.run(51);
    assert.equal(hosts()?.split(' ').length, 502);
    assert.deepEqual(pushed, ['known', 'known']);
  });

  it('says nothing when nothing changed for it', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a')], version: '5' });
    await start();
    change('MODIFIED', at(6, 's', 'a'));
    change('BOOKMARK', { metadata: { resourceVersion: '9' } });
    await clock.run(300_000);
    assert.deepEqual(pushed, ['known']);
  });

  it('lists again every 2 min, give or take a fifth, not older than what it has seen, and finds what no stream told', async () => {
    cluster.onList = async () => ({ slices: [at(5, 'old', 'b')], version: '5' });
    await start();
    change('BOOKMARK', { metadata: { resourceVersion: '9' } });
    cluster.onList = async () => ({ slices: [at(10, 's', 'a')], version: '10' });
    await clock.run(95_999);
    assert.equal(hosts(), 'b');
    await clock.run(48_001 + 1_000);
    assert.equal(hosts(), 'a');
    assert.deepEqual(
      cluster.lists.map(({ since }) => since),
      [undefined, '9'],
    );
    await clock.run(1_200_000);
    assert.ok(cluster.lists.length >= 10 && cluster.lists.length <= 15, `${cluster.lists.length} lists`);
  });

  it('lists every 30 s, give or take a fifth, where it may not follow', async () => {
    cluster.onWatch = () => new ClusterError('forbidden', 'forbidden');
    await start();
    await clock.run(300_000);
    assert.ok(cluster.lists.length >= 10 && cluster.lists.length <= 15, `${cluster.lists.length} lists`);
    cluster.onWatch = () => 'ok';
    await clock.run(36_000);
    cluster.lists = [];
    await clock.run(600_000);
    assert.ok(cluster.lists.length <= 7, `${cluster.lists.length} lists`);
  });

  it('lists as soon as it fails twice to follow', async () => {
    await start();
    cluster.onWatch = () => new ClusterError('failed', 'away');
    cluster.failStream(new ClusterError('failed', 'away'));
    await clock.run(400);
    assert.equal(cluster.lists.length, 1);
    cluster.onList = async () => ({ slices: [at(9, 's', 'b')], version: '9' });
    await clock.run(1_000);
    assert.deepEqual([cluster.lists.length, hosts()], [2, 'b']);
  });

  it('is not taken back by a list that is older than what the stream told meanwhile', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a'), at(5, 't', 'z')], version: '5' });
    await start();
    await clock.run(2_000);
    const { promise, resolve } = Promise.withResolvers<Listing>();
    cluster.onList = () => promise;
    change('NONSENSE', {});
    await clock.run(0);
    assert.equal(cluster.lists.length, 2);
    change('MODIFIED', at(9, 's', 'b'));
    change('DELETED', at(10, 't'));
    await clock.run(1_200);
    assert.equal(hosts(), 'b');
    const { length } = pushed;
    resolve({ slices: [at(5, 's', 'a'), at(5, 't', 'z')], version: '8' });
    await clock.run(10_000);
    assert.equal(hosts(), 'b');
    assert.equal(pushed.length, length);
    assert.equal(cluster.watches.at(-1)!.since, '10');
  });

  it('does not lose a pod that moves from one slice to another, however the two are told', async () => {
    cluster.onList = async () => ({ slices: [at(5, 'from', 'a', 'b'), at(5, 'to', 'c')], version: '5' });
    await start();
    await clock.run(2_000);
    // In neither for a moment, which a list may show, too.
    change('MODIFIED', at(6, 'from', 'b'));
    await clock.run(500);
    cluster.onList = async () => ({ slices: [at(6, 'from', 'b'), at(5, 'to', 'c')], version: '6' });
    change('NONSENSE', {});
    await clock.run(400);
    change('MODIFIED', at(7, 'to', 'a', 'c'));
    await clock.run(5_000);
    // In both for a moment.
    change('MODIFIED', at(8, 'from', 'a', 'b'));
    await clock.run(500);
    change('MODIFIED', at(9, 'to', 'c'));
    await clock.run(5_000);
    assert.deepEqual([pushed, hosts()], [['known'], 'a b c']);
  });

  it('gives up who vanished without a word after 1 s, and who ends at once', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a', 'b', 'c')], version: '5' });
    await start();
    change('MODIFIED', at(6, 's', 'a', 'c'));
    await clock.run(1_000);
    assert.equal(hosts(), 'a b c');
    await clock.run(200);
    assert.equal(hosts(), 'a c');
    const ending = slice('s', [pod('a'), pod('c', { ready: false, serving: true, terminating: true })]);
    change('MODIFIED', { ...ending, metadata: { name: 's', resourceVersion: '7' } });
    await clock.run(100);
    assert.equal(hosts(), 'a');
    // Its service is deleted, and made again.
    change('DELETED', at(8, 's'));
    await clock.run(1_200);
    assert.deepEqual([views.now.state, hosts()], ['known', '']);
    change('ADDED', at(9, 'another', 'd'));
    await clock.run(100);
    assert.equal(hosts(), 'd');
  });

  it('waits for the word of who vanished as long as there is nobody who could give it', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a', 'b')], version: '5' });
    await start();
    await clock.run(2_000);
    const away = new ClusterError('failed', 'away');
    cluster.onList = async () => Promise.reject(away);
    cluster.onWatch = () => away;
    change('MODIFIED', at(6, 's', 'b'));
    change('NONSENSE', {});
    cluster.failStream(away);
    await clock.run(60_000);
    assert.deepEqual([views.now.state, hosts()], ['stale', 'a b']);
    cluster.onList = async () => ({ slices: [at(6, 's', 'b')], version: '7' });
    cluster.onWatch = () => 'ok';
    await clock.run(14_000);
    assert.deepEqual([views.now.state, hosts()], ['known', 'b']);
  });

  it('begins a new stream at each list, and hears nothing of the old one any more', async () => {
    await start();
    const old = cluster.stream!;
    cluster.onList = async () => ({ slices: [at(10, 's', 'a')], version: '10' });
    await clock.run(144_000);
    assert.equal(cluster.watches.length, 2);
    assert.equal(cluster.watches[1]!.since, '10');
    old.onChange('DELETED', at(11, 's'));
    await clock.run(200);
    assert.equal(hosts(), 'a');
    assert.equal(old.signal.aborted, true);
  });

  it('takes up a stream where it ended: at once after a long one, slower and slower after short ones', async () => {
    await start();
    change('ADDED', at(6, 's', 'a'));
    await clock.run(5_000);
    cluster.endStream();
    await clock.run(100);
    assert.deepEqual(
      cluster.watches.map(({ since }) => since),
      ['1', '6'],
    );
    const from = cluster.watches.length;
    // Lists that do not come to an end do not help the streams.
    cluster.onList = () => new Promise(() => {});
    for (let n = 0; n < 60; n++) {
      cluster.endStream();
      await clock.run(1_000);
    }
    const times = cluster.watches.slice(from).map(({ at }) => at);
    assert.ok(times.length >= 5 && times.length <= 14, `${times.length} streams in a minute`);
    assert.ok(times.at(-1)! - times.at(-2)! <= 13_000);
    assert.equal(views.now.state, 'known');
  });

  it('lists without a version when its version is gone, and not more than once a second', async () => {
    await start();
    cluster.onWatch = () => new ClusterError('gone', 'gone');
    cluster.failStream(new ClusterError('gone', 'gone'));
    await clock.run(1_000);
    assert.deepEqual(
      cluster.lists.map(({ since }) => since),
      [undefined, undefined],
    );
    await clock.run(10_000);
    assert.ok(cluster.lists.length <= 7, `${cluster.lists.length} lists in 11 s`);
    await clock.run(60_000);
    assert.ok(cluster.lists.length <= 16, `${cluster.lists.length} lists in 71 s`);
    assert.equal(views.now.state, 'known');
    assert.deepEqual(warnings, []);
  });

  it('lists without a version at once when a list says that its version is gone', async () => {
    await start();
    let asked = 0;
    cluster.onList = async () => {
      if (++asked === 1) throw new ClusterError('gone', 'gone');
      return { slices: [at(2, 's', 'a')], version: '2' };
    };
    await clock.run(144_000);
    assert.equal(hosts(), 'a');
    assert.deepEqual(
      cluster.lists.map(({ since }) => since),
      [undefined, '1', undefined],
    );
    assert.deepEqual(pushed, ['known', 'known']);
  });

  it('keeps what it knew through a failure, tries again slower and slower, and says it once', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a')], version: '5' });
    await start();
    const away = new ClusterError('failed', 'away');
    cluster.onList = async () => Promise.reject(away);
    cluster.onWatch = () => away;
    cluster.failStream(away);
    await clock.run(0);
    assert.deepEqual([views.now.state, hosts()], ['stale', 'a']);
    await clock.run(120_000);
    const { length } = cluster.watches;
    assert.ok(length >= 10 && length <= 22, `${length} streams in 120 s`);
    assert.equal(warnings.length, 1);
    cluster.onList = async () => ({ slices: [at(9, 's', 'b')], version: '9' });
    cluster.onWatch = () => 'ok';
    await clock.run(12_000);
    assert.deepEqual([views.now.state, hosts()], ['known', 'b']);
  });

  it('is not known again before it both lists and follows', async () => {
    await start();
    const away = new ClusterError('failed', 'away');
    cluster.onWatch = () => away;
    cluster.failStream(away);
    cluster.onList = async () => ({ slices: [at(9, 's', 'b')], version: '9' });
    await clock.run(60_000);
    assert.deepEqual([views.now.state, hosts()], ['stale', 'b']);
    assert.equal(pushed.filter((state) => state === 'known').length, 2, 'once for each list of servers that is new');
  });

  for (const first of ['list', 'stream'] as const) {
    it(`goes on at once with both when the ${first} is back`, async () => {
      await start();
      const away = new ClusterError('failed', 'away');
      cluster.onList = async () => Promise.reject(away);
      cluster.onWatch = () => away;
      cluster.failStream(away);
      await clock.run(100_000);
      if (first === 'list') cluster.onList = async () => ({ slices: [], version: '3' });
      else cluster.onWatch = () => 'ok';
      const [mine, other] = first === 'list' ? [cluster.lists, cluster.watches] : [cluster.watches, cluster.lists];
      const before = mine.length;
      let tried = other.length;
      for (; mine.length === before; await clock.run(10)) tried = other.length;
      // It may take up to 12 s else.
      await clock.run(1_100);
      assert.equal(other.length, tried + 1);
    });
  }

  it('looks up what it does not understand', async () => {
    for (const [type, object] of [
      ['MODIFIED', {}],
      ['ADDED', null],
      ['DELETED', { metadata: { name: 's' } }],
      ['SOMETHING', at(7, 's', 'x')],
      ['BOOKMARK', { metadata: {} }],
    ] as const) {
      clock = new VirtualClock();
      cluster = new ScriptedCluster(clock);
      await start();
      change(type, object);
      await clock.run(1_000);
      assert.equal(cluster.lists.length, 2, `${type} ${JSON.stringify(object)}`);
      const closed = watcher.close();
      await clock.run(0);
      await closed;
    }
  });

  it('keeps the last good view while the port that is wanted is not there, and warns of junk once', async () => {
    cluster.onList = async () => ({ slices: [at(5, 's', 'a')], version: '5' });
    await start({ port: 'rpc' });
    assert.equal(hosts(), 'a');
    change('MODIFIED', { ...at(6, 's', 'a'), ports: [{ name: 'other', port: 1 }] });
    await clock.run(100);
    assert.deepEqual([views.now.state, hosts()], ['stale', 'a']);
    await clock.run(100);
    const { length } = warnings;
    change('MODIFIED', { ...at(7, 's', 'a'), ports: [{ name: 'other', port: 1 }] });
    await clock.run(100);
    assert.equal(warnings.length, length);
    assert.equal(watcher.status().junk, 1);
    change('DELETED', at(8, 's'));
    await clock.run(1_200);
    assert.deepEqual([views.now.state, hosts()], ['known', '']);
  });

  it('looks up again what it did not understand while a list was under way', async () => {
    await start();
    await clock.run(2_000);
    const first = Promise.withResolvers<Listing>();
    cluster.onList = () => first.promise;
    change('NONSENSE', {});
    await clock.run(0);
    change('NONSENSE', {});
    cluster.onList = async () => ({ slices: [at(9, 's', 'a')], version: '9' });
    first.resolve({ slices: [], version: '8' });
    await clock.run(2_000);
    assert.deepEqual([cluster.lists.length, hosts()], [3, 'a']);
  });

  it('asks a server less and less often that goes on talking nonsense', async () => {
    await start();
    for (let second = 0; second < 300; second++) {
      if (cluster.stream!.signal.aborted === false) change('NONSENSE', {});
      await clock.run(1_000);
    }
    assert.ok(cluster.lists.length <= 45, `${cluster.lists.length} lists in 300 s`);
    await clock.run(300_000);
    cluster.lists = [];
    change('NONSENSE', {});
    await clock.run(0);
    assert.equal(cluster.lists.length, 1, 'and at once again after a time without');
  });

  it('leaves no timer and no stream when it is closed, whatever it waits for', async () => {
    const away = new ClusterError('failed', 'away');
    for (const list of [async () => ({ slices: [], version: '1' }), async () => Promise.reject(away)]) {
      clock = new VirtualClock();
      cluster = new ScriptedCluster(clock);
      cluster.onList = list;
      await start();
      if (cluster.stream !== undefined) {
        change('ADDED', at(3, 's', 'a'));
        await clock.run(100);
        change('DELETED', at(4, 's'));
        await clock.run(100);
        change('ADDED', at(5, 't', 'b'));
      }
      await watcher.close();
      assert.equal(clock.pending, 0);
      assert.notEqual(cluster.stream?.signal.aborted, false);
    }
  });
});
