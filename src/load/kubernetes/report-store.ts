import { gunzipSync, gzipSync } from 'node:zlib';
import type { ReportDocuments } from '../report/report.ts';
import { type Api, hasStatus } from './api.ts';
import { type Kind, type KubeObject, labels } from './objects.ts';

/**
 * Reports in ConfigMaps: they are there where no volume is, and outlive pod, Job and release. Each file of a report is a key, as
 * gzip; what does not fit into one ConfigMap goes on in the next, whose name ends in `-2`, `-3` and so on.
 */
interface ConfigMap extends KubeObject {
  data?: Readonly<Record<string, string>>;
  /** Base64. */
  binaryData?: Readonly<Record<string, string>>;
}

const configMaps: Kind<ConfigMap> = { group: '', version: 'v1', plural: 'configmaps' };

/** The label `component` of these ConfigMaps. */
const component = 'loadtest-report';
/** On the first ConfigMap, and on it alone: what is in it, as JSON. */
const annotation = 'evenkeel/loadtest-report';
/** Kubernetes takes 1 MiB, keys and all. Bytes. */
const room = 900 * 1024;
/** More ConfigMaps than that are for a volume. The chart's role names so many. */
const mostParts = 9;
/** In these the digits count pieces of a file: `report.json.gz.002`. */
const piece = /\.\d{3}$/;

/** What is known of a report without reading it. */
export interface ReportHead {
  /** Of its first ConfigMap. */
  name: string;
  release: string;
  /** Name of the scenario. */
  scenario: string;
  /** When it was kept, as ISO 8601 writes it. */
  at: string;
  ok: boolean;
  headline: string;
}

/** Keeps a report, instead of one that was kept under that name before. Gives the names of the ConfigMaps. Rejects with a sentence. */
export async function keepReport(api: Api, head: ReportHead, documents: ReportDocuments): Promise<string[]> {
  const parts = inParts(filesOf(documents));
  if (parts.length > mostParts) {
    const megabytes = Math.ceil((parts.length * room) / 1024 / 1024);
    throw new Error(`the report has some ${megabytes} MiB, too much for ConfigMaps: give the load test a volume`);
  }
  const names: string[] = [];
  for (const [index, binaryData] of parts.entries()) {
    const name = index === 0 ? head.name : `${head.name}-${index + 1}`;
    const note = JSON.stringify({ ...head, parts: parts.length });
    const metadata = {
      name,
      labels: { [labels.partOf]: 'evenkeel', [labels.release]: head.release, [labels.component]: component },
      annotations: { [annotation]: index === 0 ? note : '' },
    };
    await put(api, { metadata, binaryData });
    names.push(name);
  }
  return names;
}

/** Reports that are kept in the namespace, the newest first. */
export async function listReports(api: Api, release?: string): Promise<ReportHead[]> {
  const ofRelease = release === undefined ? '' : `,${labels.release}=${release}`;
  const { items } = await api.list(configMaps, { selector: `${labels.component}=${component}${ofRelease}` });
  return items
    .flatMap((map) => noteOf(map) ?? [])
    .map(({ parts: _, ...head }) => head)
    .sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** Reads a report. Rejects with a sentence where it is not there, or not whole. */
export async function fetchReport(api: Api, name: string): Promise<{ head: ReportHead; documents: ReportDocuments }> {
  const first = await api.get(configMaps, name);
  const note = noteOf(first);
  if (note === undefined) throw new Error(`the ConfigMap ${name} is no report of a load test`);
  const { parts, ...head } = note;
  const others = Array.from({ length: parts - 1 }, (_, index) => api.get(configMaps, `${name}-${index + 2}`));
  const files = new Map<string, Buffer[]>();
  for (const { binaryData = {} } of [first, ...(await Promise.all(others))]) {
    for (const [key, text] of Object.entries(binaryData).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const file = key.replace(piece, '').replace(/\.gz$/, '');
      const pieces = files.get(file) ?? [];
      pieces.push(Buffer.from(text, 'base64'));
      files.set(file, pieces);
    }
  }
  const texts = new Map([...files].map(([file, pieces]) => [file, unpacked(name, pieces)]));
  return { head, documents: documentsOf(name, texts) };
}

/** The files of a report, by their names in the ConfigMap. */
function filesOf({ html, json, markdown, pictures }: ReportDocuments): [name: string, text: string][] {
  const drawn = Object.entries(pictures).map(([end, text]): [string, string] => [`report${end}`, text]);
  return [['report.md', markdown], ['report.html', html], ['report.json', json], ...drawn];
}

function documentsOf(name: string, texts: ReadonlyMap<string, string>): ReportDocuments {
  const text = (file: string) => {
    const found = texts.get(file);
    if (found === undefined) throw new Error(`the report ${name} is not whole: there is no ${file} in it`);
    return found;
  };
  const pictures = [...texts].filter(([file]) => file.endsWith('.svg'));
  return {
    html: text('report.html'),
    json: text('report.json'),
    markdown: text('report.md'),
    pictures: Object.fromEntries(pictures.map(([file, svg]) => [file.replace(/^report/, ''), svg])),
  };
}

/** What goes into each ConfigMap. */
function inParts(files: readonly [name: string, text: string][]): Record<string, string>[] {
  const parts: Record<string, string>[] = [{}];
  let left = room;
  for (const [name, text] of files) {
    const packed = gzipSync(text);
    for (let from = 0, count = 1; from < packed.length; count++) {
      if (left <= 0) {
        parts.push({});
        left = room;
      }
      const bytes = packed.subarray(from, from + left);
      const whole = from === 0 && bytes.length === packed.length;
      const key = whole ? `${name}.gz` : `${name}.gz.${String(count).padStart(3, '0')}`;
      parts.at(-1)![key] = bytes.toString('base64');
      from += bytes.length;
      left -= bytes.length;
    }
  }
  return parts;
}

async function put(api: Api, body: Pick<ConfigMap, 'binaryData'> & { metadata: { name: string } }): Promise<void> {
  try {
    await api.create(configMaps, body);
  } catch (cause) {
    if (!hasStatus(cause, 409)) throw cause;
    const { name } = body.metadata;
    const { binaryData = {} } = await api.get(configMaps, name);
    const old = Object.fromEntries(Object.keys(binaryData).map((key) => [key, null]));
    await api.patch(configMaps, name, { ...body, binaryData: { ...old, ...body.binaryData } });
  }
}

function noteOf({ metadata }: ConfigMap): (ReportHead & { parts: number }) | undefined {
  try {
    const note = JSON.parse(metadata.annotations?.[annotation] || 'null') as (ReportHead & { parts: number }) | null;
    return note === null ? undefined : { ...note, name: metadata.name };
  } catch {
    return undefined;
  }
}

function unpacked(name: string, pieces: readonly Buffer[]): string {
  try {
    return gunzipSync(Buffer.concat(pieces)).toString();
  } catch (cause) {
    throw new Error(`the report ${name} is not whole: ${(cause as Error).message}`, { cause });
  }
}
