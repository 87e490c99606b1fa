import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { ReportDocuments } from '../report/report.ts';
import { type Api, ApiError } from './api.ts';
import { fetchReport, keepReport, listReports, type ReportHead } from './report-store.ts';

interface Stored {
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  binaryData: Record<string, string | null>;
}

/** ConfigMaps as the API server keeps them: not more than 1 MiB in one. */
function apiServer() {
  const maps = new Map<string, Stored>();
  const limited = (map: Stored) => {
    const size = Object.values(map.binaryData).reduce((sum, text) => sum + Buffer.from(text ?? '', 'base64').length, 0);
    assert.ok(size <= 1024 * 1024, `${map.metadata.name} has ${size} bytes`);
    for (const key of Object.keys(map.binaryData)) assert.match(key, /^[-._a-zA-Z0-9]{1,253}$/);
    return map;
  };
  const api: Pick<Api, 'create' | 'get' | 'list' | 'patch'> = {
    async create<T>(_kind: unknown, body: object) {
      const map = body as Stored;
      if (maps.has(map.metadata.name)) throw new ApiError('it is there already', { status: 409 });
      maps.set(map.metadata.name, limited(structuredClone(map)));
      return map as T;
    },
    async get<T>(_kind: unknown, name: string) {
      const found = maps.get(name);
      if (found === undefined) throw new ApiError(`there is no ${name} among the configmaps`, { status: 404 });
      return found as unknown as T;
    },
    async list<T>(_kind: unknown, where?: { selector?: string }) {
      const wanted = (where?.selector ?? '').split(',').map((each) => each.split('='));
      const items = [...maps.values()].filter(({ metadata }) =>
        wanted.every(([key, value]) => metadata.labels[key!] === value),
      );
      return { items: items as unknown as T[], version: '1' };
    },
    async patch<T>(_kind: unknown, name: string, patch: object) {
      const old = maps.get(name)!;
      const { metadata, binaryData } = patch as Stored;
      const merged = Object.entries({ ...old.binaryData, ...binaryData }).filter(([, text]) => text !== null);
      maps.set(name, limited({ metadata, binaryData: Object.fromEntries(merged) }));
      return maps.get(name) as unknown as T;
    },
  };
  return { maps, api: api as Api };
}

const head: ReportHead = {
  name: 'shop-loadtest-report-3',
  release: 'shop',
  scenario: 'kill',
  at: '2026-11-21T12:00:00.000Z',
  ok: true,
  headline: 'PASSED: 1,000 calls, none lost',
};
const documents: ReportDocuments = {
  html: '<p>grüße</p>',
  json: '{}\n',
  markdown: '### PASSED\n',
  pictures: { '.svg': '<svg/>', '.capacity.svg': '<svg id="c"/>' },
};
/** What gzip makes no smaller. */
const noise = (bytes: number) => randomBytes(bytes).toString('latin1');

describe('reports in ConfigMaps', () => {
  it('come back as they were', async () => {
    const { api, maps } = apiServer();
    assert.deepEqual(await keepReport(api, head, documents), [head.name]);
    assert.deepEqual(await fetchReport(api, head.name), { head, documents });
    assert.deepEqual(Object.keys(maps.get(head.name)!.binaryData).sort(), [
      'report.capacity.svg.gz',
      'report.html.gz',
      'report.json.gz',
      'report.md.gz',
      'report.svg.gz',
    ]);
  });

  it('are spread over several where one has no room, files too', async () => {
    const { api, maps } = apiServer();
    const large = { ...documents, html: noise(700_000), json: noise(1_500_000) };
    const names = await keepReport(api, head, large);
    assert.deepEqual(names, [head.name, ...[2, 3].map((part) => `${head.name}-${part}`)]);
    assert.deepEqual([...maps.keys()], names);
    assert.deepEqual((await fetchReport(api, head.name)).documents, large);
  });

  it('take the place of one that had the same name, and leave nothing of it', async () => {
    const { api } = apiServer();
    await keepReport(api, head, { ...documents, json: noise(1_500_000) });
    await keepReport(api, { ...head, ok: false }, documents);
    assert.deepEqual(await fetchReport(api, head.name), { head: { ...head, ok: false }, documents });
  });

  it('are listed, the newest first, those of a release or all', async () => {
    const { api } = apiServer();
    const older = { ...head, name: 'shop-loadtest-report-2', at: '2026-11-21T11:00:00.000Z' };
    const other = { ...head, name: 'other-loadtest-report-1', release: 'other', at: '2026-11-21T13:00:00.000Z' };
    for (const each of [older, head, other]) await keepReport(api, each, { ...documents, json: noise(1_500_000) });
    assert.deepEqual(await listReports(api), [other, head, older]);
    assert.deepEqual(await listReports(api, 'shop'), [head, older]);
    assert.deepEqual(await listReports(api, 'none'), []);
  });

  it('that are too large are refused before anything is kept', async () => {
    const { api, maps } = apiServer();
    const large = { ...documents, json: noise(9_000_000) };
    await assert.rejects(
      keepReport(api, head, large),
      /the report has some \d+ MiB, too much for ConfigMaps: give the load test a volume$/,
    );
    assert.equal(maps.size, 0);
  });

  it('that are not there, none, or not whole are told so', async () => {
    const { api, maps } = apiServer();
    await assert.rejects(fetchReport(api, 'nothing'), /there is no nothing among the configmaps/);
    maps.set('mine', { metadata: { name: 'mine', labels: {}, annotations: {} }, binaryData: {} });
    await assert.rejects(fetchReport(api, 'mine'), /^Error: the ConfigMap mine is no report of a load test$/);
    await keepReport(api, head, { ...documents, json: noise(1_500_000) });
    const second = maps.get(`${head.name}-2`)!;
    second.binaryData = {};
    await assert.rejects(fetchReport(api, head.name), /^Error: the report shop-loadtest-report-3 is not whole: /);
    const first = maps.get(head.name)!;
    first.binaryData = { 'report.md.gz': first.binaryData['report.md.gz']! };
    await assert.rejects(fetchReport(api, head.name), /is not whole: there is no report\.html in it$/);
  });
});
