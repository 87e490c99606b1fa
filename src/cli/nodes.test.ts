import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NodesView, NodeView } from '../client/view.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { colours } from '../load/view/paint.ts';
import { showOnce, snapshot, type WatchParts, watchNodes } from './nodes-show.ts';
import { table } from './nodes-table.ts';

const time = '2026-01-01T00:00:10.000Z';
const joined = { cause: 'joined', attempt: null, at: '2026-01-01T00:00:00.000Z', from: 0, to: 1_024 } as const;
const lost = { cause: 'lost', attempt: 'read: reset', at: '2026-01-01T00:00:07.100Z', from: 1_024, to: 512 } as const;

const well: NodeView = {
  id: 'a4c2c6ed174eb1ca',
  addr: '10.0.0.1:7000',
  base: 1024,
  weight: 1024,
  share: 0.667,
  state: 'live',
  tier: 0,
  inFlight: 2,
  lastCause: 'joined',
  lastChange: joined,
  lastFault: null,
  held: [],
  sparedUntil: null,
  stalled: false,
  settings: null,
  nextProbe: null,
};
const hurt: NodeView = {
  ...well,
  id: '10.0.0.12:7000',
  addr: '10.0.0.12:7000',
  weight: 511.6,
  share: 0.333,
  inFlight: 12,
  lastCause: 'success',
  lastChange: { ...lost, cause: 'success' },
  lastFault: lost,
  nextProbe: '2026-01-01T00:00:10.400Z',
};

function viewOf(nodes: NodeView[], facts: Partial<NodesView> = {}): NodesView {
  const registry = { state: 'known', since: '2026-01-01T00:00:00.000Z', cause: null } as const;
  return { version: 1, time, service: 'pi', registry, budget: 100, tier: 0, panic: false, nodes, ...facts };
}

it('the table says what is true of the client, and has a column for each fact of a node', () => {
  assert.deepEqual(table(viewOf([well, hurt])), [
    'pi   2 of 2 servers live   registry known for 10 s   budget 100   tier 0',
    '',
    'NODE              ADDRESS         STATE        WEIGHT  SHARE  IN FLIGHT  NEXT            LAST CAUSE',
    'a4c2c6ed174eb1ca  10.0.0.1:7000   live   1024 of 1024   67 %          2                  joined 10 s ago',
    '10.0.0.12:7000    10.0.0.12:7000  live    512 of 1024   33 %         12  rises in 0.4 s  lost 2 s ago: read: reset',
  ]);
});

/** What the last column says of a node. */
const why = (facts: Partial<NodeView>) =>
  table(viewOf([{ ...well, ...facts }]))
    .at(-1)!
    .split('  ')
    .at(-1)!
    .trim();

it('the last column says what is wrong, when it began, and by which attempt it was seen', () => {
  const refused = { ...lost, cause: 'refused', attempt: 'cannot connect' } as const;
  const lastCause = 'cannot connect: no HELLO';
  const away = { state: 'connecting', lastFault: refused, lastChange: refused } as const;
  assert.equal(why({ ...away, lastCause }), 'refused 2 s ago: cannot connect: no HELLO');
  assert.equal(why({ ...away, lastCause: 'refused' }), 'refused 2 s ago: cannot connect');
  assert.equal(why({ lastFault: { ...lost, attempt: null } }), 'lost 2 s ago');
  assert.equal(why({ lastFault: { ...lost, at: '2026-01-01T00:00:09.500Z' } }), 'lost just now: read: reset');
  const refusal = 'cannot connect to 10.0.0.1:7000: connect ECONNREFUSED 10.0.0.1:7000';
  assert.equal(why({ ...away, lastCause: refusal }), 'refused 2 s ago: cannot connect: connect ECONNREFUSED');
  assert.equal(why({ lastFault: { ...lost, at: '2025-12-31T23:50:00.000Z' } }), 'lost 10 min ago: read: reset');
  assert.equal(why({ lastFault: { ...lost, at: '2025-12-30T22:00:00.000Z' } }), 'lost 26 h ago: read: reset');
  assert.equal(
    why({ held: ['health', 'load'] }),
    'its health check fails; says that it has too much to do; joined 10 s ago',
  );
  assert.equal(why({ sparedUntil: '2026-01-01T00:00:12.000Z' }), 'spared for 2.0 s; joined 10 s ago');
  assert.equal(why({ stalled: true }), 'answers nothing; joined 10 s ago');
  assert.match(table(viewOf([{ ...well, lastChange: null, lastCause: null }])).at(-1)!, / 2$/);
});

