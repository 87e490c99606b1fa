import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { server } from '../../test/support/registry-suite.ts';
import { endpoint } from '../core/endpoint.ts';
import { memoryStore } from '../registry/memory.ts';
import { openRegistry } from '../registry/open.ts';
import { editOf, findServer, setNode } from './nodes-set.ts';

const a = endpoint({ id: 'a4c2c6ed174eb1ca', host: '10.0.0.1', port: 7000, weight: 100 });
const b = endpoint({ id: 'a4ff000000000000', host: '10.0.0.2', port: 7000 });
const c = endpoint({ host: '::1', port: 7000 });

describe('which server is meant', () => {
  const listed = [a, b, c];
  for (const [text, found] of [
    ['a4c2c6ed174eb1ca', a],
    ['a4c', a],
    ['10.0.0.2:7000', b],
    ['[::1]:7000', c],
    ['[', c],
  ] as const) {
    it(`${text} is clear`, () => assert.equal(findServer(listed, text), found));
  }

  it('one that is not there is refused with those that are', () => {
    const find = () => findServer(listed, '10.0.0.1:7001');
    assert.throws(find, {
      message:
        'there is no server "10.0.0.1:7001": the registry lists a4c2c6ed174eb1ca (10.0.0.1:7000), a4ff000000000000 (10.0.0.2:7000), [::1]:7000',
    });
    assert.throws(() => findServer([], 'a'), { message: 'there is no server "a": the registry lists none' });
  });

  it('the beginning of two ids is refused with both', () => {
    assert.throws(() => findServer(listed, 'a4'), {
      message:
        '"a4" may be any of a4c2c6ed174eb1ca (10.0.0.1:7000), a4ff000000000000 (10.0.0.2:7000): say which by its id',
    });
  });

  it('an address that two share, because one of them is just ending, is refused with both', () => {
    const next = { ...b, host: a.host };
    assert.throws(() => findServer([a, next], '10.0.0.1:7000'), /may be any of a4c2.*, a4ff.*: say which by its id/);
  });

  it('an id goes before an address, and both before a beginning', () => {
    const named = endpoint({ id: '10.0.0.1:7000', host: 'x', port: 1 });
    const longer = endpoint({ id: '10.0.0.1:70001', host: 'y', port: 1 });
    assert.equal(findServer([a, longer, named], '10.0.0.1:7000'), named);
    assert.equal(findServer([longer, a], '10.0.0.1:7000'), a);
  });

  it('names no more than a line can hold', () => {
    const many = Array.from({ length: 30 }, (_, i) => server(`h${i}`));
    assert.throws(() => findServer(many, 'x'), /h19:7000\) and 10 more$/);
  });
});

describe('what is asked for', () => {
  it('is taken as it is', () => {
    assert.deepEqual(editOf({ weight: 5, offline: true }), { weight: 5, offline: true });
    assert.deepEqual(editOf({ online: true }), { offline: false });
    assert.deepEqual(editOf({ reset: true }), { reset: true });
  });

  it('must be something, and one thing', () => {
    assert.throws(() => editOf({}), /--weight N, --offline, --online or --reset/);
    assert.throws(() => editOf({ offline: true, online: true }), /contradict each other/);
    for (const more of [{ weight: 1 }, { offline: true }, { online: true }]) {
      assert.throws(() => editOf({ reset: true, ...more }), /give it alone/);
    }
  });
});

describe('setting a server', () => {
  let names = 0;
  const world = (...servers: (typeof a)[]) => {
    const name = `nodes-set-${++names}`;
    const store = memoryStore(name);
    for (const one of servers) store.set(one);
    const registry = openRegistry(`memory:${name}`);
    const held = async () => {
      for await (const document of registry.settings(new AbortController().signal)) return document;
      return undefined;
    };
    return { store, registry, held };
  };

  it('says what it changed, and writes just that', async () => {
    const { registry, held } = world(a, b);
    const node = 'a4c2c6ed174eb1ca (10.0.0.1:7000)';
    assert.deepEqual(await setNode(registry, 'a4c', { weight: 512 }), [`${node}: weight 100, as announced -> 512`]);
    assert.deepEqual(await held(), { version: 1, nodes: { [a.id]: { weight: 512 } } });
    assert.deepEqual(await setNode(registry, 'a4c', { weight: 512 }), [`${node}: nothing changed`]);
    assert.deepEqual(await setNode(registry, 'a4c', { weight: 9, offline: true }), [
      `${node}: weight 512 -> 9; offline`,
    ]);
    assert.deepEqual(await setNode(registry, 'a4c', { offline: false }), [`${node}: online`]);
    assert.deepEqual(await setNode(registry, 'a4c', { reset: true }), [`${node}: weight 9 -> 100, as announced`]);
    assert.deepEqual(await held(), { version: 1, nodes: {} });
    await registry.close();
  });

  it('forgets what was set of servers that are gone, and says so', async () => {
    const { store, registry, held } = world(a, b);
    const document = {
      version: 1,
      client: { timeout: 9 },
      nodes: { gone: { weight: 1, offline: true }, [b.id]: { weight: 2 } },
    };
    store.configure(document);
    assert.deepEqual((await setNode(registry, a.id, { offline: true })).slice(1), [
      'gone: not registered any more, forgot what was set of it',
    ]);
    assert.deepEqual(await held(), { ...document, nodes: { [b.id]: { weight: 2 }, [a.id]: { offline: true } } });
    await registry.close();
  });

  it('says when no server is left online', async () => {
    const { registry } = world(a, b);
    assert.equal((await setNode(registry, a.id, { offline: true })).length, 1);
    const lines = await setNode(registry, b.id, { offline: true });
    assert.deepEqual(lines.slice(1), ['Every server is offline now.']);
    await registry.close();
  });

  it('changes nothing where the server is not there, or what is set already is wrong', async () => {
    const { store, registry, held } = world(a);
    store.configure({ version: 2 });
    await assert.rejects(setNode(registry, 'x', { offline: true }), /there is no server "x"/);
    await assert.rejects(setNode(registry, a.id, { offline: true }), /cannot be changed: version is 2: expected 1$/);
    assert.deepEqual(await held(), { version: 2 });
    await registry.close();
  });

  it('says that a static registry has no settings', async () => {
    const registry = openRegistry('static:10.0.0.1:7000');
    await assert.rejects(
      setNode(registry, '10.0.0.1:7000', { offline: true }),
      /A static registry has no live settings/,
    );
    await registry.close();
  });
});
