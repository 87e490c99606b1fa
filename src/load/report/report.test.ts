import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { autoscaledRun, capacityRun } from '../../../test/support/synthetic-cluster.ts';
import { syntheticRun } from '../../../test/support/synthetic-run.ts';
import type { Recording } from '../recording.ts';
import { timeline } from '../timeline.ts';
import { judge } from '../verdict.ts';
import { html } from './html.ts';
import { report } from './json.ts';
import { lanes } from './lanes.ts';
import { markdown } from './markdown.ts';
import { palette } from './palette.ts';
import { painter } from './picture.ts';
import { reportDocuments, writeReport } from './report.ts';
import { reportJsonSchema, reportSchema } from './schema.ts';
import { scalingWords } from './table.ts';
import { count, threeTimes, time } from './words.ts';

const nothing = { run: { wide: '<svg></svg>', narrow: '<svg></svg>' }, scaling: undefined };

/** A run of ten minutes, as pods see it: one of two gateways opens more and more files. */
function leakyRun(): Recording {
  const run = syntheticRun();
  const usage = Array.from({ length: 61 }, (_, index) =>
    (['gateway-1', 'gateway-2'] as const).map((pod) => ({
      ...{
        at: run.began + index * 10_000,
        pod,
        life: pod,
        component: 'gateway',
        memory: 110 * 1024 * 1024,
        series: 240,
      },
      descriptors: pod === 'gateway-2' ? 80 + index : 80,
    })),
  ).flat();
  return { ...run, usage };
}

/** A run with one lost call, whose event has a name that must not become a part of the page. */
function badRun(): Recording {
  const run = syntheticRun();
  const lost = run.samples.findIndex(({ intended }) => intended > run.began + 25_000);
  const samples = run.samples.with(lost, { ...run.samples[lost]!, end: undefined });
  const events = run.events.map((event, place) =>
    place === 3 ? { ...event, name: '4 <script>alert("x")</script>' } : event,
  );
  return { ...run, samples, events };
}

