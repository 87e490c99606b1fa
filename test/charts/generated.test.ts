/** What is generated from the charts is what the charts say, and the parts agree with each other and with the code. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { generatedFiles } from '../../charts/tools/generate.ts';
import { findHelm } from '../../charts/tools/helm.ts';
import { chartDigest, folder, manifests } from '../../charts/tools/manifests.ts';
import { readValuesFile } from '../../charts/tools/values-file.ts';
import { chart, parts, withHelm } from './support.ts';

const read = (file: string) => readFileSync(file, 'utf8');

describe('what is generated from charts', () => {
  it('README, schemas and copies are what values.yaml and their originals say (npm run charts:readme)', () => {
    for (const { file, wanted } of generatedFiles()) assert.equal(read(file.pathname), wanted, file.pathname);
  });

  it('the scripts and scenarios of the load test are there, and none that is no more', () => {
    const inChart = globSync('**/*', { cwd: `${chart}/charts/loadtest/files` }).filter((file) => /\.\w+$/.test(file));
    const originals = globSync('{*.ts,scenarios/*.yaml}', { cwd: 'loadtest' });
    assert.deepEqual(inChart.sort(), originals.sort());
    const values = read(`${chart}/charts/loadtest/values.yaml`);
    const [, named = ''] = /# -- Play a scenario: the name of one \(([^)]*)\)/.exec(values) ?? [];
    const names = originals.filter((file) => file.endsWith('.yaml')).map((file) => basename(file, '.yaml'));
    assert.deepEqual(named.split(', ').sort(), names.sort());
  });

  it('k8s/ was made from this chart (npm run manifests)', () => {
    assert.match(read(new URL('kustomization.yaml', folder).pathname), new RegExp(`^# Chart: ${chartDigest()}$`, 'm'));
  });

  it('the kustomization names every manifest, and each is there', () => {
    const { resources } = parse(read(new URL('kustomization.yaml', folder).pathname)) as { resources: string[] };
    const files = globSync('*.yaml', { cwd: folder.pathname }).filter((file) => file !== 'kustomization.yaml');
    assert.deepEqual(resources.sort(), files.sort());
  });

  it('a value without a text is refused, for it would be missing in the table', () => {
    assert.throws(() => readValuesFile('# -- one\na: 1\nb:\n  c: 2\n'), /b\.c says nothing about itself/);
  });

  it('comments are read as texts and rules', () => {
    const [a, b] = readValuesFile(
      '# about the file\n\n# -- first\n# line\n# @schema {minimum: 1}\na: 1\nb:\n  # -- x\n  c: [1]\n',
    );
    assert.deepEqual(a, { name: 'a', text: 'first line', rules: { minimum: 1 }, default: 1, members: undefined });
    assert.deepEqual(b!.members, [{ name: 'c', text: 'x', rules: {}, default: [1], members: undefined }]);
  });
});

withHelm('k8s/', () => {
  it('is what the chart gives (npm run manifests)', async () => {
    const wanted = await manifests(findHelm()!);
    for (const [file, text] of wanted) assert.equal(read(new URL(file, folder).pathname), text, file);
  });
});

describe('the charts', () => {
  const charts = [chart, ...parts.map((part) => `${chart}/charts/${part}`)];

  it('have the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const folder of charts) {
      const { version: own, appVersion } = parse(read(`${folder}/Chart.yaml`)) as Record<string, string>;
      assert.deepEqual([own, appVersion], [version, version], folder);
    }
    const { dependencies } = parse(read(`${chart}/Chart.yaml`)) as { dependencies: Record<string, string>[] };
    const wanted = parts.map((name) => ({ name, version, condition: `${name}.enabled` }));
    assert.deepEqual(dependencies, wanted);
  });

  it('share the same global values', () => {
    const [own, ...others] = charts.map((folder) => /^global:\n(?: .*\n)+/m.exec(read(`${folder}/values.yaml`))?.[0]);
    assert.ok(own);
    for (const other of others) assert.equal(other, own);
  });

  const shared: [file: string, where: readonly string[]][] = [
    ['_common.tpl', parts],
    ['serviceaccount.yaml', parts],
    ['servicemonitor.yaml', ['zookeeper', 'server', 'gateway']],
    ['prometheusrule.yaml', ['zookeeper', 'server', 'gateway']],
    ['_workload.tpl', ['server', 'gateway']],
    ['hpa.yaml', ['server', 'gateway']],
    ['pdb.yaml', ['server', 'gateway']],
  ];
  for (const [file, where] of shared) {
    it(`have the same ${file} in ${where.join(', ')}, but for the prefix`, () => {
      const plain = (part: string) =>
        read(`${chart}/charts/${part}/templates/${file}`)
          // Not where the word is no prefix: the API server, and servers as peers.
          .replaceAll(new RegExp(`(?<!API |list ")\\b${part}\\b`, 'g'), 'PART')
          .replace(/port: (ops|metrics)$/m, 'port: PORT');
      for (const part of where) assert.equal(plain(part), plain(where[0]!), part);
    });
  }

  it('define names with their own prefix only, and nothing random', () => {
    const templates = globSync('**/templates/**/*.{tpl,yaml,txt}', { cwd: chart });
    assert.ok(templates.length > 40);
    for (const file of templates) {
      const part = /^charts\/(\w+)\//.exec(file)?.[1];
      const text = read(`${chart}/${file}`);
      const prefix = part === undefined ? 'evenkeel.' : `evenkeel.${part}.`;
      for (const [, name] of text.matchAll(/define "([^"]+)"/g))
        assert.ok(name!.startsWith(prefix), `${file}: ${name}`);
      assert.doesNotMatch(
        text,
        /\b(rand\w+|uuidv4|genCA|genSelfSigned\w*|genPrivateKey|now|date)\b[^a-z-]*[}|(]/,
        file,
      );
    }
  });

  it('speak of no metric that there is not', () => {
    // Their table in operations.md comes from the code.
    const [, table = ''] = /<!-- metrics:start -->([\s\S]*)<!-- metrics:end -->/.exec(read('docs/operations.md')) ?? [];
    const known = new Set(Array.from(table.matchAll(/^\| `(\w+)`/gm), ([, name]) => name));
    const ofZooKeeper = ['znode_count', 'avg_latency', 'outstanding_requests', 'num_alive_connections'];
    const helpers = parts.map((part) => `${chart}/charts/${part}/templates/_helpers.tpl`);
    let found = 0;
    for (const file of [`${chart}/files/dashboard.json`, ...helpers]) {
      for (const [name] of read(file).matchAll(/\b(?:evenkeel|rpc)_[a-z_]+/g)) {
        found++;
        assert.ok(known.has(name.replace(/_(count|bucket|sum)$/, '')), `${file}: ${name}`);
      }
      for (const [, name] of read(file).matchAll(/\(([a-z_]+)\{/g)) {
        assert.ok(/^(evenkeel|rpc)_/.test(name!) || ofZooKeeper.includes(name!), `${file}: ${name}`);
      }
    }
    assert.ok(found > 20);
  });

  it('have a README whose links lead somewhere', () => {
    for (const [, link] of read(`${chart}/README.md`).matchAll(/\]\(((?!https?:|#)[^)\s]+)\)/g)) {
      assert.ok(existsSync(`${chart}/${link!.split('#')[0]}`), link!);
    }
  });
});
