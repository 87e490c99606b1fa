/**
 * Whole clients and servers on virtual time, with faults drawn from a seed: what is promised must hold for every seed.
 * `SEEDS=1000 node --test test/simulation.test.ts` plays more of them, `SEED=42` plays one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallOptions } from '../src/core/contract.ts';
import { seeded } from '../src/core/random.ts';
import { type TestCall, type TestNode, World } from './support/world.ts';

const seeds =
  process.env.SEED === undefined
    ? Array.from({ length: Number(process.env.SEEDS ?? 120) }, (_, i) => i + 1)
    : [Number(process.env.SEED)];

/** How long calls are made, ms. */
const duration = 8_000;
/** A node's weight comes back within this, and it is dialled sooner, ms. */
const recovery = 12_000;
/** A call that may be made again waits for no dead or frozen node longer than this, ms. */
const slowest = 1_000;
/** A fault may be noticed so much later, ms: the heartbeats of a frozen node, and the backoff after it. */
const settling = 5_000;

class Simulation {
  readonly world: World;
  readonly random: () => number;
  readonly log: string[] = [];
  readonly calls: TestCall[] = [];
  nodes: TestNode[] = [];
  budgetEmpty = 0;
  /** Servers may be full, callers may give up, and deadlines may be short. */
  readonly rough: boolean;
  /** Every other time: a breaker must not cost a call that failover saves. */
  readonly breaker: boolean;
  #starts = 0;

  constructor(seed: number, rough: boolean) {
    this.rough = rough;
    this.breaker = seed % 2 === 0;
    this.world = new World(seed);
    this.random = seeded(seed * 7_919);
  }

