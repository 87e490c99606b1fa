/**
 * Clients and servers in one process, on a virtual clock and a network in memory, with an oracle: every call carries an id,
 * handlers write down what they executed, and at the end the two are compared.
 */
import assert from 'node:assert/strict';
import { type Client, type ClientOptions, connect } from '../../src/client/connect.ts';
import type { CallOptions, HandlerContext } from '../../src/core/contract.ts';
import { method, service } from '../../src/core/contract.ts';
import { address, type Endpoint, endpoint } from '../../src/core/endpoint.ts';
import { RpcError } from '../../src/core/error.ts';
import { silentLog } from '../../src/core/log.ts';
import { seeded } from '../../src/core/random.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { type MemoryStore, memoryStore } from '../../src/registry/memory.ts';
import { openRegistry } from '../../src/registry/open.ts';
import { type Host, host } from '../../src/server/host.ts';
import { type ServeOptions, serveOptions } from '../../src/server/options.ts';
import { type Leaving, shutdown } from '../../src/server/shutdown.ts';
import { FaultNetwork } from './fault-network.ts';
import { SharedPort } from './shared-port.ts';

export interface Input {
  id: string;
}

/** `read` may run twice, `write` may not. Both answer with what `rightAnswer` says. */
export const contract = service('test', { read: method({ idempotent: true }), write: method() });
export type Contract = typeof contract.methods;

export const rightAnswer = (name: string, id: string): string => `${name} ${id}`;

/** What a node does with a call: gives the right answer, waits first, never answers, or throws. */
export type Behaviour = (input: Input, context: HandlerContext) => unknown;

export const answers: Behaviour = () => undefined;
export const never: Behaviour = () => new Promise(() => {});
export const after =
  (clock: VirtualClock, ms: number): Behaviour =>
  () =>
    clock.sleep(ms);

/** One server process: a host on an address of its own. */
export class TestNode {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly at: string;
  /** Ids that its handlers began to work on, in order, with the method's name before them. */
  readonly executed: string[] = [];
  /** Contexts of those calls. */
  readonly contexts: HandlerContext[] = [];
  behaviour: Behaviour = answers;
  /** Its processes: one, unless it has workers. A process that is gone is undefined. */
  hosts: (Host | undefined)[] = [];
  readonly #world: World;

  constructor(world: World, id: string, facts: Partial<Endpoint>) {
    this.#world = world;
    this.id = id;
    this.endpoint = endpoint({ host: id, port: 1, id, ...facts });
    this.at = address(this.endpoint);
  }

  /** What the handlers of all its processes do. */
  readonly handle = async (name: string, input: Input, context: HandlerContext): Promise<unknown> => {
    this.executed.push(`${name} ${input.id}`);
    this.contexts.push(context);
    const list = this.#world.executions.get(input.id) ?? [];
    this.#world.executions.set(input.id, [...list, this.id]);
    const said = await this.behaviour(input, context);
    return said ?? rightAnswer(name, input.id);
  };

  /** Puts it into the registry, or out of it. */
  list(facts: Partial<Endpoint> = {}): void {
    this.#world.store.set({ ...this.endpoint, ...facts });
  }

  unlist(): void {
    this.#world.store.delete(this.id);
  }

  get host(): Host | undefined {
    return this.hosts.find((host) => host !== undefined);
  }

  /** As kill -9 of one worker process. */
  killWorker(index: number): void {
    this.hosts[index]?.destroy();
    this.hosts[index] = undefined;
  }

  /** As kill -9: connections are cut, dials refused. The registry is not told. */
  kill(): void {
    this.#world.network.set(this.at, { refusing: true, frozen: false });
    this.#world.network.reset(this.at);
    for (const host of this.hosts.splice(0)) host?.destroy();
  }

