import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { after, answers, World } from '../../test/support/world.ts';
import { RpcError } from '../core/error.ts';
import { Events } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import type { ClientEvents } from './events.ts';
import { logNotice, type Notice } from './notice.ts';
import { Notices } from './notices.ts';

/** Notices of events that a test makes, and what they were told as. */
function noticing() {
  const clock = new VirtualClock();
  const events = new Events<ClientEvents>();
  const notices = new Notices(events, clock);
  const told: Notice[] = [];
  events.on('notice', (notice) => void told.push(notice));
  const emit = events.emit.bind(events);
  /** What was told since the last time, in words. */
  const words = () =>
    told
      .splice(0)
      .map(({ at: _at, skipped, ...facts }) =>
        [...Object.values(facts), ...(skipped ? [`+${skipped}`] : [])].join(' '),
      );
  return { clock, notices, told, emit, words };
}

const fallback = { method: 'read', error: new RpcError('UNAVAILABLE', 'no server', { reason: 'NO_NODES' }) };

test('an episode has one beginning and one end, however often the node fails in between', () => {
  const { emit, words } = noticing();
  emit('suspended', { id: 'a', cause: 'lost', for: 1_000, attempt: 'read: the connection was lost' });
  for (const time of [2_000, 4_000]) emit('suspended', { id: 'a', cause: 'probe', for: time });
  emit('suspended', { id: 'b', cause: 'heartbeat', for: 1_000 });
  emit('returned', { id: 'a', cause: 'probe' });
  emit('left', { id: 'a' });
  emit('left', { id: 'b' });
  assert.deepEqual(words(), [
    'suspended a lost 1000 read: the connection was lost',
    'suspended b heartbeat 1000 ',
    'returned a probe',
    'returned b left',
  ]);
});

test('what happens with each call is told once a minute, with how often it was not', async () => {
  const { clock, emit, words } = noticing();
  for (let i = 0; i < 100; i++) emit('budget-empty', { method: `m${i}` });
  emit('fallback', fallback);
  emit('fallback', fallback);
  assert.deepEqual(words(), ['budget-empty m0', 'fallback read UNAVAILABLE NO_NODES no server']);
  await clock.run(59_999);
  assert.deepEqual(words(), []);
  await clock.run(1);
  assert.deepEqual(words(), ['budget-empty m99 +98', 'fallback read UNAVAILABLE NO_NODES no server']);
  // Quiet for long enough: the next one is news again.
  await clock.run(60_000);
  assert.equal(clock.pending, 0);
  emit('budget-empty', { method: 'm' });
  assert.deepEqual(words(), ['budget-empty m']);
});

test('what flaps is told four times at once, then every 15 s, and what is told last is what is true', async () => {
  const { clock, emit, told, words } = noticing();
  for (let i = 0; i < 101; i++) emit('panic', { on: i % 2 === 0 });
  assert.deepEqual(words(), ['panic true', 'panic false', 'panic true', 'panic false']);
  await clock.run(14_000);
  emit('tier', { tier: 2, why: 'tier 2 takes the calls' });
  assert.deepEqual(words(), ['tier 2 tier 2 takes the calls'], 'another kind is not concerned');
  await clock.run(1_000);
  // When it happened, not when it is told.
  assert.equal(told[0]!.at, '2023-11-14T22:13:20.000Z');
  assert.deepEqual(words(), ['panic true +96']);
  await clock.run(30_000);
  assert.deepEqual(words(), []);
  for (let i = 0; i < 3; i++) emit('panic', { on: false });
  assert.deepEqual(words(), ['panic false', 'panic false'], 'one more for each 15 s that were quiet');
});

test('a breaker is told when it opens and closes: a trial that fails is no new episode', () => {
  const { emit, words } = noticing();
  const open = { method: 'read', state: 'open', cause: 'UNAVAILABLE', for: 1_000 } as const;
  const half = { method: 'read', state: 'half-open', cause: 'UNAVAILABLE' } as const;
  for (const fact of [open, half, open, half, open, half]) emit('breaker', fact);
  emit('breaker', { ...open, method: 'write' });
  emit('breaker', { method: 'read', state: 'closed' });
  assert.deepEqual(words(), ['breaker read open UNAVAILABLE', 'breaker write open UNAVAILABLE', 'breaker read closed']);
});

