import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { autoscaledRun, capacityRun } from '../../../test/support/synthetic-cluster.ts';
import { began, syntheticRun } from '../../../test/support/synthetic-run.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { Moment } from '../conductor.ts';
import { judge } from '../verdict.ts';
import { frame, statusLine } from './frame.ts';
import { ViewModel } from './model.ts';
import { cut, plain } from './paint.ts';
import { Screen } from './screen.ts';
import { verdictTable } from './verdict-table.ts';
import { view } from './view.ts';

const run = syntheticRun();

/** What the conductor would have told until then, s after the load began. */
function moments(until: number): Moment[] {
  const end = began + until * 1000;
  const all: { at: number; moment: Moment }[] = [{ at: began, moment: { kind: 'load-begins', at: began } }];
  for (const { end: ended, ...facts } of run.samples) {
    all.push({ at: facts.sent, moment: { kind: 'record', record: { kind: 'sent', ...facts } } });
    if (ended !== undefined) {
      all.push({ at: ended.at, moment: { kind: 'record', record: { kind: 'end', id: facts.id, ...ended } } });
    }
  }
  for (const state of run.states) all.push({ at: state.at, moment: { kind: 'state', state } });
  for (const event of run.events) {
    const { at, index, name, step } = event;
    all.push({ at, moment: { kind: 'event-begins', at, index, name, step } });
    all.push({ at: event.settledAt!, moment: { kind: 'event-ends', event } });
  }
  return all
    .filter(({ at }) => at <= end)
    .sort((a, b) => a.at - b.at)
    .map(({ moment }) => moment);
}

function modelAt(seconds: number): ViewModel {
  const model = new ViewModel(run.scenario);
  for (const moment of moments(seconds)) model.tell(moment);
  return model;
}

function frameAt(seconds: number): string {
  return frame(modelAt(seconds).snapshot(began + seconds * 1000), 'demo', plain).join('\n');
}

describe('the live view', () => {
  it('shows rate, latency, servers with their weights, and what was played', () => {
    const text = frameAt(27);
    assert.match(text, /^demo {3}27 s played, about \d+ s to go$/m);
    assert.match(text, /calls 8,\d{3} {3}(299|300|301)\/s {3}p50 4\d ms {3}p99 \d\d ms {3}failed 0 {3}sent again \d\d/);
    assert.match(text, /^servers: 2 wanted, 1 ready, \d registered$/m);
    assert.match(text, /^server-2 {3}█+░+ +1 {3}0 % {4}4 in flight {3}does not answer$/m);
    assert.match(text, /^server-6 {3}█{22} +1024 /m);
    assert.match(text, /^✔ 3 kill -9 1 server {3}settled after 2\.0 s$/m);
    assert.match(text, /^▶ 4 freeze 1 server for 5 s$/m);
    assert.ok(!text.includes('server-1 '), 'the killed server is not shown for ever');
  });

  it('has a shorter bar for each halving, and none at all for nobody', () => {
    const bars = [24, 26, 28.2, 33].map((seconds) => {
      const line = frameAt(seconds)
        .split('\n')
        .find((text) => text.startsWith('server-2'))!;
      return line.match(/█/g)?.length ?? 0;
    });
    assert.ok(bars[0]! > bars[1]! && bars[1]! >= bars[2]! && bars[3]! > bars[2]!, bars.join(' '));
    assert.ok(bars[2]! >= 1, 'never less than one cell while it is called');
  });

  it('counts what failed, and apart from it what is unknown', () => {
    const model = modelAt(2);
    const failed = {
      kind: 'end' as const,
      at: began + 2000,
      outcome: 'UNAVAILABLE',
      attempts: 1,
      mayHaveExecuted: true,
    };
    for (const [id, unsafe] of [
      ['x', true],
      ['y', false],
    ] as const) {
      const times = { intended: began + 1990, sent: began + 1990 };
      model.tell({ kind: 'record', record: { kind: 'sent', id, method: 'append', unsafe, ...times } });
      model.tell({ kind: 'record', record: { ...failed, id } });
    }
    const { failed: count, unknown } = model.snapshot(began + 2000);
    assert.deepEqual([count, unknown], [1, 1]);
  });

  it('counts down to the end', () => {
    const left = [0.5, 9, 19, 30, 45].map((seconds) => modelAt(seconds).snapshot(began + seconds * 1000).remaining);
    for (let index = 1; index < left.length; index++) assert.ok(left[index]! < left[index - 1]!, left.join(' '));
    assert.ok(left.at(-1)! <= 6000);
  });

  it('says that ZooKeeper gives no word', () => {
    assert.match(frameAt(39), /no word from ZooKeeper$/m);
  });

  it('shows several gateways and the autoscaler, and pods by the end of their names', () => {
    const run = autoscaledRun();
    const model = new ViewModel(run.scenario);
    const state = run.states[600]!;
    const [name, pod] = ['server-3', 'release-server-7d9f8b6c5d-x2x4k'];
    const renamed = <T extends { server?: string | undefined; name?: string }>(one: T) => ({
      ...one,
      ...(one.server === name && { server: pod }),
      ...(one.name === name && { name: pod }),
    });
    model.tell({ kind: 'load-begins', at: began });
    model.tell({
      kind: 'state',
      state: {
        ...state,
        servers: state.servers.map(renamed),
        gateways: state.gateways.map((gateway) => ({ ...gateway, nodes: gateway.nodes.map(renamed) })),
      },
    });
    const text = frame(model.snapshot(began + 60_000), 'loadtest', plain).join('\n');
    assert.match(
      text,
      /^servers: 5 wanted, 5 ready, 5 registered; gateways: 2 of 2 ready; autoscaler: wants 5 of 2 to 6$/m,
    );
    assert.match(text, /^x2x4k {6}█{22} +1024 .* 4 in flight {3}live$/m);
    assert.match(statusLine(model.snapshot(began + 60_000)), /, x2x4k 1024, /);
  });

  it('counts the stages of the load that are left', () => {
    const calm = new ViewModel({ ...autoscaledRun().scenario, events: [] });
    calm.tell({ kind: 'load-begins', at: began });
    assert.equal(calm.snapshot(began + 10_000).remaining, 20_000);
  });

  it('has a line for where nothing can be redrawn', () => {
    const line = statusLine(modelAt(27).snapshot(began + 27_000));
    assert.match(
      line,
      /^(299|300|301)\/s, p50 \d+ ms, p99 \d+ ms, failed 0, unknown 0, sent again \d+; weights: .*server-2 1,.*server-6 1024$/,
    );
  });
});

