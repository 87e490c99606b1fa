import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { syntheticRun } from '../../../test/support/synthetic-run.ts';
import type { Recording } from '../recording.ts';
import { timeline } from '../timeline.ts';
import { judge } from '../verdict.ts';
import { html } from './html.ts';
import { report } from './json.ts';
import { markdown } from './markdown.ts';
import { palette } from './palette.ts';
import { painter } from './picture.ts';
import { reportDocuments, writeReport } from './report.ts';
import { reportJsonSchema, reportSchema } from './schema.ts';
import { count, threeTimes, time } from './words.ts';

const nothing = { wide: '<svg></svg>', narrow: '<svg></svg>' };

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
    assert.match(paint(timeline(empty), [], 1100), /^<svg /);
    assert.match(html(empty, judge(empty), nothing), /No event was played/);
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
      for (const name of ['blue', 'orange', 'red'] as const) {
        const value = contrast(palette[name][place], palette.band[place]);
        assert.ok(value >= 3, `${name} on band, ${place === 0 ? 'light' : 'dark'}: ${value.toFixed(2)}`);
      }
    }
  });
});

describe('the report for programs', () => {
  it('is what its schema says, also when nothing went well', () => {
    for (const run of [syntheticRun(), badRun(), { ...badRun(), samples: [], states: [], events: [] }]) {
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
