import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscaledRun, capacityRun } from '../../../test/support/synthetic-cluster.ts';
import { syntheticRun } from '../../../test/support/synthetic-run.ts';
import type { Recording } from '../recording.ts';
import { timeline } from '../timeline.ts';
import { judge } from '../verdict.ts';
import { compare } from './compare.ts';
import { differences } from './difference.ts';
import { report } from './json.ts';
import { painter } from './picture.ts';
import { parseReport, type Report } from './schema.ts';

const reportOf = (run: Recording): Report => report(run, judge(run), timeline(run));
const good = reportOf(syntheticRun());
const capacity = reportOf(capacityRun());

/** The row of that name in the group of that title. */
function row(a: Report, b: Report, title: string, what: string) {
  const group = differences(a, b).find((one) => one.title === title);
  const { what: _, ...rest } = group?.rows.find((one) => one.what === what) ?? assert.fail(`no ${what} in ${title}`);
  return rest;
}

describe('two runs side by side', () => {
  it('show every event once, with its figures, though they are numbered differently', () => {
    const [first, ...others] = good.events;
    const b = {
      ...good,
      events: others.map((event, place) => ({ ...event, name: event.name.replace(/^\d+/, `${place + 1}`) })),
    };
    const titles = differences(good, b).map(({ title }) => title);
    assert.deepEqual(titles, [
      ...['The whole run', 'scale to 5', 'scale to 2', 'kill -9 1 server', 'freeze 1 server for 5 s'],
      'ZooKeeper away for 5 s',
    ]);
    assert.deepEqual(row(good, b, 'scale to 5', 'Played'), { a: 'yes', b: 'no', change: '' });
    assert.deepEqual(row(b, good, 'scale to 5', 'Played'), { a: 'no', b: 'yes', change: '' });
    assert.equal(row(good, b, 'kill -9 1 server', 'Lost').a, '0');
    assert.equal(first!.name, '1 scale to 5');
  });

  it('pair events of the same name in their order', () => {
    const twice = (p99: number): Report => ({
      ...good,
      events: [1, 2].map((times) => ({ ...good.events[2]!, p99: { before: 50, during: p99 * times, after: 50 } })),
    });
    const [, one, two] = differences(twice(100), twice(150));
    const what = 'p99 before → during → after';
    assert.deepEqual(
      [one, two].map((group) => group!.rows.find((line) => line.what === what)),
      [
        { what, a: '50 → 100 → 50 ms', b: '50 → 150 → 50 ms', change: '+50 %' },
        { what, a: '50 → 200 → 50 ms', b: '50 → 300 → 50 ms', change: '+50 %' },
      ],
    );
  });

  it('tell by how much a figure is more or less', () => {
    const b = {
      ...good,
      p50: 33,
      p99: null,
      outcome: 'failed' as const,
      total: { ...good.total, lost: 3, retried: 40 },
    };
    const a = { ...good, p50: 44, total: { ...good.total, retried: 45 } };
    assert.deepEqual(row(a, b, 'The whole run', 'p50'), { a: '44 ms', b: '33 ms', change: '−25 %' });
    assert.deepEqual(row(a, b, 'The whole run', 'p99').b, '–');
    assert.deepEqual(row(a, b, 'The whole run', 'p99').change, '');
    assert.deepEqual(row(a, b, 'The whole run', 'Lost'), { a: '0', b: '3', change: '+3' });
    assert.deepEqual(row(a, b, 'The whole run', 'Sent to servers again').change, '−5');
    assert.deepEqual(row(a, b, 'The whole run', 'Verdict'), { a: 'passed', b: 'failed', change: 'differs' });
  });

  it('compare throughput by the number of servers, and the autoscaler', () => {
    const b: Report = {
      ...capacity,
      capacity: {
        ...capacity.capacity!,
        points: capacity.capacity!.points.slice(0, 2).map((point) => ({ ...point, rate: point.rate / 2 })),
      },
    };
    assert.deepEqual(row(capacity, b, 'Throughput against servers', '2 servers'), {
      a: '196/s, 98 %',
      b: '98/s, 98 %',
      change: '−50 %',
    });
    assert.equal(row(capacity, b, 'Throughput against servers', '4 servers').b, '–');
    const scaled = reportOf(autoscaledRun());
    assert.deepEqual(row(scaled, scaled, 'autoscaler to 4', 'Overshoot, servers'), { a: '1', b: '1', change: '' });
  });

  it('name where they ran differently, and nothing else of it', () => {
    const b = { ...good, environment: { ...good.environment, Node: 'v28.0.0' } };
    const where = differences(good, b).at(-1)!;
    assert.deepEqual(where, {
      title: 'Where they ran differently',
      rows: [{ what: 'Node', a: 'v26.10.0', b: 'v28.0.0', change: '' }],
    });
  });

  it('make a text for a pull request, and a page without script or network', async () => {
    const sides = [
      { name: 'a<b>.json', report: good },
      { name: 'b.json', report: capacity },
    ] as const;
    const { markdown, html } = compare(...sides, await painter());
    assert.match(
      markdown,
      /^### a<b>\.json and b\.json\n\n- \*\*A\*\* a<b>\.json, scenario synthetic, .*: ✔ Nothing was lost/,
    );
    const widths = markdown.split('\n').flatMap((line) => (line.startsWith('|') ? line.split('|').length : []));
    assert.deepEqual([...new Set(widths)], [6]);
    assert.match(html, /<h1>a&#60;b&#62;\.json and b\.json<\/h1>/);
    assert.ok(!html.includes('<script') && !html.includes('a<b>'));
    // Time and throughput, in two widths each.
    assert.equal(html.match(/<svg /g)?.length, 4);
    assert.deepEqual([...new Set(html.match(/https?:[^"'\s)]+/g))].sort(), [
      'http://www.w3.org/1999/xlink',
      'http://www.w3.org/2000/svg',
    ]);
    assert.ok(html.includes('>Throughput against servers<'));
    assert.ok(!html.includes('undefined') && !html.includes('NaN'));
  });

  it('can be had without pictures', () => {
    const side = { name: 'a.json', report: good };
    const { html } = compare(side, side, undefined);
    assert.doesNotMatch(html, /<svg|<figure/);
    assert.match(html, /There is no picture/);
  });
});

describe('reading a report', () => {
  it('gives back what was written', () => {
    assert.deepEqual(parseReport(JSON.stringify(capacity), 'a.json'), capacity);
    const since = ['published', 'stopToUnregistered', 'stopToUnpublished'];
    const older = JSON.stringify(capacity, (key, value) => (since.includes(key) ? undefined : value));
    const { events, timeline } = parseReport(older, 'older.json');
    assert.deepEqual([events[0]!.stopToUnpublished, timeline.replicas[0]!.published], [null, null]);
  });

  for (const [what, text, message] of [
    ['no JSON', '{', /^a\.json is no JSON: /],
    ['another file', '{"name": "x"}', /^a\.json is no report that can be read here: its version is missing, not 1$/],
    ['a later version', '{"version": 2}', /its version is 2, not 1$/],
    ['nothing at all', 'null', /its version is missing, not 1$/],
    ['a spoilt report', JSON.stringify({ ...good, p50: 'fast' }), /^a\.json is no report: p50: /],
  ] as const) {
    it(`refuses ${what} in a sentence`, () => {
      assert.throws(() => parseReport(text, 'a.json'), { message });
    });
  }
});