describe('a view', () => {
  class Output {
    text = '';
    isTTY: boolean;
    columns = 60;
    rows = 40;
    constructor(isTTY: boolean) {
      this.isTTY = isTTY;
    }
    write(text: string): void {
      this.text += text;
    }
  }

  const follow = async (output: Output, env: Record<string, string>) => {
    const clock = new VirtualClock(began);
    const followed = view(output, clock, env).follow(run.scenario, 'demo');
    for (const moment of moments(8)) followed.tell(moment);
    await clock.run(8000);
    followed.close();
    const { length } = output.text;
    await clock.run(5000);
    assert.equal(output.text.length, length, 'it is quiet once it is closed');
    return output.text;
  };

  it('is redrawn in its place on a terminal, and gives the cursor back', async () => {
    const text = await follow(new Output(true), {});
    assert.ok(
      text.split('\u001b[').some((part) => /^\d+A/.test(part)),
      'it goes up to where it began',
    );
    assert.ok(text.startsWith('\u001b[?25l') && text.endsWith('\u001b[?25h'));
    for (const line of stripVTControlCharacters(text).split('\n')) assert.ok(line.length < 60, line);
  });

  for (const [where, output, env] of [
    ['in a pipe', new Output(false), {}],
    ['in CI', new Output(true), { CI: 'true' }],
  ] as const) {
    it(`is plain lines ${where}`, async () => {
      const text = await follow(output, env as Record<string, string>);
      assert.ok(!text.includes('\u001b'), 'there is an escape sequence');
      assert.match(text, /▶ 1 scale to 5\n/);
      assert.match(text, /✔ 1 scale to 5 {3}settled after 2\.0 s\n/);
      assert.match(text, /5\.0 s {2}\d+\/s, p50/);
    });
  }

  it('does not draw more lines than the terminal has', () => {
    const output = new Output(true);
    output.rows = 5;
    new Screen(output).draw(['1', '2', '3', '4', '5', '6']);
    assert.equal(output.text.match(/\n/g)?.length, 4);
  });

  it('cuts text by what is seen of it', () => {
    assert.equal(cut('\u001b[31mabc\u001b[39m', 2), '\u001b[31mab\u001b[39m');
    assert.equal(cut('✔ 🚢x', 3), '✔ 🚢');
  });
});

describe('the verdict on a terminal', () => {
  it('is a table whose columns stand under each other', () => {
    const lines = verdictTable(judge(run), plain);
    const rows = lines.filter((line) => /^✔ \d /.test(line));
    assert.equal(rows.length, 5);
    assert.equal(new Set(rows.map((row) => row.length)).size, 1);
    assert.equal(lines.at(-1), '✔ Nothing was lost: 13,800 calls, 0 lost, 0 wrong, 0 run twice');
  });

  it('says what was not played, what the autoscaler did, and what the servers could do', () => {
    const early = verdictTable(judge({ ...run, events: run.events.slice(0, 4), interrupted: 'SIGTERM' }), plain);
    assert.ok(early.includes('… 5 ZooKeeper away for 5 s: not played'), early.join('\n'));
    assert.match(early.at(-1)!, /^… Not finished: /);
    const autoscaled = verdictTable(judge(autoscaledRun()), plain);
    assert.ok(autoscaled.some((line) => /^ {2}2 the first server more was ready 18 s after/.test(line)));
    const capacity = verdictTable(judge(capacityRun()), plain);
    assert.ok(
      capacity.some((line) => /^ +4 +300 +75 +75 % ◆ full +7\.9 s$/.test(line)),
      capacity.join('\n'),
    );
  });

  it('says what went wrong, and where', () => {
    const samples = run.samples.map((sample) => (sample.id === 'run-7200' ? { ...sample, end: undefined } : sample));
    const lines = verdictTable(judge({ ...run, samples }), plain);
    assert.ok(
      lines.some((line) => /^✘ 4 freeze 1 server for 5 s: 1 call lost/.test(line)),
      lines.join('\n'),
    );
    assert.match(lines.at(-1)!, /^✘ Not passed: 13,800 calls, 1 lost: see 4 freeze/);
  });
});
