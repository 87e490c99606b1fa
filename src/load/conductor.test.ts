import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../core/virtual-clock.ts';
import type { Cluster, ClusterState, Deed } from './cluster.ts';
import { conduct, type Moment, type Played } from './conductor.ts';
import type { LoadGenerator } from './generator/generator.ts';
import type { LoadPlan } from './plan.ts';
import type { LoadEnd } from './recording.ts';
import type { LoadRecord } from './sample.ts';
import { parseScenario, type Step } from './scenario.ts';

/** A cluster that does as it is told after a while, and writes down what that was. */
class FakeCluster implements Cluster {
  readonly kind = 'fake';
  readonly keepsBooks = true;
  readonly gatewayUrl = 'http://fake';
  readonly done: string[] = [];
  readonly #clock: VirtualClock;
  /** How long it takes until it has settled, ms. */
  settling = 1500;
  fails: string | undefined;
  /** When somebody deletes it, ms. */
  goneAt = Number.POSITIVE_INFINITY;
  refuses: string[] = [];
  #desired = 3;
  #ready = 3;
  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }
  async start(): Promise<void> {}
  scale(servers: number): Promise<Deed> {
    this.#desired = servers;
    return this.#do(`scale ${servers}`);
  }
  kill(count: number): Promise<Deed> {
    return this.#do(`kill ${count}`);
  }
  async freeze(count: number, ms: number): Promise<Deed> {
    const deed = await this.#do(`freeze ${count}`);
    await this.#clock.sleep(ms);
    return { ...deed, until: deed.at + ms };
  }
  zookeeperAway = () => this.#do('zookeeper-away');
  killZookeeperLeader = () => this.#do('zookeeper-leader');
  killZookeeper = () => this.#do('zookeeper-all');
  drain = () => this.#do('drain');
  rollGateways = () => this.#do('gateway');
  refusal(step: Step): string | undefined {
    return this.refuses.includes(step.do) ? `it knows no ${step.do}` : undefined;
  }
  rolling(): Promise<Deed> {
    return this.#do('rolling');
  }
  state(): ClusterState {
    if (this.#clock.now() >= this.goneAt) throw new Error('the Deployment is gone');
    const nodes = Array.from({ length: this.#ready }, (_, index) => {
      const name = `server-${index + 1}`;
      return {
        ...{ id: name, address: name, server: name, base: 1, weight: 1, share: 1, inFlight: 0, cause: null },
        state: 'live' as const,
      };
    });
    return {
      at: this.#clock.wallTime(),
      desired: this.#desired,
      ready: this.#ready,
      registered: this.#ready,
      servers: [],
      desiredGateways: 1,
      gateways: [{ name: 'gateway', phase: 'ready', nodes }],
    };
  }
  incidents = () => [];
  usage = () => [];
  environment = () => ({});
  books = async () => undefined;
  async close(): Promise<void> {}

  async #do(what: string): Promise<Deed> {
    if (this.fails === what) throw new Error('the cluster does not want to');
    this.done.push(`${Math.round(this.#clock.now())} ${what}`);
    this.#ready = -1;
    this.#clock.timer(this.settling, () => {
      this.#ready = this.#desired;
    });
    return { at: this.#clock.wallTime(), servers: ['server-1'], proof: [] };
  }
}

