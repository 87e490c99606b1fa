import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openAcl } from './acl.ts';
import { ZooKeeperError } from './protocol.ts';
import { rollBack, statOf, type Transaction, Tree } from './tree.ts';

function transaction(zxid = 1n, session = 7n): Transaction {
  return { zxid, time: 1_000, session, identities: [], changes: [], undo: [] };
}

const persistent = { ephemeral: false, sequential: false };

/** Everything that clients can see of it. */
function snapshot(tree: Tree): unknown {
  const seen: Record<string, unknown> = {};
  const visit = (path: string) => {
    const node = tree.get(path);
    const names = [...node.children].sort();
    seen[path] = { names, data: node.data?.toString(), acl: node.acl, stat: statOf(node), created: node.created };
    for (const name of names) visit(`${path === '/' ? '' : path}/${name}`);
  };
  visit('/');
  return { seen, size: tree.size, ephemerals: [1n, 2n, 3n].map((session) => tree.ephemeralsOf(session).sort()) };
}

const paths = fc.constantFrom('/a', '/b', '/a/x', '/a/y', '/a/x/1', '/zookeeper', '/');
const operation = fc.oneof(
  fc.record({
    kind: fc.constant('create' as const),
    path: paths,
    mode: fc.record({ ephemeral: fc.boolean(), sequential: fc.boolean() }),
  }),
  fc.record({ kind: fc.constant('delete' as const), path: paths }),
  fc.record({ kind: fc.constant('setData' as const), path: paths, data: fc.string({ maxLength: 5 }) }),
  fc.record({ kind: fc.constant('setAcl' as const), path: paths, permissions: fc.constantFrom(31, 1) }),
  fc.record({ kind: fc.constant('endSession' as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function apply(tree: Tree, txn: Transaction, op: Operation): void {
  try {
    if (op.kind === 'create') tree.create(txn, op.path, null, openAcl, op.mode);
    else if (op.kind === 'delete') tree.delete(txn, op.path, -1);
    else if (op.kind === 'setData') tree.setData(txn, op.path, Buffer.from(op.data), -1);
    else if (op.kind === 'setAcl') {
      tree.setAcl(txn, op.path, [{ ...openAcl[0]!, permissions: op.permissions }], -1);
    } else tree.endSession(txn);
  } catch (cause) {
    if (!(cause instanceof ZooKeeperError)) throw cause;
  }
}

const sessions = fc.constantFrom(1n, 2n, 3n);

test('a transaction that is rolled back was never there', () => {
  fc.assert(
    fc.property(fc.array(operation), fc.array(operation), sessions, (before, inside, session) => {
      const tree = new Tree();
      for (const [at, op] of before.entries()) apply(tree, transaction(BigInt(at), 2n), op);
      const was = snapshot(tree);
      const txn = transaction(1_000n, session);
      for (const op of inside) apply(tree, txn, op);
      rollBack(txn);
      assert.deepEqual(snapshot(tree), was);
      assert.deepEqual(txn.changes, []);
    }),
  );
});

test('whatever happens, lists, counts and owners fit together', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ op: operation, session: sessions }), { maxLength: 40 }), (steps) => {
      const tree = new Tree();
      for (const [at, { op, session }] of steps.entries()) apply(tree, transaction(BigInt(at), session), op);
      let size = 0;
      const owned = new Map<bigint, string[]>();
      const visit = (path: string) => {
        size++;
        const node = tree.get(path);
        const owner = node.stat.ephemeralOwner;
        if (owner !== 0n) {
          assert.equal(node.children.size, 0, `${path} is ephemeral`);
          owned.set(owner, [...(owned.get(owner) ?? []), path]);
        }
        for (const name of node.children) visit(`${path === '/' ? '' : path}/${name}`);
      };
      visit('/');
      assert.equal(tree.size, size);
      for (const session of [1n, 2n, 3n]) {
        assert.deepEqual(tree.ephemeralsOf(session).sort(), (owned.get(session) ?? []).sort());
        tree.endSession(transaction(999n, session));
        assert.deepEqual(tree.ephemeralsOf(session), []);
      }
    }),
  );
});

test('the encoded list of children is forgotten whenever the list changes', () => {
  const tree = new Tree();
  const root = tree.get('/');
  const changed = (change: (txn: Transaction) => void) => {
    root.encodedChildren = Buffer.alloc(0);
    const txn = transaction();
    change(txn);
    assert.equal(root.encodedChildren, undefined);
    root.encodedChildren = Buffer.alloc(0);
    rollBack(txn);
    assert.equal(root.encodedChildren, undefined);
  };
  changed((txn) => tree.create(txn, '/a', null, openAcl, persistent));
  tree.create(transaction(), '/a', null, openAcl, { ephemeral: true, sequential: false });
  changed((txn) => tree.delete(txn, '/a', -1));
  changed((txn) => tree.endSession(txn));
});

test('a node remembers when it was made and when its data changed', () => {
  const tree = new Tree();
  tree.create({ ...transaction(), time: 1_000 }, '/a', null, openAcl, persistent);
  tree.setData({ ...transaction(), time: 2_000 }, '/a', null, -1);
  tree.create({ ...transaction(), time: 3_000 }, '/a/b', null, openAcl, persistent);
  const { ctime, mtime } = statOf(tree.get('/a'));
  assert.deepEqual([ctime, mtime], [1_000, 2_000]);
});

test('data is a copy: the packet it came in may be reused', () => {
  const tree = new Tree();
  const packet = Buffer.from('before');
  tree.create(transaction(), '/a', packet, openAcl, persistent);
  tree.create(transaction(), '/b', null, openAcl, persistent);
  tree.setData(transaction(), '/b', packet, -1);
  packet.write('after!');
  assert.equal(tree.get('/a').data?.toString(), 'before');
  assert.equal(tree.get('/b').data?.toString(), 'before');
});
