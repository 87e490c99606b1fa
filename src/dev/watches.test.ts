import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, Watches } from './watches.ts';

function told(watches: Watches<string>, type: Change['type'], path: string): string[] {
  const events: string[] = [];
  watches.fire({ type, path }, (watcher, event) => events.push(`${watcher}: ${event.type} ${event.path}`));
  return events;
}

test('one event each, then silence', () => {
  const watches = new Watches<string>();
  watches.add('data', '/a', 'ann');
  watches.add('data', '/a', 'bob');
  watches.add('child', '/', 'bob');
  assert.deepEqual(told(watches, 'created', '/a'), ['ann: created /a', 'bob: created /a', 'bob: childrenChanged /']);
  assert.deepEqual(told(watches, 'created', '/a'), []);
  assert.equal(watches.size, 0);
});

test('who waits for children hears of new data only if he waits for it, and of the end of the node', () => {
  const watches = new Watches<string>();
  watches.add('child', '/', 'ann');
  watches.add('child', '/a', 'bob');
  assert.deepEqual(told(watches, 'dataChanged', '/a'), []);
  assert.deepEqual(told(watches, 'deleted', '/a'), ['bob: deleted /a', 'ann: childrenChanged /']);
});

test('a watch set twice is told once', () => {
  const watches = new Watches<string>();
  watches.add('data', '/a', 'ann');
  watches.add('data', '/a', 'ann');
  watches.addLasting('persistent', '/a', 'ann');
  watches.addLasting('recursive', '/', 'ann');
  assert.deepEqual(told(watches, 'dataChanged', '/a'), ['ann: dataChanged /a']);
  assert.deepEqual(told(watches, 'dataChanged', '/a'), ['ann: dataChanged /a'], 'the lasting ones stay');
});

test('a recursive watch reaches all below, and ends with its removal', () => {
  const watches = new Watches<string>();
  watches.addLasting('recursive', '/a', 'ann');
  watches.addLasting('recursive', '/', 'bob');
  assert.deepEqual(told(watches, 'created', '/a/b/c'), ['ann: created /a/b/c', 'bob: created /a/b/c']);
  assert.deepEqual(told(watches, 'created', '/ab'), ['bob: created /ab']);
  assert.equal(watches.remove(['data', 'child'], '/a', 'ann'), true);
  assert.equal(watches.remove(['data', 'child'], '/a', 'ann'), false);
  assert.deepEqual(told(watches, 'deleted', '/a/b/c'), ['bob: deleted /a/b/c']);
});

test('a connection that went is told nothing and kept nowhere', () => {
  const watches = new Watches<string>();
  watches.add('data', '/a', 'ann');
  watches.add('child', '/', 'ann');
  watches.addLasting('persistent', '/b', 'ann');
  watches.add('data', '/a', 'bob');
  watches.removeAll('ann');
  assert.equal(watches.size, 1);
  assert.deepEqual(told(watches, 'created', '/a'), ['bob: created /a']);
  assert.deepEqual(told(watches, 'created', '/b'), []);
});

test('kinds are removed apart', () => {
  const watches = new Watches<string>();
  watches.add('data', '/a', 'ann');
  watches.add('child', '/a', 'ann');
  assert.equal(watches.remove(['child'], '/a', 'ann'), true);
  assert.equal(watches.remove(['child'], '/a', 'ann'), false);
  assert.deepEqual(told(watches, 'deleted', '/a/b'), []);
  assert.deepEqual(told(watches, 'dataChanged', '/a'), ['ann: dataChanged /a']);
});