  /** As SIGTERM: the way out that a server takes. */
  async leave(drainDelay = 1_000, grace = 10_000): Promise<void> {
    const all = this.hosts.splice(0).filter((host) => host !== undefined);
    const serving: Leaving = {
      drain: () => all.forEach((host) => void host.drain()),
      refuse: async () => void (await Promise.all(all.map((host) => host.refuse()))),
      finish: async (timeout) => void (await Promise.all(all.map((host) => host.finish(timeout)))),
    };
    const withdraw = async () => this.unlist();
    const steps = { unready() {}, withdraw, serving, closeRegistry: async () => {} };
    await shutdown(steps, { clock: this.#world.clock, drainDelay, grace, log: silentLog });
  }

  /** As SIGSTOP and SIGCONT. */
  freeze(): void {
    this.#world.network.set(this.at, { frozen: true });
  }

  thaw(): void {
    this.#world.network.set(this.at, { frozen: false });
  }
}

let worlds = 0;

export class World {
  readonly clock = new VirtualClock();
  readonly random: () => number;
  readonly network = new FaultNetwork(this.clock);
  readonly store: MemoryStore;
  readonly registryUrl: string;
  /** Which nodes began to work on an id, in order. */
  readonly executions = new Map<string, string[]>();
  readonly calls: Promise<void>[] = [];
  readonly #clients: { close(grace: number): Promise<void> }[] = [];
  readonly #nodes: TestNode[] = [];
  readonly #ports = new Map<TestNode, SharedPort>();
  readonly #outcomes = new Map<string, Outcome>();
  #ids = 0;

  constructor(seed = 1) {
    this.random = seeded(seed);
    const name = `world-${++worlds}`;
    this.store = memoryStore(name);
    this.registryUrl = `memory:${name}`;
  }

  /** A server that listens, and is in the registry unless `listed` is false. */
  async node(
    id: string,
    options: { listed?: boolean; endpoint?: Partial<Endpoint>; serve?: ServeOptions; workers?: number } = {},
  ): Promise<TestNode> {
    const { workers = 1 } = options;
    const node = new TestNode(this, id, { workers, ...options.endpoint });
    this.#nodes.push(node);
    await this.start(node, options.serve);
    if (options.listed !== false) node.list();
    return node;
  }

  async nodes(...ids: string[]): Promise<TestNode[]> {
    const made: TestNode[] = [];
    for (const id of ids) made.push(await this.node(id));
    return made;
  }

  /** Starts a node's processes, or starts them again, under the same id and address. */
  async start(node: TestNode, options: ServeOptions = {}): Promise<void> {
    this.network.set(node.at, { refusing: false, frozen: false, mute: false });
    const of = node.endpoint.workers;
    const port = new SharedPort(this.network);
    this.#ports.set(node, port);
    for (let index = 0; index < of; index++) await this.startWorker(node, index, options);
  }

  /** Starts one of a node's processes again. */
  async startWorker(node: TestNode, index: number, options: ServeOptions = {}): Promise<void> {
    const { clock, random } = this;
    const network = this.#ports.get(node)!;
    const listen = node.at;
    const filled = serveOptions({ clock, network, random, listen, id: node.id, ...options });
    const handlers = {
      read: (input: unknown, context: HandlerContext) => node.handle('read', input as Input, context),
      write: (input: unknown, context: HandlerContext) => node.handle('write', input as Input, context),
    };
    const worker = { index, of: node.endpoint.workers };
    node.hosts[index] = await host({ service: contract, handlers }, { ...filled, worker });
  }

  client(options: Partial<ClientOptions<Contract>> = {}): Client<Contract> {
    const { clock, network, random } = this;
    const client = connect(contract, {
      registry: this.registryUrl,
      clock,
      network,
      random,
      log: silentLog,
      ...options,
    });
    return this.closing(client);
  }

  /** Closes it with everything else. */
  closing<T extends { close(grace: number): Promise<void> }>(client: T): T {
    this.#clients.push(client);
    return client;
  }

  registry() {
    return openRegistry(this.registryUrl, { clock: this.clock, random: this.random });
  }

  /** A client whose connections are all there. */
  async connected(options: Partial<ClientOptions<Contract>> = {}): Promise<Client<Contract>> {
    const client = this.client(options);
    await this.clock.run(50);
    return client;
  }

  /** Makes a call with an id of its own, and notes how it ends. */
  call(client: Client<Contract>, name: 'read' | 'write' = 'read', options: CallOptions = {}): TestCall {
    const id = String(++this.#ids);
    const call = new TestCall(id, name, this.clock.now());
    this.#outcomes.set(id, call);
    const done = client[name]({ id }, options).then(
      (value) => call.end(this.clock.now(), { value }),
      (error) => call.end(this.clock.now(), { error }),
    );
    this.calls.push(done);
    return call;
  }

  /** Makes a call and moves the clock until it is over, at most `ms`. */
  async outcome(client: Client<Contract>, name: 'read' | 'write' = 'read', options: CallOptions = {}, ms = 10_000) {
    const call = this.call(client, name, options);
    for (let waited = 0; !call.over && waited < ms; waited += 10) await this.clock.run(10);
    assert.ok(call.over, `call ${call.id} has not ended within ${ms} ms`);
    return call;
  }

  /** Ends everything. What is left on the clock afterwards was leaked. */
  async close(grace = 0): Promise<void> {
    const closed = Promise.all(this.#clients.map((client) => client.close(grace)));
    await this.clock.run(grace + 1_500);
    await closed;
    for (const node of this.#nodes) for (const host of node.hosts) host?.destroy();
    await this.clock.run(5_000);
  }

  /**
   * Compares what callers got with what handlers did. Every call is over; an answer is the right one; an error is an
   * RpcError that is honest about what may have run; a `write` ran at most once.
   */
  check(): void {
    for (const call of this.#outcomes.values()) {
      const ran = this.executions.get(call.id)?.length ?? 0;
      const what = `${call.name} ${call.id}, ran on [${this.executions.get(call.id) ?? ''}]`;
      assert.ok(call.over, `${what}: has not ended`);
      if (call.name === 'write') assert.ok(ran <= 1, `${what}: ran ${ran} times`);
      if (call.error === undefined) {
        assert.equal(call.value, rightAnswer(call.name, call.id), what);
        assert.ok(ran > 0, `${what}: answered, and never ran`);
      } else {
        assert.ok(RpcError.is(call.error), `${what}: ${String(call.error)}`);
        const { mayHaveExecuted, stage, label } = call.error;
        if (!mayHaveExecuted && stage !== 'answered')
          assert.equal(ran, 0, `${what}: ${label} says that it did not run`);
      }
    }
  }
}

/** A call on its way, and how it ended. */
export class TestCall {
  readonly id: string;
  readonly name: 'read' | 'write';
  readonly since: number;
  over = false;
  took = 0;
  value: unknown;
  error: RpcError | undefined;

  constructor(id: string, name: 'read' | 'write', since: number) {
    this.id = id;
    this.name = name;
    this.since = since;
  }

  end(now: number, { value, error }: { value?: unknown; error?: RpcError }): void {
    this.over = true;
    this.took = now - this.since;
    this.value = value;
    this.error = error;
  }
}

type Outcome = TestCall;
