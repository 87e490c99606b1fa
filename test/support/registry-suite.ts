/**
 * What every registry must do: `watchSuite` for all, `announceSuite` and `settingsSuite` for those that can be written to.
 * A registry's test calls them with a way to open it on its real server.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Endpoint, endpoint } from '../../src/core/endpoint.ts';
import { freshId } from '../../src/core/random.ts';
import type { Lease, Registry, SettingsDocument, View } from '../../src/registry/registry.ts';
import { until } from './until.ts';

/** A registry system on a server that runs. */
export interface RegistrySystem {
  /** One more registry object on a folder. */
  open(folder: string): Registry;
  stop(): Promise<void>;
}

/** Collects the views of a registry. */
export class Seen {
  readonly views: View[] = [];
  ended = false;
  readonly done: Promise<void>;
  readonly #stop = new AbortController();

  constructor(registry: Registry) {
    this.done = this.#collect(registry);
  }

  get last(): View | undefined {
    return this.views.at(-1);
  }

  /** What is known now, by address; undefined if nothing is. */
  get hosts(): string | undefined {
    const known = this.views.findLast((view) => view.state === 'known');
    return known?.endpoints.map(({ host, port }) => `${host}:${port}`).join(' ');
  }

  /** Waits until this is known, `HOST:PORT HOST:PORT` in the registry's order. */
  async reaches(hosts: string): Promise<void> {
    await until(
      () => this.last?.state === 'known' && this.hosts === hosts,
      `the view "${hosts}", last seen ${this.last?.state} "${this.hosts}"`,
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }

  async #collect(registry: Registry): Promise<void> {
    for await (const view of registry.watch(this.#stop.signal)) this.views.push(view);
    this.ended = true;
  }
}

/** Collects the live settings of a registry. */
export class SeenSettings {
  readonly documents: (SettingsDocument | undefined)[] = [];
  ended = false;
  readonly done: Promise<void>;
  readonly #stop = new AbortController();

  constructor(registry: Registry) {
    this.done = this.#collect(registry);
  }

  /** Waits until these are the live settings; `undefined` for none. */
  async reach(document: SettingsDocument | undefined): Promise<void> {
    await until(
      () => this.documents.length > 0 && isDeepStrictEqual(this.documents.at(-1), document),
      () => `the settings ${JSON.stringify(document)}, last seen ${JSON.stringify(this.documents.at(-1))}`,
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }

  async #collect(registry: Registry): Promise<void> {
    for await (const document of registry.settings(this.#stop.signal)) this.documents.push(document);
    this.ended = true;
  }
}

/**
 * @param openWith a registry in which these servers are
 * @param facts which facts of an endpoint it can hold. Default: all
 */
export function watchSuite(
  name: string,
  start: () => Promise<{ openWith(endpoints: readonly Endpoint[]): Promise<Registry>; stop(): Promise<void> }>,
  facts: readonly Endpoint[] = samples(),
): void {
  describe(`${name}: watching`, () => {
    let system: Awaited<ReturnType<typeof start>>;
    const opened: Registry[] = [];
    const openWith = async (endpoints: readonly Endpoint[]) => {
      const registry = await system.openWith(endpoints);
      opened.push(registry);
      return registry;
    };
    before(async () => {
      system = await start();
    });
    after(async () => {
      for (const registry of opened) await registry.close();
      await system.stop();
    });

    it('tells all facts of all servers', async () => {
      const seen = new Seen(await openWith(facts));
      await until(() => seen.last?.state === 'known' && seen.last.endpoints.length === facts.length, 'all servers');
      const byHost = (a: Endpoint, b: Endpoint) => (a.host < b.host ? -1 : 1);
      assert.deepEqual(
        [...(seen.last as { endpoints: readonly Endpoint[] }).endpoints].sort(byHost),
        [...facts].sort(byHost),
      );
      assert.ok(seen.views.slice(0, -1).every((view) => view.state !== 'failed'));
      await seen.stop();
    });

    it('serves many watchers, each until its own end', async () => {
      const registry = await openWith(facts);
      const [one, two] = [new Seen(registry), new Seen(registry)];
      await until(() => one.last?.state === 'known' && two.last?.state === 'known', 'both to know');
      await one.stop();
      assert.equal(one.ended, true);
      assert.equal(two.ended, false);
      const three = new Seen(registry);
      await until(() => three.last?.state === 'known', 'one who comes later to know');
      await two.stop();
      await three.stop();
    });

    it('ends its watches without an error when it is closed', async () => {
      const registry = await openWith(facts);
      const seen = new Seen(registry);
      await until(() => seen.last?.state === 'known', 'a view');
      await registry.close();
      await seen.done;
      await registry.close();
    });

    it('does not begin for a signal that is aborted', async () => {
      const registry = await openWith(facts);
      for await (const view of registry.watch(AbortSignal.abort())) assert.fail(`told ${view.state}`);
    });

    it('says how it is', async () => {
      const registry = await openWith(facts);
      const seen = new Seen(registry);
      await until(() => seen.last?.state === 'known', 'a view');
      const status = registry.status();
      assert.equal(status.state, 'known');
      assert.equal(typeof status.entries, 'number');
      assert.match(registry.url, /^[a-z]+:/);
      JSON.stringify(status);
      await seen.stop();
    });
  });
}

export function announceSuite(name: string, start: () => Promise<RegistrySystem>): void {
  describe(`${name}: announcing`, () => {
    let system: RegistrySystem;
    let folders = 0;
    const opened: Registry[] = [];
    const open = (folder: string) => {
      const registry = system.open(folder);
      opened.push(registry);
      return registry;
    };
    const newFolder = () => `announcing/${++folders}`;
    before(async () => {
      system = await start();
    });
    after(async () => {
      for (const registry of opened) await registry.close();
      await system.stop();
    });

    it('shows a server to all from its announcement to its release', async () => {
      const folder = newFolder();
      const seen = new Seen(open(folder));
      await seen.reaches('');
      const lease = open(folder).announce(server('a'));
      const states = statesOf(lease);
      await lease.registered;
      assert.equal(lease.state, 'registered');
      await seen.reaches('a:7000');
      await lease.release();
      assert.equal(lease.state, 'released');
      assert.equal(states.at(-1), 'released');
      await seen.reaches('');
      await lease.release();
    });

    it('shows it to those who come later', async () => {
      const folder = newFolder();
      await open(folder).announce(server('a')).registered;
      await new Seen(open(folder)).reaches('a:7000');
    });

    it('carries all facts', async () => {
      const folder = newFolder();
      for (const sample of samples()) await open(folder).announce(sample).registered;
      const seen = new Seen(open(folder));
      await until(() => seen.hosts?.split(' ').length === samples().length, 'all servers');
      const told = (seen.last as { endpoints: readonly Endpoint[] }).endpoints;
      const byHost = [...told].sort((a, b) => (a.host < b.host ? -1 : 1));
      assert.deepEqual(
        byHost.map(({ id, ...facts }) => facts),
        samples().map(({ id, ...facts }) => ({ ...facts, idAnnounced: true })),
      );
    });

    it('says something else of a server without a moment in which it is gone', async () => {
      const folder = newFolder();
      const seen = new Seen(open(folder));
      const first = server('a');
      const lease = open(folder).announce(first);
      await seen.reaches('a:7000');
      const from = seen.views.length;
      for (const weight of [10, 20, 30]) {
        lease.update({ ...first, weight });
        await until(() => weightOf(seen) === weight, `weight ${weight}`);
      }
      assert.ok(seen.views.slice(from).every((view) => view.state === 'known' && view.endpoints.length === 1));
      await until(() => lease.state === 'registered', 'the lease to stand');
      await lease.release();
      await seen.reaches('');
    });

    it('takes the last of many updates', async () => {
      const folder = newFolder();
      const seen = new Seen(open(folder));
      const first = server('a');
      const lease = open(folder).announce(first);
      for (let weight = 1; weight <= 50; weight++) lease.update({ ...first, weight });
      await until(() => weightOf(seen) === 50, 'the last weight');
    });

    it('keeps the id of a server', async () => {
      const lease = open(newFolder()).announce(server('a'));
      assert.throws(() => lease.update(server('a')), /keeps the id/);
    });

    it('never makes again what was released', async () => {
      const folder = newFolder();
      const seen = new Seen(open(folder));
      const first = server('a');
      const early = open(folder).announce(first);
      // At once, while the first word to the registry may be under way.
      await early.release();
      early.update({ ...first, weight: 9 });
      assert.equal(early.state, 'released');
      const other = open(folder).announce(server('b'));
      await other.registered;
      await seen.reaches('b:7000');
      assert.equal(early.state, 'released');
    });

    it('shows many servers, and takes those of a closed registry away', async () => {
      const folder = newFolder();
      const seen = new Seen(open(folder));
      const registries = Array.from({ length: 5 }, () => open(folder));
      const leases = registries.map((registry, i) => registry.announce(server(`h${i}`)));
      for (const lease of leases) await lease.registered;
      await until(() => seen.hosts?.split(' ').sort().join() === 'h0:7000,h1:7000,h2:7000,h3:7000,h4:7000', 'all five');
      await registries[1]!.close();
      await registries[3]!.close();
      await until(() => seen.hosts?.split(' ').sort().join() === 'h0:7000,h2:7000,h4:7000', 'three of them');
      assert.equal(leases[1]!.state, 'released');
    });

    it('holds several servers of one registry', async () => {
      const folder = newFolder();
      const registry = open(folder);
      const seen = new Seen(registry);
      const leases = [registry.announce(server('a')), registry.announce(server('b'))];
      await until(() => seen.hosts?.split(' ').sort().join() === 'a:7000,b:7000', 'both');
      await leases[0]!.release();
      await seen.reaches('b:7000');
    });

    it('gives a slow reader the newest view', async () => {
      const folder = newFolder();
      const registry = open(folder);
      const reader = registry.watch(new AbortController().signal)[Symbol.asyncIterator]();
      await reader.next();
      const first = server('a');
      const lease = open(folder).announce(first);
      await lease.registered;
      const fast = new Seen(registry);
      for (let weight = 1; weight <= 5; weight++) {
        lease.update({ ...first, weight });
        await until(() => weightOf(fast) === weight, `weight ${weight}`);
      }
      const { value } = await reader.next();
      assert.equal((value as { endpoints: Endpoint[] }).endpoints[0]?.weight, 5);
    });
  });
}

export function settingsSuite(name: string, start: () => Promise<RegistrySystem>): void {
  describe(`${name}: live settings`, () => {
    let system: RegistrySystem;
    let folders = 0;
    const opened: Registry[] = [];
    const open = (folder: string) => {
      const registry = system.open(folder);
      opened.push(registry);
      return registry;
    };
    const newFolder = () => `settings/${++folders}`;
    const set = (registry: Registry, document: SettingsDocument) => registry.configure(() => document);
    before(async () => {
      system = await start();
    });
    after(async () => {
      for (const registry of opened) await registry.close();
      await system.stop();
    });

    it('are none at first, and then what was written last', async () => {
      const folder = newFolder();
      const seen = new SeenSettings(open(folder));
      await seen.reach(undefined);
      const writer = open(folder);
      for (const document of [{ version: 1, nodes: { 'ä:1': { offline: true } } }, { version: 1 }, {}]) {
        await set(writer, document);
        await seen.reach(document);
      }
      assert.equal(seen.documents.length, 4, 'each is told once');
    });

    it('are there for those who come later, and when all that wrote and read them are gone', async () => {
      const folder = newFolder();
      const first = open(folder);
      await set(first, { version: 1, a: 1 });
      await first.close();
      await new SeenSettings(open(folder)).reach({ version: 1, a: 1 });
    });

    it('are no server, and servers are no settings', async () => {
      const folder = newFolder();
      const registry = open(folder);
      const [seen, settings] = [new Seen(registry), new SeenSettings(registry)];
      await set(registry, { version: 1 });
      await registry.announce(server('a')).registered;
      await seen.reaches('a:7000');
      await settings.reach({ version: 1 });
      assert.equal(settings.documents.length <= 2, true);
    });

    it('are changed from what they are', async () => {
      const folder = newFolder();
      const [one, two] = [open(folder), open(folder)];
      const given: unknown[] = [];
      for (const [registry, n] of [
        [one, 1],
        [two, 2],
        [one, 3],
      ] as const) {
        await registry.configure((before) => {
          given.push(before);
          return { n };
        });
      }
      assert.deepEqual(given, [undefined, { n: 1 }, { n: 2 }]);
    });

    it('lose nothing when many change them at once', async () => {
      const folder = newFolder();
      const registries = Array.from({ length: 4 }, () => open(folder));
      const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
      await Promise.all(keys.map((key, i) => registries[i % 4]!.configure((before) => ({ ...before, [key]: i }))));
      const all = Object.fromEntries(keys.map((key, i) => [key, i]));
      await new SeenSettings(registries[0]!).reach(all);
    });

    it('are changed too by who writes into what he is given', async () => {
      const folder = newFolder();
      const seen = new SeenSettings(open(folder));
      const writer = open(folder);
      await set(writer, { nodes: { a: 1 } });
      await seen.reach({ nodes: { a: 1 } });
      await writer.configure((before) => {
        (before!.nodes as { a: number }).a = 2;
        return before!;
      });
      await seen.reach({ nodes: { a: 2 } });
      assert.deepEqual(seen.documents.slice(-2), [{ nodes: { a: 1 } }, { nodes: { a: 2 } }]);
    });

    it('are others than those of another service', async () => {
      const [one, two] = [newFolder(), newFolder()];
      await set(open(one), { n: 1 });
      await new SeenSettings(open(two)).reach(undefined);
    });

    it('stay as they are when a change throws, or comes to nothing that can be written', async () => {
      const registry = open(newFolder());
      await set(registry, { n: 1 });
      const oops = () => {
        throw new Error('oops');
      };
      await assert.rejects(registry.configure(oops), /^Error: oops$/);
      await assert.rejects(set(registry, [] as never), /must|no JSON object/);
      await assert.rejects(set(registry, { x: 'x'.repeat(600_000) }), /bytes, allowed are/);
      await new SeenSettings(registry).reach({ n: 1 });
    });

    it('do not change with the object that they were given as', async () => {
      const registry = open(newFolder());
      const given = { nodes: { a: 1 } };
      await set(registry, given);
      given.nodes.a = 2;
      await new SeenSettings(registry).reach({ nodes: { a: 1 } });
    });

    it('end with their signal or their registry, without an error', async () => {
      const registry = open(newFolder());
      for await (const document of registry.settings(AbortSignal.abort())) assert.fail(JSON.stringify(document));
      const [one, two] = [new SeenSettings(registry), new SeenSettings(registry)];
      await one.reach(undefined);
      await one.stop();
      assert.deepEqual([one.ended, two.ended], [true, false]);
      await registry.close();
      await two.done;
    });

    it('give a slow reader the newest', async () => {
      const registry = open(newFolder());
      const reader = registry.settings(new AbortController().signal)[Symbol.asyncIterator]();
      assert.deepEqual(await reader.next(), { value: undefined, done: false });
      const fast = new SeenSettings(registry);
      for (const n of [1, 2, 3]) {
        await set(registry, { n });
        await fast.reach({ n });
      }
      assert.deepEqual((await reader.next()).value, { n: 3 });
    });
  });
}

/** A fresh server. */
export function server(host: string): Endpoint {
  return endpoint({ id: freshId(), host, port: 7000 });
}

/** Servers that between them say all there is to say. */
export function samples(): Endpoint[] {
  const all: Endpoint[] = [
    server('a'),
    { ...server('b'), weight: 65_536, workers: 8, service: 'pi', version: '2', zone: 'z1', tags: ['x', 'y'] },
    { ...server('c'), weight: 1, backup: true },
    { ...server('d'), protocol: 'classic' },
    { ...server('2001:db8::7'), port: 65_535 },
  ];
  return all.sort((a, b) => (a.host < b.host ? -1 : 1));
}

function weightOf(seen: Seen): number | undefined {
  return seen.last?.state === 'known' ? seen.last.endpoints[0]?.weight : undefined;
}

function statesOf(lease: Lease): Lease['state'][] {
  const states: Lease['state'][] = [lease.state];
  lease.onChange((state) => states.push(state));
  return states;
}