test('a client that is closed tells nothing, and leaves no timer', async () => {
  const { clock, notices, emit, words } = noticing();
  for (let i = 0; i < 5; i++) emit('panic', { on: i % 2 === 0 });
  words();
  notices.close();
  emit('panic', { on: true });
  emit('registry-stale', { cause: 'no quorum' });
  await clock.run(60_000);
  assert.deepEqual(words(), []);
  assert.equal(clock.pending, 0);
});

/** A log that keeps its lines. */
function kept(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const say = (level: string) => (facts: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(facts)}`);
  const log: Log = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: () => log,
  };
  return { log, lines };
}

test('a client tells of its troubles by events and in its log: of each once', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const { log, lines } = kept();
  const client = await world.connected({
    log,
    breaker: true,
    budget: { ratio: 0, perSecond: 0 },
    fallbacks: { read: 'stale' },
  });
  const heard: string[] = [];
  client.on('notice', ({ event }) => void heard.push(event));
  lines.length = 0;
  world.store.fail(new Error('no quorum'));
  await world.clock.run(1_000);
  world.store.recover();
  await world.clock.run(1_000);
  assert.deepEqual(lines, [
    'warn the registry cannot be read: going on with the servers known {"event":"registry-stale","cause":"no quorum"}',
    'info the registry can be read again {"event":"registry-known","for":1000}',
  ]);
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 1_000);
  for (let i = 0; i < 20; i++) world.call(client, 'read');
  await world.clock.run(2_000);
  for (const node of [a!, b!]) {
    node.behaviour = () => {
      throw new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'OVERLOADED' });
    };
  }
  for (let i = 0; i < 60; i++) await world.outcome(client, 'read');
  for (const node of [a!, b!]) node.behaviour = answers;
  await world.clock.run(5_000);
  for (let i = 0; i < 60; i++) await world.outcome(client, 'read');
  assert.equal(heard.length, lines.length);
  const times = (event: string) => heard.filter((other) => other === event).length;
  for (const event of ['registry-stale', 'registry-known', 'budget-empty', 'fallback'])
    assert.equal(times(event), 1, event);
  assert.equal(times('breaker'), 2);
  assert.ok(times('panic') >= 2 && times('panic') <= 4);
  for (const line of lines) assert.match(line, /^(warn|info) [a-z,: ]+ \{"event":"/);
  await world.close();
  assert.equal(world.clock.pending, 0, 'a client that is closed waits for nothing');
});

test('every notice has its words in the log, and says how many were left out', () => {
  const at = '2023-11-14T22:13:20.000Z';
  const facts = { at, skipped: 0 } as const;
  const said = (notice: Notice) => {
    const { log, lines } = kept();
    logNotice(log, notice);
    return lines.join();
  };
  const method = 'read';
  const docs = readFileSync('docs/operations.md', 'utf8');
  for (const [notice, words] of [
    [
      { event: 'suspended', node: 'a', cause: 'lost', for: 1, attempt: null },
      /^warn a server fails for real.*"node":"a"/,
    ],
    [{ event: 'returned', node: 'a', cause: 'probe' }, /^info a server gets calls again/],
    [{ event: 'returned', node: 'a', cause: 'left' }, /^info a server that got no calls is gone/],
    [{ event: 'tier', tier: 2, why: 'so' }, /^info the calls go to other servers .*"why":"so"/],
    [{ event: 'panic', on: true }, /^warn every server looks bad/],
    [{ event: 'panic', on: false }, /^info a server is well again/],
    [
      { event: 'breaker', method, state: 'open', cause: 'x' },
      /^warn nearly all calls of this method fail.*"method":"read"/,
    ],
    [{ event: 'breaker', method, state: 'closed' }, /^info calls of this method are made again/],
    [{ event: 'budget-empty', method }, /^warn a call was not sent again/],
    [
      { event: 'fallback', method, code: 'INTERNAL', reason: null, message: 'm' },
      /^warn the service failed .*"INTERNAL"/,
    ],
  ] as const) {
    assert.match(said({ ...notice, ...facts }), words);
    assert.ok(docs.includes(`| \`${notice.event}\` |`), `docs/operations.md tells of ${notice.event}`);
    assert.doesNotMatch(said({ ...notice, ...facts }), /skipped|2023/);
  }
  assert.match(said({ event: 'budget-empty', method, at, skipped: 7 }), /"skipped":7/);
});
