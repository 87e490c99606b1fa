import { access, constants, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Recording } from '../recording.ts';
import { timeline } from '../timeline.ts';
import type { Verdict } from '../verdict.ts';
import { html } from './html.ts';
import { report } from './json.ts';
import { type EventMark, lanes } from './lanes.ts';
import { markdown } from './markdown.ts';
import { standAlone } from './palette.ts';
import { inTwoWidths, type Painter } from './picture.ts';
import { scaled } from './scaling.ts';

/** About so many buckets make the picture: enough to see an event, few enough that a percentile has calls to stand on. */
const wantedBuckets = 120;

/** The report in all its forms. */
export interface ReportDocuments {
  html: string;
  json: string;
  markdown: string;
  /** Files of their own; none where nothing could draw them. By what is put behind the report's name: `.svg`. */
  pictures: Readonly<Record<string, string>>;
}

/** Makes the report. Without `paint` it has no picture. */
export function reportDocuments(recording: Recording, verdict: Verdict, paint: Painter | undefined): ReportDocuments {
  const shown = timeline(recording, bucketWidth(recording.ended - recording.began));
  const run = paint && inTwoWidths(paint, lanes(shown, marksOf(recording, verdict)));
  const capacity = verdict.capacity;
  const scaling = paint && capacity && capacity.points.length > 0 ? inTwoWidths(paint, scaled(capacity)) : undefined;
  const title = `${recording.scenario.name}: ${verdict.headline}`;
  return {
    html: html(recording, verdict, { run, scaling }),
    json: `${JSON.stringify(report(recording, verdict, timeline(recording)), undefined, 1)}\n`,
    markdown: markdown(recording, verdict),
    pictures: {
      ...(run && { '.svg': standAlone(run.wide, title) }),
      ...(scaling && { '.capacity.svg': standAlone(scaling.wide, title) }),
    },
  };
}

function marksOf({ began, ended }: Recording, { events }: Verdict): EventMark[] {
  const seconds = (at: number) => (at - began) / 1000;
  return events.map(({ event, ok }) => {
    const done = event.step.do !== 'baseline' && event.step.do !== 'hpa';
    return { index: event.index, at: seconds(event.at), settled: seconds(event.settledAt ?? ended), ok, done };
  });
}

/**
 * Writes `path` (HTML), and beside it the same name with the pictures', `.json` and `.md`. Gives back the paths. Rejects with a
 * sentence when a file cannot be written.
 */
export async function writeReport(path: string, documents: ReportDocuments): Promise<string[]> {
  const base = path.replace(/\.html?$/i, '');
  const files: [string, string][] = [
    [path, documents.html],
    ...Object.entries(documents.pictures).map(([end, text]): [string, string] => [`${base}${end}`, text]),
    [`${base}.json`, documents.json],
    [`${base}.md`, documents.markdown],
  ];
  for (const [file, text] of files) {
    await writeFile(file, text).catch((cause: Error) => {
      throw new Error(`the report cannot be written: ${cause.message}`, { cause });
    });
  }
  return files.map(([file]) => file);
}

/** Rejects with a sentence where no report can be written: learning that at the end would waste the run. */
export async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path);
  await access(folder, constants.W_OK).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? `there is no folder ${folder}` : cause.message;
    throw new Error(`the report cannot be written: ${why}`, { cause });
  });
}

/** 100 ms for the shortest runs, whole seconds for those over two minutes. */
function bucketWidth(length: number): number {
  const steps = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
  return steps.find((step) => length / step <= wantedBuckets) ?? 300_000;
}
