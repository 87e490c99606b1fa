import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { clusterOn } from '../../../test/support/kubernetes/cluster.ts';
import type { ExecIo } from '../../../test/support/kubernetes/exec-socket.ts';
import { FakeRelease } from '../../../test/support/kubernetes/release.ts';
import { until } from '../../../test/support/until.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Deed } from '../cluster.ts';
import { Ledger } from '../ledger.ts';
import { startLedgerServer } from '../ledger-server.ts';
import { pods } from './objects.ts';

/** Whole milliseconds: a timer may fire a part of one early. */
const lasted = ({ at, until }: Deed) => Math.ceil(until! - at);

/** What the shell in a container does, as container-shell.ts wants it; its own test shows that a real shell does so. */
class FakeContainer {
  readonly pids = [7, 20, 21];
  /** What was ordered, but for lists. */
  readonly orders: string[] = [];
  /** Told of each. */
  onOrder: (order: string) => void = () => {};
  /** A process that cannot be stopped. */
  restless: number | undefined;
  io: ExecIo | undefined;
  #state = 'S';

  run(io: ExecIo, onKill: () => void): void {
    this.io = io;
    io.onLine = (line) => {
      const [word, seconds] = line.split(' ');
      if (word !== 'list') {
        this.orders.push(line);
        this.onOrder(line);
      }
      if (word === 'kill') return onKill();
      if (word === 'stop') this.#state = 'T';
      if (word === 'continue') this.#state = 'S';
      if (word === 'list') {
        for (const pid of this.pids) io.print(`${pid} ${pid === this.restless ? 'R' : this.#state}`);
      }
      assert.ok(word !== 'stop' || Number(seconds) > 0);
      io.print('.');
    };
    io.onEnd = () => {
      this.orders.push('end');
      this.#state = 'S';
      io.exit(0);
    };
  }
}

async function scene(t: TestContext, servers = 2, more: object = {}) {
  const release = await FakeRelease.start({ servers, podSpec: { shareProcessNamespace: true, ...more } });
  t.after(() => release.close());
  const cluster = clusterOn(t, release);
  await cluster.start(servers);
  const containers = new Map<string, FakeContainer>();
  const containerOf = (pod: string) => {
    const found = containers.get(pod) ?? new FakeContainer();
    containers.set(pod, found);
    return found;
  };
  release.api.program = ({ pod, container }, io) => {
    assert.equal(container, 'server');
    containerOf(pod).run(io, () => {
      io.drop();
      release.restart(pod, 137);
    });
  };
  return { release, cluster, containerOf, names: cluster.state().servers.map(({ name }) => name) };
}