  note(what: string): void {
    this.log.push(`${this.world.clock.now().toFixed(0)} ${what}`);
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  async start(host: string): Promise<TestNode> {
    const id = `${host}-${++this.#starts}`;
    const workers = this.oneOf([1, 1, 2, 3]);
    const full = this.rough && this.random() < 0.2;
    const serve = full ? { maxConcurrent: 3, maxQueueTime: Math.floor(this.between(0, 100)) } : {};
    const node = await this.world.node(id, { endpoint: { host, id }, workers, serve, listed: false });
    const longest = this.between(0, 150);
    node.behaviour = () => (this.random() < 0.5 ? undefined : this.world.clock.sleep(this.random() * longest));
    this.world.network.set(node.at, { latency: Math.floor(this.random() * 3) });
    node.list();
    this.nodes.push(node);
    this.note(`start ${id}`);
    return node;
  }

  /** Ends a node's process in one way or another, and starts another one at its address after a while. */
  async replace(node: TestNode, how: 'kill' | 'leave'): Promise<void> {
    this.note(`${how} ${node.id}`);
    this.nodes = this.nodes.filter((other) => other !== node);
    if (how === 'leave') await node.leave(this.between(500, 1_500));
    else {
      node.kill();
      await this.world.clock.sleep(this.between(0, 3_000));
      node.unlist();
    }
    await this.world.clock.sleep(this.between(0, 500));
    await this.start(node.endpoint.host);
  }

  async freeze(node: TestNode): Promise<void> {
    this.note(`freeze ${node.id}`);
    node.freeze();
    await this.world.clock.sleep(this.between(200, 4_500));
    node.thaw();
    this.note(`thaw ${node.id}`);
  }

  async reset(node: TestNode): Promise<void> {
    this.note(`reset ${node.id}`);
    this.world.network.reset(node.at);
  }

  /** Kills one of several worker processes, and starts it again after a while. */
  async killWorker(node: TestNode): Promise<void> {
    const { workers } = node.endpoint;
    if (workers === 1) return this.reset(node);
    const index = Math.floor(this.random() * workers);
    this.note(`kill worker ${index} of ${node.id}`);
    node.killWorker(index);
    await this.world.clock.sleep(this.between(50, 1_500));
    // Its server may be gone by now.
    if (!this.nodes.includes(node) || node.hosts[index] !== undefined) return;
    await this.world.startWorker(node, index);
    this.note(`start worker ${index} of ${node.id}`);
  }

  /** What the server says is lost, until the connections are given up: what it does is done all the same. */
  async mute(node: TestNode): Promise<void> {
    this.note(`mute ${node.id}`);
    const { network } = this.world;
    network.set(node.at, { mute: true });
    await this.world.clock.sleep(this.between(500, 4_500));
    network.reset(node.at);
    network.set(node.at, { mute: false });
    this.note(`unmute ${node.id}`);
  }

  async emptyList(): Promise<void> {
    this.note('the registry forgets all');
    const { nodes } = this;
    for (const node of nodes) node.unlist();
    await this.world.clock.sleep(this.between(100, 2_000));
    for (const node of this.nodes) node.list();
    this.note('the registry knows all again');
  }

  async failRegistry(): Promise<void> {
    this.note('the registry fails');
    this.world.store.fail(new Error('no quorum'));
    await this.world.clock.sleep(this.between(100, 3_000));
    this.world.store.recover();
    this.note('the registry is back');
  }

  async burst(node: TestNode): Promise<void> {
    this.note(`${node.id} stands still`);
    const { behaviour } = node;
    node.behaviour = () => this.world.clock.sleep(this.between(300, 1_500));
    await this.world.clock.sleep(this.between(100, 1_000));
    node.behaviour = behaviour;
  }

  async fault(): Promise<void> {
    const node = this.oneOf(this.nodes);
    const roll = this.random();
    if (roll < 0.25) await this.replace(node, 'kill');
    else if (roll < 0.5) await this.replace(node, 'leave');
    else if (roll < 0.6) await this.freeze(node);
    else if (roll < 0.65) await this.mute(node);
    else if (roll < 0.73) await this.reset(node);
    else if (roll < 0.8) await this.killWorker(node);
    else if (roll < 0.86) await this.burst(node);
    else if (roll < 0.93) await this.emptyList();
    else await this.failRegistry();
  }

  /** What a caller asks that is in a hurry, or gives up. */
  roughly(): CallOptions {
    const timeout = this.random() < 0.3 ? this.between(1, 200) : this.between(200, 6_000);
    if (this.random() < 0.8) return { timeout };
    const controller = new AbortController();
    this.world.clock.timer(this.between(0, 500), () => controller.abort());
    return { timeout, signal: controller.signal };
  }

  /** Plays it: calls at a steady rate, faults by `plan` beside them. */
  async play(plan: () => Promise<void>): Promise<void> {
    const { world } = this;
    const { clock } = world;
    const hosts = ['a', 'b', 'c', 'd', 'e'].slice(0, 3 + Math.floor(this.random() * 3));
    for (const host of hosts) await this.start(host);
    const { breaker } = this;
    const client = world.client({ balancer: this.random() < 0.8 ? 'p2c' : 'random', breaker });
    client.on('budget-empty', () => {
      this.budgetEmpty++;
    });
    const gap = this.between(4, 20);
    const next = () => {
      if (clock.now() > duration) return;
      const name = this.random() < 0.7 ? 'read' : 'write';
      this.calls.push(world.call(client, name, this.rough ? this.roughly() : { timeout: this.between(4_500, 6_000) }));
      clock.timer(this.between(0, 2 * gap), next);
    };
    next();
    let planned = false;
    const faults = plan().then(() => {
      planned = true;
    });
    while (!planned || this.calls.some(({ over }) => !over)) await clock.run(200);
    await faults;
    // In peace, all that there is comes back, and nothing else stays.
    await clock.run(recovery);
    const ids = this.nodes.map(({ id }) => id).sort();
    const shown = client.nodes().nodes.map(({ id, state, weight, base }) => `${id} ${state} ${weight / base}`);
    assert.deepEqual(
      shown.sort(),
      ids.map((id) => `${id} live 1`),
    );
    await world.close();
    world.check();
    assert.equal(clock.pending, 0, 'timers are left');
  }
}

async function run(simulation: Simulation, seed: number, plan: () => Promise<void>, also = () => {}): Promise<void> {
  try {
    await simulation.play(plan);
    also();
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${simulation.log.join('\n')}`, { cause: error });
  }
}

function describe(call: TestCall): string {
  const tried = call.error?.attempts.map(({ node, outcome, duration }) => `${node} ${outcome} ${duration.toFixed(0)}`);
  return `${call.name} ${call.id} at ${call.since.toFixed(0)} for ${call.took.toFixed(0)}: ${call.error?.label} ${call.error?.message} [${tried}]`;
}

test('one fault at a time: no call is lost but what may have run and may not run twice', async () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, false);
    const { clock } = simulation.world;
    const plan = async () => {
      while (clock.now() < duration) {
        await clock.sleep(simulation.between(0, 1_000));
        await simulation.fault();
        await clock.sleep(settling);
      }
    };
    await run(simulation, seed, plan, () => {
      assert.equal(simulation.budgetEmpty, 0);
      for (const call of simulation.calls) {
        const lost = call.error !== undefined && (call.name === 'read' || !call.error.mayHaveExecuted);
        assert.ok(!lost, describe(call));
        assert.ok(call.name === 'write' || call.took < slowest, describe(call));
      }
    });
  }
});

test('many faults at once: whatever happens, nothing runs twice that may not, and every error is honest', async () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, true);
    const { clock } = simulation.world;
    const plan = async () => {
      const running: Promise<void>[] = [];
      while (clock.now() < duration) {
        await clock.sleep(simulation.between(0, 800));
        if (simulation.nodes.length > 0) running.push(simulation.fault());
      }
      await Promise.all(running);
    };
    await run(simulation, seed, plan);
  }
});
