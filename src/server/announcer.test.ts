import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endpoint } from '../core/endpoint.ts';
import type { Lease, Registry } from '../registry/registry.ts';
import { Announcer } from './announcer.ts';

/** A lease that does what the test says. */
class FakeLease implements Lease {
  state: Lease['state'] = 'pending';
  readonly #registered = Promise.withResolvers<void>();
  readonly registered = this.#registered.promise;
  readonly #released = Promise.withResolvers<void>();
  #listener: (state: Lease['state']) => void = () => {};

  onChange(listener: (state: Lease['state']) => void): void {
    this.#listener = listener;
  }

  update(): void {
    throw new Error('an announcer changes nothing');
  }

  release(): Promise<void> {
    this.#become('released');
    return this.#released.promise;
  }

  register(): void {
    this.#become('registered');
    this.#registered.resolve();
  }

  lose(): void {
    this.#become('pending');
  }

  /** The registry has taken it out. */
  async gone(): Promise<void> {
    this.#released.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #become(state: Lease['state']): void {
    this.state = state;
    this.#listener(state);
  }
}

function world() {
  const leases: FakeLease[] = [];
  const registry = {
    announce() {
      leases.push(new FakeLease());
      return leases.at(-1)!;
    },
  } as unknown as Registry;
  let changes = 0;
  const server = endpoint({ id: '0123456789abcdef', host: 'a', port: 1 });
  const announcer = new Announcer(registry, server, () => changes++);
  return { leases, announcer, changes: () => changes };
}

describe('a server’s registration', () => {
  it('is announced once, however often that is asked for', () => {
    const { leases, announcer } = world();
    announcer.announce();
    announcer.announce();
    assert.equal(leases.length, 1);
    assert.equal(announcer.state, 'pending');
  });

  it('makes the server ready once, and never unready again', async () => {
    const { leases, announcer, changes } = world();
    announcer.announce();
    assert.equal(announcer.wasRegistered, false);
    const before = changes();
    leases[0]!.register();
    assert.ok(changes() > before);
    assert.deepEqual([announcer.wasRegistered, announcer.state], [true, 'registered']);
    await announcer.registered;
    leases[0]!.lose();
    assert.deepEqual([announcer.wasRegistered, announcer.state], [true, 'pending']);
  });

  it('is taken again after it was taken back, but only when the former one is gone', async () => {
    const { leases, announcer } = world();
    announcer.announce();
    leases[0]!.register();
    const withdrawn = announcer.withdraw();
    assert.equal(announcer.state, 'released');
    announcer.announce();
    assert.equal(leases.length, 1, 'two of one id would take each other for leftovers');
    await leases[0]!.gone();
    await withdrawn;
    assert.equal(leases.length, 2);
    leases[1]!.register();
    assert.equal(announcer.state, 'registered');
  });

  it('is not taken again where it was taken back once more meanwhile', async () => {
    const { leases, announcer } = world();
    announcer.announce();
    void announcer.withdraw();
    announcer.announce();
    const second = announcer.withdraw();
    await leases[0]!.gone();
    await second;
    assert.equal(leases.length, 1);
    announcer.announce();
    assert.equal(leases.length, 2);
  });

  it('is never taken again once the server leaves', async () => {
    const { leases, announcer } = world();
    announcer.announce();
    void announcer.withdraw();
    announcer.announce();
    const left = announcer.leave();
    await leases[0]!.gone();
    await left;
    announcer.announce();
    assert.equal(leases.length, 1);
  });

  it('resolves `registered` where the first lease never was and a later one is', async () => {
    const { leases, announcer } = world();
    announcer.announce();
    void announcer.withdraw();
    await leases[0]!.gone();
    announcer.announce();
    leases[1]!.register();
    await announcer.registered;
    assert.equal(announcer.wasRegistered, true);
  });

  it('is no matter without a registry', async () => {
    const announcer = new Announcer(undefined, endpoint({ host: 'a', port: 1 }));
    announcer.announce();
    await announcer.registered;
    assert.deepEqual([announcer.state, announcer.wasRegistered], ['none', true]);
    await announcer.leave();
  });
});