describe('a kill', () => {
  it('hits all processes of a container, and is proven by how it ended', async (t) => {
    const { cluster, containerOf, names } = await scene(t);
    const deed = await cluster.kill(1);
    assert.deepEqual(deed.servers, [names[0]]);
    assert.deepEqual(containerOf(names[0]!).orders, ['kill', 'end']);
    assert.deepEqual(deed.proof, [
      { what: `${names[0]}: processes 7, 20, 21 were killed, its container ended with exit code 137`, holds: true },
      { what: `the gateways had 6 calls in flight to ${names[0]} at that moment`, holds: true },
    ]);
    await until(() => cluster.state().ready === 2, 'it to be ready again');
    // What was ordered is no incident.
    assert.deepEqual(cluster.incidents(), []);
    // It would be started again later and later.
    assert.deepEqual((await cluster.kill(1)).servers, [names[1]]);
  });

  it('is no proof when the container ended in another way', async (t) => {
    const { release, cluster, containerOf, names } = await scene(t);
    release.api.program = ({ pod }, io) => containerOf(pod).run(io, () => release.restart(pod, 1));
    const { proof } = await cluster.kill(1);
    assert.deepEqual(proof[0], {
      what: `${names[0]}: processes 7, 20, 21 were killed, its container ended with exit code 1`,
      holds: false,
    });
  });

  it('is no proof when no call was in flight', async (t) => {
    const { release, cluster } = await scene(t);
    release.inFlight = 0;
    const { proof } = await cluster.kill(1);
    assert.deepEqual(
      proof.map(({ holds }) => holds),
      [true, false],
    );
  });

  it('needs as many servers as are to be hit', async (t) => {
    const { cluster } = await scene(t);
    await assert.rejects(cluster.kill(3), /^Error: 2 servers are ready, 3 were to be hit$/);
  });

  it('is given up where the first process of the container is among them: nobody can signal that from inside', async (t) => {
    const { cluster, containerOf, names } = await scene(t);
    containerOf(names[0]!).pids.push(1);
    await assert.rejects(cluster.kill(1), new RegExp(`^Error: ${names[0]} does not share its process table`));
    await until(() => containerOf(names[0]!).orders.includes('end'), 'the shell to be closed');
    assert.deepEqual(containerOf(names[0]!).orders, ['end']);
  });

  it('leaves no shell open that opened after another one could not', async (t) => {
    const { release, cluster, containerOf, names } = await scene(t);
    const { program } = release.api;
    release.api.program = (where, io) => {
      if (where.pod === names[0]) io.exit(127, 'sh: not found');
      else systemClock.timer(500, () => program(where, io));
    };
    await assert.rejects(cluster.kill(2), /sh: not found/);
    await until(() => containerOf(names[1]!).orders.includes('end'), 'the other shell to be closed');
  });

  it('says why no shell can be started', async (t) => {
    const { release, cluster, names } = await scene(t);
    release.api.program = (_where, io) => io.exit(127, 'sh: not found');
    await assert.rejects(
      cluster.kill(1),
      new RegExp(`^Error: the shell in the container server of ${names[0]} ended: exit code 127: sh: not found$`),
    );
    release.api.denied.add('create pods/exec');
    await assert.rejects(cluster.kill(1), /^ApiError: we may not create pods\/exec in the namespace demo/);
  });
});

describe('a server that keeps books', () => {
  /** Where its notes are, and what they are written with: a server, whose clock may be wrong. */
  async function books(t: TestContext, server: string, wrong = 0) {
    const directory = await mkdtemp(join(tmpdir(), 'evenkeel-test-'));
    t.after(() => rm(directory, { recursive: true }));
    const clock: Clock = { ...systemClock, wallTime: () => systemClock.wallTime() + wrong };
    const ledger = new Ledger({ directory, server, clock });
    t.after(() => ledger.close());
    const sidecar = await startLedgerServer({ directory, listen: { host: '127.0.0.1', port: 0 }, server });
    t.after(() => sidecar.close());
    const ports = [{ name: 'ledger', containerPort: sidecar.port }];
    return { ledger, initContainers: [{ name: 'ledger', image: 'i', ports }] };
  }

  /** One that works on nothing until it has been let go twice. */
  async function idle(t: TestContext, wrong?: number) {
    const { ledger, initContainers } = await books(t, 'lt-server-0', wrong);
    ledger.begin('done', 'pi')();
    const made = await scene(t, 1, { initContainers });
    const container = made.containerOf(made.names[0]!);
    container.pids.push(process.pid);
    container.onOrder = (order) => {
      const tries = container.orders.filter((each) => each === 'continue').length;
      if (order === 'continue' && tries === 2) ledger.begin('at work', 'pi');
    };
    return { ...made, container };
  }

  it('is killed while it works on a call, however often that must be tried', async (t) => {
    const { cluster, container } = await idle(t);
    const { proof, working } = await cluster.kill(1);
    assert.ok(proof.every(({ holds }) => holds));
    assert.equal(working, 1);
    assert.deepEqual(container.orders, ['stop 15', 'continue', 'stop 15', 'continue', 'stop 15', 'kill', 'end']);
  });

  for (const behind of [300, 3_600_000]) {
    it(`is known to work on a call when its clock is ${behind} ms behind`, async (t) => {
      const { cluster } = await idle(t, -behind);
      assert.equal((await cluster.freeze(1, 10)).working, 1);
      assert.equal((await cluster.kill(1)).working, 1);
    });
  }

  for (const fault of ['kill', 'freeze'] as const) {
    it(`is hit from when it was caught, though another one is caught later: ${fault}`, async (t) => {
      const { release, cluster, containerOf, names } = await scene(t, 2);
      const stops = new Map<string, number>();
      for (const name of names) {
        const { ledger, initContainers } = await books(t, name);
        release.api.patch(pods, name, { spec: { initContainers } });
        const container = containerOf(name);
        container.pids.push(process.pid);
        if (name === names[0]) ledger.begin('at work', 'pi');
        container.onOrder = (order) => {
          if (order.startsWith('stop')) stops.set(name, systemClock.wallTime());
          const tries = container.orders.filter((each) => each === 'continue').length;
          if (name === names[1] && order === 'continue' && tries === 4) ledger.begin('at work at last', 'pi');
        };
      }
      const { at, until = at, working } = await (fault === 'kill' ? cluster.kill(2) : cluster.freeze(2, 300));
      assert.equal(working, 2);
      const [first, last] = names.map((name) => stops.get(name)!) as [number, number];
      assert.ok(last >= first + 500, 'it was tried five times');
      // The system tells whole milliseconds, and a timer may fire a part of one early.
      assert.ok(at <= first + 10, `it began ${at - first} ms late`);
      if (fault === 'freeze') assert.ok(until >= last + 290, `the last one stood still for ${until - last} ms`);
    });
  }

  it('is frozen while it works on a call, from when it was caught', async (t) => {
    const { cluster, container } = await idle(t);
    const deed = await cluster.freeze(1, 300);
    assert.ok(lasted(deed) >= 300);
    await until(() => container.orders.includes('end'), 'the shell to be closed');
    const tries = ['stop 16', 'continue', 'stop 16', 'continue', 'stop 16'];
    assert.deepEqual(container.orders, [...tries, 'continue', 'end']);
  });
});