it('text from peers neither breaks the line nor moves the cursor', () => {
  const attempt = 'read: a\r\n\u001b[2Jb\u2028c';
  assert.equal(why({ lastFault: { ...lost, attempt } }), 'lost 2 s ago: read: a [2Jb c');
  const registry = { state: 'stale', since: time, cause: 'x\u001b[2Jy' } as const;
  assert.match(table(viewOf([], { registry }))[0]!, /registry stale for 0 s: x \[2Jy/);
});

it('what is next says whether the node is probed, dialled, or its weight rises', () => {
  const next = (facts: Partial<NodeView>) =>
    /(probed|rises|dialled) in (\S+ s)/.exec(table(viewOf([{ ...hurt, ...facts }])).at(-1)!)?.[0];
  assert.equal(next({}), 'rises in 0.4 s');
  assert.equal(next({ state: 'suspended' }), 'probed in 0.4 s');
  assert.equal(next({ state: 'connecting', nextProbe: '2026-01-01T00:00:11.500Z' }), 'dialled in 1.5 s');
  assert.equal(next({ nextProbe: null }), undefined);
});

it('columns for tiers and settings are there where they say something', () => {
  const title = (nodes: NodeView[]) => table(viewOf(nodes))[2]!;
  assert.doesNotMatch(title([well, hurt]), /TIER|SET/);
  assert.match(title([well, { ...hurt, tier: 2 }]), /IN FLIGHT {2}TIER {2}NEXT/);
  const set: NodeView[] = [
    hurt,
    { ...well, settings: { weight: 512, offline: true } },
    { ...well, settings: { weight: 7 } },
  ];
  assert.match(title(set), /IN FLIGHT {2}SET +NEXT/);
  const lines = table(viewOf(set));
  assert.match(lines[4]!, /offline, weight 512/);
  assert.match(lines[5]!, / {2}weight 7 /);
});

it('panic and a registry that cannot be read are said above all', () => {
  const [first] = table(viewOf([hurt], { panic: true, tier: null, budget: null, service: null }));
  assert.equal(
    first,
    '1 of 1 servers live   registry known for 10 s   PANIC: every server looks bad, calls are spread evenly',
  );
});

it('the table of no nodes says so', () => {
  assert.equal(table(viewOf([])).at(-1), 'The registry lists no server.');
});

it('columns stay where they are while it is drawn again and again', () => {
  const place = (node: NodeView) => table(viewOf([node]), { live: true })[2]!;
  const { id, addr } = well;
  assert.equal(place(well), place({ ...hurt, id, addr }));
  assert.equal(place({ ...hurt, id, addr, state: 'connecting', nextProbe: '2026-01-01T00:00:11.500Z' }), place(well));
});

it('bars stand beside the weights, each as long as what is left of it; those of nodes that are not well in another colour', () => {
  const suspended = { ...hurt, weight: 1, state: 'suspended' } as const;
  const lines = table(viewOf([well, hurt, suspended]), { live: true });
  const bars = lines.slice(3).map((line) => /[█░]+/.exec(line)![0]);
  assert.deepEqual(bars, ['█'.repeat(22), `${'█'.repeat(20)}░░`, '░'.repeat(22)]);
  const places = lines.slice(2).map((line) => line.search(/(WEIGHT|of 1024)/));
  assert.equal(places[0]! + 'WEIGHT'.length, places[1]! + 'of 1024'.length, 'the title is above the numbers');
  const coloured = table(viewOf([well, hurt]), { live: true, paint: colours });
  assert.ok(coloured[3]!.includes('\u001b[32m█'));
  assert.ok(coloured[4]!.includes('\u001b[33m█'));
});

/** Something to write to, and what was written. */
function outputs(facts: { isTTY?: boolean; columns?: number; rows?: number } = {}) {
  const written = { out: '', err: '' };
  const to = (name: 'out' | 'err') => ({
    ...facts,
    write(text: string) {
      written[name] += text;
    },
  });
  return { written, stdout: to('out'), stderr: to('err') };
}

it('shown once it is a table on a terminal, else a JSON line for each node', () => {
  const terminal = outputs({ isTTY: true });
  showOnce(viewOf([well, hurt]), terminal);
  assert.deepEqual(terminal.written.out.split('\n'), [...table(viewOf([well, hurt])), '']);
  const pipe = outputs();
  showOnce(viewOf([well, hurt]), pipe);
  assert.deepEqual(
    pipe.written.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [well, hurt],
  );
  const none = outputs();
  showOnce(viewOf([]), none);
  assert.deepEqual(none.written, { out: '', err: 'evenkeel: the registry lists no server\n' });
});

/** Watches views, 250 ms each, and gives what was written. */
async function watched(
  views: NodesView[],
  facts: Parameters<typeof outputs>[0],
  env: WatchParts['env'] = {},
): Promise<string> {
  const clock = new VirtualClock();
  const { written, ...to } = outputs(facts);
  const stop = new AbortController();
  const rest = [...views];
  const ended = watchNodes(() => rest.shift() ?? views.at(-1)!, { ...to, clock, env, signal: stop.signal });
  await clock.run(250 * (views.length - 1));
  stop.abort();
  await ended;
  // ESC as ^, which regular expressions may have.
  return written.out.replaceAll('\u001b', '^');
}

it('watched on a terminal it is drawn again in its place, and the cursor comes back', async () => {
  const text = await watched(
    [viewOf([well]), viewOf([hurt])],
    { isTTY: true, columns: 200, rows: 24 },
    { NO_COLOR: '1' },
  );
  const [first, second] = text.split('^[4A');
  assert.match(first!, /^\^\[\?25l.*a4c2c6ed174eb1ca.*█{22} 1024 of 1024/s);
  assert.match(second!, /10\.0\.0\.12:7000.*█{20}░░ +512 of 1024.*\^\[\?25h$/s);
  assert.match(await watched([viewOf([well])], { isTTY: true }), /\^\[32m█/);
});

it('watched on a small terminal it says how many lines are left out', async () => {
  const all = Array.from({ length: 30 }, (_, i) => ({ ...well, id: `node-${i}` }));
  const text = await watched([viewOf(all)], { isTTY: true, columns: 80, rows: 10 }, { NO_COLOR: '1' });
  const lines = text.split('\n');
  assert.equal(lines.length, 10);
  assert.match(lines[7]!, /^node-4 /);
  assert.match(lines[8]!, /^… and 25 more/);
  for (const line of lines) assert.ok(line.replaceAll(/\^\[[?\d]*\w/g, '').length < 80);
});

it('watched into a pipe, or on a terminal that cannot be redrawn, it is a JSON line for each view that is another', async () => {
  const later = '2026-01-01T00:00:11.000Z';
  const views = [viewOf([well]), viewOf([{ ...well, inFlight: 9 }], { time: later }), viewOf([hurt], { time: later })];
  for (const [facts, env] of [
    [{}, {}],
    [{ isTTY: true }, { TERM: 'dumb' }],
  ] as const) {
    const lines = (await watched(views, facts, env)).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [
        { time, registry: 'known', budget: 100, tier: 0, panic: false, nodes: [well] },
        { time: later, registry: 'known', budget: 100, tier: 0, panic: false, nodes: [hurt] },
      ],
    );
  }
});

it('a snapshot is another only where something is said that is not over in a moment', () => {
  const first = snapshot(viewOf([well]));
  const passing = { nextProbe: later(1), sparedUntil: later(2), stalled: true, inFlight: 13 };
  assert.equal(snapshot(viewOf([{ ...well, ...passing }], { time: later(3), budget: 7 })), first);
  const registry = { state: 'stale', since: time, cause: 'gone' } as const;
  for (const other of [
    viewOf([]),
    viewOf([well, well]),
    viewOf([{ ...well, weight: 512 }]),
    viewOf([{ ...well, lastFault: lost }]),
    viewOf([{ ...well, held: ['load'] }]),
    viewOf([well], { registry }),
    viewOf([well], { panic: true }),
    viewOf([well], { tier: 2 }),
  ]) {
    assert.notEqual(snapshot(other), first);
  }
});

function later(ms: number): string {
  return `2026-01-01T00:00:10.00${ms}Z`;
}