/** A generator that makes a call every 100 ms until it is stopped, or dies when it is told to. */
class FakeLoad implements LoadGenerator {
  readonly name = 'fake';
  readonly #clock: VirtualClock;
  diesAt = Number.POSITIVE_INFINITY;
  /** When it has made all calls that it was to make, ms. */
  endsAt = Number.POSITIVE_INFINITY;
  stoppedAt: number | undefined;
  killed = false;
  started = false;
  /** Does not end when it is stopped. */
  deaf = false;
  /** How long it prepares before its first call, ms. */
  prepares = 0;
  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }
  async start(_: LoadPlan, listener: (record: LoadRecord) => void) {
    this.started = true;
    let due = 0;
    const { promise: ended, resolve } = Promise.withResolvers<LoadEnd>();
    let over = false;
    const end = (how: LoadEnd) => {
      over = true;
      resolve(how);
    };
    const beat = () => {
      if (over) return;
      const at = this.#clock.wallTime();
      if (this.#clock.now() >= this.diesAt) return end({ state: 'died', at, how: 'SIGKILL' });
      if (this.#clock.now() >= this.endsAt) return end({ state: 'finished', record: { kind: 'finished', at, due } });
      const id = `r-${due++}`;
      listener({ kind: 'sent', id, method: 'pi', unsafe: false, intended: at, sent: at });
      listener({ kind: 'end', id, at: at + 1, outcome: 'ok', attempts: 1, mayHaveExecuted: false });
      this.#clock.timer(100, beat);
    };
    if (this.prepares > 0) this.#clock.timer(this.prepares, beat);
    else beat();
    return {
      pid: 1,
      ended,
      stop: () => {
        this.stoppedAt ??= this.#clock.now();
        const record = { kind: 'finished' as const, at: this.#clock.wallTime(), due };
        if (!this.deaf) end({ state: 'finished', record });
      },
      kill: () => {
        this.killed = true;
        end({ state: 'died', at: this.#clock.wallTime(), how: 'SIGKILL' });
      },
    };
  }
}

const plan: LoadPlan = {
  load: { kind: 'proof', startRate: 10, stages: [{ target: 10, duration: 1e6 }] },
  ...{ url: 'http://fake', run: 'r', n: 1, unsafe: 0, deadline: 5000 },
};

interface Stage {
  clock: VirtualClock;
  cluster: FakeCluster;
  load: FakeLoad;
  moments: Moment[];
  abort: AbortController;
  mostCalls?: number;
}

/** Plays events on fakes, for as long as it takes. */
async function play(
  events: string,
  prepare: (stage: Stage) => void = () => {},
  rate = 'rate: 10',
): Promise<Stage & { played: Played; refused: string }> {
  const clock = new VirtualClock();
  const stage: Stage = {
    clock,
    cluster: new FakeCluster(clock),
    load: new FakeLoad(clock),
    moments: [],
    abort: new AbortController(),
  };
  prepare(stage);
  const scenario = parseScenario(
    `name: x\nservers: 3\npatience: 10s\nload: { kind: proof, ${rate} }\nevents: ${events}`,
  );
  let [played, refused]: [Played | undefined, string | undefined] = [undefined, undefined];
  conduct({
    ...{ scenario, plan, clock, cluster: stage.cluster, generator: stage.load, signal: stage.abort.signal },
    listener: (moment) => stage.moments.push(moment),
    ...(stage.mostCalls !== undefined && { mostCalls: stage.mostCalls }),
  }).then(
    (result) => {
      played = result;
    },
    (error: Error) => {
      refused = error.message;
    },
  );
  for (let ms = 0; ms < 120_000 && played === undefined && refused === undefined; ms += 100) await clock.run(100);
  assert.ok(played !== undefined || refused !== undefined, 'it does not end');
  return {
    ...stage,
    get played() {
      assert.ok(played !== undefined, refused ?? '');
      return played;
    },
    get refused() {
      assert.ok(refused !== undefined, 'it was not refused');
      return refused;
    },
  };
}

describe('the conductor', () => {
  it('counts each event from the one before having settled', async () => {
    const { cluster, played } = await play(
      '[{ at: 1s, do: scale, to: 5 }, { at: 2s, do: kill }, { at: 1s, do: freeze, for: 5s }]',
    );
    // 1.0 + 1.5 settling + 2.0; 4.5 + 1.5 + 1.0.
    assert.deepEqual(cluster.done, ['1000 scale 5', '4500 kill 1', '7000 freeze 1']);
    assert.deepEqual(
      played.events.map(({ name, at, settledAt, problem }) => [
        name,
        at - played.began,
        settledAt! - played.began,
        problem,
      ]),
      [
        ['1 scale to 5', 1000, 2500, undefined],
        ['2 kill -9 1 server', 4500, 6000, undefined],
        ['3 freeze 1 server for 5 s', 7000, 12_000, undefined],
      ],
    );
  });

  it('scales gradually: one server at a time, up and down', async () => {
    const { cluster, played } = await play(
      '[{ at: 1s, do: scale, to: 5, how: gradual, every: 4s }, { at: 1s, do: scale, to: 3, how: gradual }]',
    );
    // Each counts from the last having settled: the fifth server is asked for at 5.0, settled at 6.5.
    assert.deepEqual(cluster.done, ['1000 scale 4', '5000 scale 5', '7500 scale 4', '12500 scale 3']);
    const [up] = played.events;
    assert.equal(up!.name, '1 scale to 5, one every 4 s');
    assert.deepEqual(
      [up!.at, up!.deed!.until, up!.settledAt].map((at) => at! - played.began),
      [1000, 5000, 6500],
    );
  });

  it('has nothing to do for a gradual scaling to what the autoscaler chose, and says so', async () => {
    const { cluster, played } = await play('[{ at: 1s, do: hpa, to: 3 }, { at: 1s, do: scale, to: 3, how: gradual }]');
    assert.deepEqual(cluster.done, []);
    assert.deepEqual(played.events[1]!.deed!.proof, [{ what: '3 servers were wanted already', holds: true }]);
    assert.equal(played.events[1]!.settledAt! - played.began, 2000);
  });

  it('does nothing for a baseline, and takes its time', async () => {
    const { cluster, played } = await play('[{ at: 1s, do: baseline, for: 7s }, { at: 1s, do: kill }]');
    assert.deepEqual(cluster.done, ['9000 kill 1']);
    assert.equal(played.events[0]!.settledAt! - played.events[0]!.at, 7000);
  });

  it('waits for the autoscaler, with the patience of that event', async () => {
    const { cluster, played } = await play('[{ at: 1s, do: hpa, to: 4, patience: 30s }]', ({ cluster, clock }) => {
      clock.timer(20_000, () => void cluster.scale(4));
    });
    assert.deepEqual(cluster.done, ['20000 scale 4']);
    assert.equal(played.events[0]!.settledAt! - played.began, 21_500);
  });

  it('has each other deed done once', async () => {
    const steps = ['drain', 'gateway', 'zookeeper-leader', 'zookeeper-all'];
    const { cluster } = await play(`[${steps.map((name) => `{ at: 1s, do: ${name} }`).join(', ')}]`);
    assert.deepEqual(
      cluster.done,
      steps.map((name, place) => `${1000 + 2500 * place} ${name}`),
    );
  });

  it('refuses before there is any load what the cluster cannot play, all of it in one sentence', async () => {
    const { load, refused } = await play(
      '[{ at: 1s, do: kill }, { at: 1s, do: drain }, { at: 1s, do: gateway }]',
      ({ cluster }) => {
        cluster.refuses = ['drain', 'gateway'];
      },
    );
    assert.equal(
      refused,
      'the scenario cannot be played on fake: event 2, drain a node: it knows no drain; ' +
        'event 3, rolling restart of the gateways: it knows no gateway',
    );
    assert.equal(load.started, false);
  });

  it('is refused where there will not be as many servers as are to be hit', async () => {
    const { refused, load } = await play('[{ at: 1s, do: scale, to: 1 }, { at: 1s, do: kill, count: 2 }]');
    assert.equal(
      refused,
      'the scenario cannot be played on fake: event 2, kill -9 2 servers: there will be 1 server to choose from',
    );
    assert.equal(load.started, false);
  });

  it('goes on until all stages of the load were played', async () => {
    const { load } = await play('[]', () => {}, 'stages: [{ rate: 5, over: 4s }, { rate: 10, over: 5s }]');
    assert.equal(load.stoppedAt, 9000);
  });

  it('goes on loading after the last event has settled until its calls have ended, whatever comes of them', async () => {
    const { load, played } = await play('[{ at: 1s, do: kill }]');
    assert.equal(load.stoppedAt, 8500);
    assert.equal(played.samples.length, 86);
    assert.equal(played.load.state, 'finished');
  });

  it('writes down what had not settled when patience ended, and goes on', async () => {
    const { played } = await play('[{ at: 1s, do: kill }, { at: 1s, do: rolling }]', ({ cluster }) => {
      cluster.settling = 15_000;
    });
    assert.equal(played.events.length, 2);
    assert.equal(played.events[0]!.settledAt, undefined);
    assert.match(played.events[0]!.problem!, /^not settled within 10 s: /);
  });

  it('writes down what could not be done, and goes on', async () => {
    const { played, cluster } = await play('[{ at: 1s, do: kill }, { at: 1s, do: rolling }]', ({ cluster }) => {
      cluster.fails = 'kill 1';
    });
    assert.equal(played.events[0]!.problem, 'could not be done: the cluster does not want to');
    assert.deepEqual(cluster.done, ['2000 rolling']);
  });

  it('ends when the load ends: what comes without load proves nothing', async () => {
    const { played, cluster } = await play('[{ at: 1s, do: kill }, { at: 1s, do: rolling }]', ({ load }) => {
      load.diesAt = 1700;
    });
    assert.deepEqual(cluster.done, ['1000 kill 1']);
    assert.equal(played.events.length, 1);
    assert.match(played.events[0]!.problem!, /^the run ended before it had settled: /);
    assert.deepEqual(played.load.state, 'died');
  });

  it('is not whole when the load ended by itself in the middle of an event, though that went well', async () => {
    const { played } = await play('[{ at: 1s, do: freeze, for: 5s }]', ({ load, cluster }) => {
      load.endsAt = 3000;
      cluster.settling = 0;
    });
    assert.deepEqual(
      played.events.map(({ problem }) => problem),
      [undefined],
    );
    assert.equal(played.interrupted, 'the load ended before the events did');
  });

  it('is whole when the load ended by itself after the last event', async () => {
    const { played } = await play('[{ at: 1s, do: freeze, for: 5s }]', ({ load }) => {
      load.endsAt = 9000;
    });
    assert.deepEqual([played.load.state, played.interrupted], ['finished', undefined]);
  });

  for (const [when, goneAt, index] of [
    ['between events', 500, undefined],
    ['while one settles', 1500, 1],
  ] as const) {
    it(`ends when what it is played on is gone ${when}, and says why`, async () => {
      const { load, played } = await play('[{ at: 1s, do: kill }, { at: 30s, do: rolling }]', ({ cluster }) => {
        cluster.goneAt = goneAt;
      });
      assert.equal(played.interrupted, 'the Deployment is gone');
      assert.deepEqual(
        played.events.map((event) => [event.index, event.problem]),
        index === undefined ? [] : [[index, 'the Deployment is gone']],
      );
      assert.equal(load.stoppedAt, goneAt);
    });
  }

  it('ends when it has more calls than can be judged, and says so', async () => {
    const { load, played } = await play('[{ at: 30s, do: kill }]', (stage) => {
      stage.mostCalls = 20;
    });
    assert.equal(played.interrupted, 'there is no memory to judge more than 20 calls');
    assert.deepEqual([played.samples.length, load.stoppedAt], [21, 2000]);
  });

  it('counts from the first call, not from the start of a generator that prepares', async () => {
    const { load, played, cluster } = await play('[{ at: 1s, do: kill }]', ({ load }) => {
      load.prepares = 7000;
    });
    assert.deepEqual(cluster.done, ['8000 kill 1']);
    assert.equal(played.began, played.samples[0]!.intended);
    assert.equal(load.stoppedAt, 15_500);
  });

  it('ends early when it is told to before the first call', async () => {
    const { load, played } = await play('[{ at: 1s, do: kill }]', ({ load, clock, abort }) => {
      load.prepares = 60_000;
      clock.timer(2000, () => abort.abort(new Error('Ctrl-C')));
    });
    assert.deepEqual([load.stoppedAt, played.events, played.samples], [2000, [], []]);
  });

  it('ends early when it is told to, in the middle of an event', async () => {
    const { played, clock } = await play('[{ at: 1s, do: freeze, for: 60s }]', ({ abort, clock }) => {
      clock.timer(3000, () => abort.abort(new Error('Ctrl-C')));
    });
    assert.equal(played.interrupted, 'Ctrl-C');
    assert.ok(clock.now() < 5000, `it took until ${clock.now()}`);
    assert.equal(played.events[0]!.problem, 'could not be done: Ctrl-C');
  });

  it('kills a generator that does not stop', async () => {
    const { load, played } = await play('[]', ({ load }) => {
      load.deaf = true;
    });
    assert.equal(load.killed, true);
    assert.equal(played.load.state, 'died');
  });

  it('tells what happens, in order', async () => {
    const { moments } = await play('[{ at: 1s, do: kill }]');
    const kinds = moments.map(({ kind }) => kind).filter((kind) => kind !== 'record' && kind !== 'state');
    assert.deepEqual(kinds, ['load-begins', 'event-begins', 'event-ends', 'load-ends']);
    assert.ok(moments.filter(({ kind }) => kind === 'state').length >= 50, 'ten states a second');
  });
});