describe('a freeze', () => {
  it('stops all processes for a time, and lets them go on', async (t) => {
    const { cluster, containerOf, names } = await scene(t);
    const deed = await cluster.freeze(2, 300);
    assert.deepEqual(deed.servers, names);
    assert.ok(lasted(deed) >= 300);
    assert.deepEqual(
      deed.proof.map(({ what, holds }) => [what, holds]),
      [
        ...names.map((name) => [`${name}: processes 7, 20, 21 stood still`, true]),
        ...names.map((name) => [`${name} still stood still after 0.3 s`, true]),
        ...names.map((name) => [`the gateways had 6 calls in flight to ${name} at that moment`, true]),
      ],
    );
    for (const name of names) {
      await until(() => containerOf(name).orders.length === 3, 'the shell to be closed');
      // Should nobody come to let them go on, they do so by themselves, somewhat later.
      assert.deepEqual(containerOf(name).orders, ['stop 6', 'continue', 'end']);
    }
  });

  it('is no proof when one process goes on', async (t) => {
    const { cluster, containerOf, names } = await scene(t);
    containerOf(names[0]!).restless = 21;
    const { proof } = await cluster.freeze(1, 10);
    assert.deepEqual(proof.slice(0, 2), [
      { what: `${names[0]}: processes 7, 20, 21 stood still; process 21 is in state R`, holds: false },
      { what: `${names[0]} still stood still after 0.01 s; process 21 is in state R`, holds: false },
    ]);
  });

  it('ends at once when the run does', async (t) => {
    const { cluster, containerOf, names } = await scene(t);
    const failed = assert.rejects(cluster.freeze(1, 600_000), /the load test is over/);
    await until(() => containerOf(names[0]!).orders.length > 0, 'it to stand still');
    await cluster.close();
    await failed;
    await until(() => containerOf(names[0]!).orders.includes('end'), 'the shell to be closed');
  });

  it('cannot be proven when the connection is lost meanwhile', async (t) => {
    const { cluster, containerOf, names } = await scene(t);
    const failed = assert.rejects(
      cluster.freeze(1, 300),
      new RegExp(`^Error: the shell in the container server of ${names[0]} ended: the connection was lost$`),
    );
    await until(() => containerOf(names[0]!).orders.length > 0, 'it to stand still');
    containerOf(names[0]!).io!.drop();
    await failed;
  });
});
