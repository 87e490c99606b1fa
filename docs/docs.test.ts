import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { between, generated } from './generate.ts';
import type { Figures as LoadtestFigures } from './loadtest.ts';

test('what the docs take from the code is what the code says (npm run docs)', async () => {
  for (const { file, now, wanted } of await generated()) assert.equal(now, wanted, file.pathname);
});

test('what the README shows of load tests are all scenarios of a cluster, and all were passed', () => {
  const { runs } = JSON.parse(readFileSync('docs/loadtest.json', 'utf8')) as LoadtestFigures;
  // For a machine.
  const others = ['demo', 'quick'];
  const all = globSync('loadtest/scenarios/*.yaml').map((file) => basename(file, '.yaml'));
  const shown = new Set(runs.map(({ scenario }) => scenario));
  // Capacity once more, to where the machine is full.
  shown.delete('capacity-eight');
  assert.deepEqual([...shown].sort(), all.filter((name) => !others.includes(name)).sort());
  for (const { scenario, outcome, total } of runs) {
    assert.equal(outcome, 'passed', scenario);
    assert.equal(total.lost + total.wrong + total.doubled + total.dropped + total.unverified, 0, scenario);
  }
  for (const often of ['scale', 'capacity']) assert.ok(runs.filter(({ scenario }) => scenario === often).length >= 3);
});

test('a page without markers is refused', () => {
  assert.throws(() => between('text', 'options', ''), /no markers/);
  assert.equal(between('<!-- a:start -->old<!-- a:end -->', 'a', 'new'), '<!-- a:start -->\nnew\n<!-- a:end -->');
});

test('every alert of the chart is explained, and every value that is named there is one of the chart', () => {
  const page = readFileSync('docs/kubernetes.md', 'utf8');
  const charts = globSync('charts/evenkeel/charts/*/templates/_helpers.tpl').map((file) => readFileSync(file, 'utf8'));
  const alerts = charts.flatMap((text) => [...text.matchAll(/^- alert: (\w+)$/gm)].map(([, name]) => name!));
  const explained = [...page.matchAll(/^\| `(Evenkeel\w+)` \|/gm)].map(([, name]) => name!);
  assert.ok(alerts.length > 10);
  assert.deepEqual(explained.sort(), alerts.sort());

  const values = readFileSync('charts/evenkeel/README.md', 'utf8');
  const named = [...page.matchAll(/`((?:global|server|gateway|zookeeper|loadtest|dashboard)\.[a-z][\w.]*)/g)];
  assert.ok(named.length > 20);
  for (const [, name] of named) {
    assert.ok(
      values.includes(`| \`${name}\` |`) || values.includes(`| \`${name}.`),
      `docs/kubernetes.md names ${name}`,
    );
  }
});

test('every link between pages, and every file that a page names, is there', () => {
  const pages = ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md')];
  assert.ok(pages.length > 4);
  for (const page of pages) {
    const text = readFileSync(page, 'utf8');
    for (const [, link] of text.matchAll(/\]\(((?!https?:|#)[^)\s]+)\)/g)) {
      const target = join(dirname(page), link!.split('#')[0]!);
      assert.ok(existsSync(target), `${page} links to ${link}`);
    }
    for (const [, path] of text.matchAll(/`((?:src|docs|test|bench|loadtest)\/[\w./-]+\.\w+)`/g)) {
      assert.ok(existsSync(path!), `${page} names ${path}`);
    }
    for (const [, path] of text.matchAll(
      /`((?:core|wire|policy|registry|ops|transport|server|client|gateway|load|pi|dev|cli)\/[\w./-]*)`/g,
    )) {
      assert.ok(existsSync(join('src', path!)), `${page} names ${path}`);
    }
  }
});