describe('the page', () => {
  it('says at its top how it ended, and what', () => {
    const run = syntheticRun();
    const page = html(run, judge(run), nothing);
    assert.match(
      page,
      /<h1>Nothing was lost<\/h1>\n<p class="headline">13,800 calls, 0 lost, 0 wrong, 0 run twice<\/p>/,
    );
    assert.match(page, /scale to 5/);
    assert.match(page, /<dt>CPU<\/dt><dd>2 x synthetic<\/dd>/);
  });

  it('names the event that went wrong, in words and not by colour alone', () => {
    const run = badRun();
    const page = html(run, judge(run), nothing);
    assert.match(page, /<h1>Not passed<\/h1>/);
    assert.match(page, /<h2>Why not<\/h2><ul><li><b>4 .*1 call lost/);
    assert.match(page, /<span class="mark">✘<\/span>/);
  });

  it('tells what pods took, and that one took more and more', () => {
    const run = leakyRun();
    const page = html(run, judge(run), nothing);
    assert.match(page, /<h2>What pods took<\/h2>/);
    assert.match(
      page,
      /<td>gateway-1 ✔<\/td><td>9 min<\/td><td>110 MiB → 110 MiB<\/td><td>80 → 80<\/td><td>240 → 240</,
    );
    assert.match(page, /<td>gateway-2 ✘<\/td>.*<td>86 → 122<\/td>/);
    assert.match(page, /gateway-2 took more and more file descriptors: 86, then 122, within 9 min/);
    const calm = syntheticRun();
    assert.ok(!html(calm, judge(calm), nothing).includes('What pods took'), 'nothing was looked at for long enough');
  });

  it('shows what came from outside as text', () => {
    const run = badRun();
    const page = html(run, judge(run), nothing);
    assert.ok(!page.includes('<script'), 'there is a script in the page');
    assert.ok(page.includes('&#60;script&#62;alert(&#34;x&#34;)'));
  });

  it('needs no network, and draws in both widths with the colours of the page', async () => {
    const run = syntheticRun();
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    try {
      const files = await writeReport(join(directory, 'r.html'), reportDocuments(run, judge(run), await painter()));
      assert.deepEqual(
        files.map((file) => file.slice(directory.length + 1)),
        ['r.html', 'r.svg', 'r.json', 'r.md'],
      );
      const page = readFileSync(files[0]!, 'utf8');
      const addresses = [...page.matchAll(/https?:[^"'\s)]+/g)].map(([address]) => address);
      assert.deepEqual(
        [...new Set(addresses)].sort(),
        ['http://www.w3.org/1999/xlink', 'http://www.w3.org/2000/svg'],
        'names of XML alone',
      );
      assert.equal(page.match(/<svg /g)?.length, 2);
      for (const name of ['blue', 'red', 'ink', 'soft', 'band']) assert.ok(page.includes(`"var(--${name})"`), name);
      assert.ok(!page.includes('#fe01'), 'a stand-in for a colour is left');
      for (const word of ['Servers', 'Calls a second', 'Latency', 'Weight of each server', 'server-6']) {
        assert.ok(page.includes(`>${word}<`) || page.includes(`>${word}`), word);
      }
      reportSchema.parse(JSON.parse(readFileSync(files[2]!, 'utf8')));
      const svg = readFileSync(files[1]!, 'utf8');
      assert.match(
        svg,
        /^<svg [^>]*><title>[^<]+: 13,800 calls, 0 lost[^<]*<\/title><style>:root \{[^<]*--page: #ffffff;[^<]*<\/style><rect [^>]*fill="var\(--page\)"\/>/,
      );
      assert.ok(page.includes(svg.slice(svg.indexOf('/>') + 2).trim()), 'the same picture');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('has all but the picture where the drawing library is missing, and says how to get it', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const paint = await painter(() => Promise.reject(missing));
    assert.equal(paint, undefined);
    await assert.rejects(
      painter(() => Promise.reject(new Error('odd'))),
      /"echarts" cannot be loaded: odd/,
    );
    const run = syntheticRun();
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    try {
      const files = await writeReport(join(directory, 'r.html'), reportDocuments(run, judge(run), paint));
      assert.deepEqual(
        files.map((file) => file.slice(directory.length + 1)),
        ['r.html', 'r.json', 'r.md'],
      );
      const page = readFileSync(files[0]!, 'utf8');
      assert.doesNotMatch(page, /<figure|<svg|undefined/);
      assert.match(
        page,
        /There is no picture: that needs the package <code>echarts<\/code>, <code>npm install echarts<\/code>/,
      );
      assert.match(page, /<h1>Nothing was lost<\/h1>/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('can be drawn of a run that ended at once', async () => {
    const run = syntheticRun();
    const empty = { ...run, samples: [], executions: [], states: [], events: [], ended: run.began + 10 };
    const paint = (await painter())!;
    assert.match(paint(lanes(timeline(empty), []), 1100), /^<svg /);
    assert.equal(html(empty, judge(empty), nothing).match(/>not played</g)?.length, 5);
    const calm = { ...empty, scenario: { ...run.scenario, events: [] } };
    assert.match(html(calm, judge(calm), nothing), /No event was played/);
  });

  it('has colours that can be read on their ground', () => {
    // Relative luminance and contrast as WCAG 2 defines them; 4.5 is its minimum for text, 3 for shapes.
    const luminance = (hex: string) => {
      const [r, g, b] = [1, 3, 5].map((at) => {
        const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    const contrast = (one: string, other: string) => {
      const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (high! + 0.05) / (low! + 0.05);
    };
    for (const place of [0, 1] as const) {
      for (const ground of ['page', 'panel'] as const) {
        for (const name of ['ink', 'soft', 'red', 'green'] as const) {
          const value = contrast(palette[name][place], palette[ground][place]);
          assert.ok(value >= 4.5, `${name} on ${ground}, ${place === 0 ? 'light' : 'dark'}: ${value.toFixed(2)}`);
        }
      }
      for (const name of ['blue', 'orange', 'red', 'green'] as const) {
        const value = contrast(palette[name][place], palette.band[place]);
        assert.ok(value >= 3, `${name} on band, ${place === 0 ? 'light' : 'dark'}: ${value.toFixed(2)}`);
      }
    }
  });
});

describe('the page of a run on a cluster', () => {
  const paint = painter();

  it('shows the gateways and the autoscaler, and how that followed', async () => {
    const run = autoscaledRun();
    const { html: page, pictures } = reportDocuments(run, judge(run), await paint);
    for (const word of ['Autoscaler', 'at most', 'at least', 'Gateways']) assert.ok(page.includes(`>${word}<`), word);
    assert.equal(page.match(/>published</g)?.length, 4, 'of servers and of gateways, in both widths');
    assert.match(page, /Published are those that EndpointSlices of Kubernetes name as ready\./);
    assert.ok(page.includes('SIGTERM → out of the registry after 40 ms, out of the EndpointSlices after 400 ms'));
    assert.ok(
      page.includes(
        'the first server more was ready 18 s after the load began to rise · 4 were ready after 33 s · overshoot 1 server',
      ),
    );
    assert.match(page, /50, then 150 calls a second were due/);
    assert.match(page, /a ring is one in which nothing was done/);
    assert.deepEqual(Object.keys(pictures), ['.svg']);
  });

  it('draws no lane of what was not there', async () => {
    const run = syntheticRun();
    const { html: page } = reportDocuments(run, judge(run), await paint);
    for (const word of ['Autoscaler', 'Gateways', 'Throughput', 'published'])
      assert.ok(!page.includes(`>${word}<`), word);
    assert.doesNotMatch(page, /a ring is|EndpointSlices/);
    assert.match(page, /SIGTERM → out of the registry after 50 ms</);
  });

  it('shows throughput against servers, and says where the machines are full', async () => {
    const run = capacityRun();
    const { html: page, markdown: text, pictures } = reportDocuments(run, judge(run), await paint);
    const said = /With 4 servers it is under 0\.9 for the first time \(75 %\): from there on the machines are full\./;
    for (const one of [page, text]) assert.match(one, said);
    assert.match(text, /^\| 4 \| 300 \| 75 \| 75 % ◆ full \| 7\.9 s \|$/m);
    assert.match(page, /<td>75 % ◆ full<\/td>/);
    assert.deepEqual(Object.keys(pictures), ['.svg', '.capacity.svg']);
    assert.match(pictures['.capacity.svg']!, />196\/s, 98 %</);
    assert.match(pictures['.capacity.svg']!, />efficiency under 0\.9</);
  });

  it('says of throughput what there is to say', () => {
    const point = (servers: number, rate: number, efficiency: number) => ({ servers, rate, efficiency, length: 9000 });
    const words = (...points: ReturnType<typeof point>[]) =>
      scalingWords({ plateaus: [], points, fullFrom: undefined });
    assert.equal(words(), 'Nothing stood still for long enough to be measured.');
    assert.match(words(point(2, 100, 1)), /fewest servers \(2\)\. There is nothing to compare with/);
    assert.match(words(point(1, 100, 1), point(2, 195, 0.98)), /It was never under 0\.9\.$/);
  });

  it('has no picture of throughput where nothing could be measured', async () => {
    const run = { ...capacityRun(), states: [] };
    const { html: page, pictures } = reportDocuments(run, judge(run), await paint);
    assert.match(page, /Nothing stood still for long enough/);
    assert.deepEqual(Object.keys(pictures), ['.svg']);
  });

  it('says of a run that was ended early what is missing', () => {
    const run = { ...syntheticRun(), interrupted: 'SIGTERM' };
    const early = { ...run, events: run.events.slice(0, 3) };
    const { html: page, markdown: text, json } = reportDocuments(early, judge(early), undefined);
    assert.match(page, /<header class="unfinished">/);
    assert.match(page, /<h1>Not finished<\/h1>/);
    assert.match(page, /<h2>What is missing<\/h2><ul><li><b>the whole run<\/b>: the run was interrupted: SIGTERM/);
    assert.equal(page.match(/class="unplayed"/g)?.length, 2);
    assert.match(text, /^### … Not finished: 13,800 calls, 0 lost until it was ended early: see the whole run$/m);
    assert.match(text, /^\| … \| 4\. freeze 1 server for 5 s: not played \|/m);
    const { ok, outcome, unplayed } = reportSchema.parse(JSON.parse(json));
    assert.deepEqual([ok, outcome, unplayed.length], [false, 'unfinished', 2]);
  });

  it('says what is missing from the books though nothing depended on it', () => {
    const run = syntheticRun();
    const gaps = [{ server: 'server-6', from: run.began, until: run.began + 1000, why: 'the pod vanished' }];
    const { html: page, markdown: text } = reportDocuments({ ...run, gaps }, judge({ ...run, gaps }), undefined);
    const said = 'the notes of server-6 from 0.0 s to 1.0 s are missing: the pod vanished; no call depended on them.';
    assert.ok(page.includes(`Note: ${said}`) && text.includes(`Note: ${said}`));
  });

  it('keeps the numbers of events apart that come close together', () => {
    const at = (index: number, seconds: number) => ({ index, at: seconds, settled: seconds, ok: true, done: true });
    const events = [at(1, 10), at(2, 10.5), at(3, 11), at(4, 45), at(5, 45.9)];
    const { option } = lanes(timeline(syntheticRun()), events)(380);
    const circles = (option.graphic as { type: string; shape: { cx: number } }[]).filter(
      ({ type }) => type === 'circle',
    );
    const places = circles.map(({ shape }) => shape.cx);
    for (const [index, place] of places.slice(1).entries()) assert.ok(place - places[index]! >= 24.9, String(places));
    assert.ok(places.at(-1)! <= 380 - 11, 'within the picture');
  });

  it('shares the height among many servers, and shortens long names', () => {
    const weights = Array.from({ length: 60 }, (_, index) => ({
      server: `release-server-7d9f8b6c5d-x${index}`,
      points: [
        { t: 0, weight: 1024, base: 1024, state: 'live' },
        { t: 46, weight: 1024, base: 1024, state: 'live' },
      ],
    }));
    const { option, height } = lanes({ ...timeline(syntheticRun()), weights }, [])(1100);
    assert.ok(height < 1100, `${height} px`);
    const rows = (option.yAxis as { data?: string[] }[]).at(-1)!.data!;
    assert.deepEqual(rows.slice(0, 2), ['x0', 'x1']);
  });

  it('does not draw a change of weight that is narrower than a line', async () => {
    const points = Array.from({ length: 6000 }, (_, tick) => ({
      ...{ t: tick / 10, weight: 1024 / 2 ** (tick % 10), base: 1024, state: 'live' },
    }));
    const busy = { ...timeline(syntheticRun()), length: 600, weights: [{ server: 'server-1', points }] };
    const svg = (await paint)!(lanes(busy, []), 1100);
    // All of them would make a million.
    assert.ok(svg.length < 200_000, `${svg.length} characters`);
  });
});

describe('the report for programs', () => {
  it('is what its schema says, also when nothing went well', () => {
    for (const run of [
      syntheticRun(),
      badRun(),
      autoscaledRun(),
      capacityRun(),
      { ...badRun(), samples: [], states: [], events: [] },
    ]) {
      const made = report(run, judge(run), timeline(run));
      assert.deepEqual(reportSchema.strict().parse(JSON.parse(JSON.stringify(made))), made);
    }
  });

  it('is described by loadtest/report.schema.json', () => {
    const file = new URL('../../../loadtest/report.schema.json', import.meta.url);
    const said = 'write it anew: node src/load/report/write-schema.ts';
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(reportJsonSchema())), said);
  });
});

it('the verdict for a pull request has a row for each event', () => {
  const run = badRun();
  const text = markdown(run, judge(run));
  assert.match(text, /^### ✘ Not passed: 13,800 calls, 1 lost: see 4 /);
  assert.equal(text.match(/^\| [✔✘] \|/gm)?.length, 5);
  const widths = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').length);
  assert.equal(new Set(widths).size, 1, 'all rows have the same number of cells');
  assert.match(text, /\| Lost \| Unknown \| Sent again \|/);
});

it('figures read well', () => {
  assert.deepEqual(
    [0, 0.01, 0.06, 4.04, 9.96, 43.2, 999.4, 1000, 1523, 9999, 12_345].map((ms) => time(ms)),
    [...['0 ms', '0 ms', '0.1 ms', '4.0 ms', '10 ms', '43 ms', '999 ms', '1.0 s', '1.5 s', '10.0 s', '12 s']],
  );
  assert.equal(time(undefined), '–');
  assert.equal(count(13_800), '13,800');
  assert.equal(threeTimes([46.4, undefined, 56.6]), '46 → – → 57 ms');
});
