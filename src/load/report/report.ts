import { writeFile } from 'node:fs/promises';
import type { Recording } from '../recording.ts';
import { timeline } from '../timeline.ts';
import type { Verdict } from '../verdict.ts';
import { html } from './html.ts';
import { report } from './json.ts';
import type { EventMark } from './lanes.ts';
import { markdown } from './markdown.ts';
import { standAlone } from './palette.ts';
import type { Painter } from './picture.ts';

const wide = 1100;
const narrow = 380;
/** About so many buckets make the picture: enough to see an event, few enough that a percentile has calls to stand on. */
const wantedBuckets = 120;

/**
 * Writes `path` (HTML), and beside it the same name with `.svg`, `.json` and `.md`; without `paint` no `.svg`. Rejects with a
 * sentence when a file cannot be written.
 */
export async function writeReport(
  path: string,
  recording: Recording,
  verdict: Verdict,
  paint: Painter | undefined,
): Promise<string[]> {
  const marks = verdict.events.map(({ event, ok }): EventMark => {
    const seconds = (at: number) => (at - recording.began) / 1000;
    return { index: event.index, at: seconds(event.at), settled: seconds(event.settledAt ?? recording.ended), ok };
  });
  const shown = timeline(recording, bucketWidth(recording.ended - recording.began));
  const pictures = paint && { wide: paint(shown, marks, wide), narrow: paint(shown, marks, narrow) };
  const base = path.replace(/\.html?$/i, '');
  const files: [string, string][] = [
    [path, html(recording, verdict, pictures)],
    ...(pictures === undefined ? [] : [svg(base, pictures.wide, `${recording.scenario.name}: ${verdict.headline}`)]),
    [`${base}.json`, `${JSON.stringify(report(recording, verdict, timeline(recording)), undefined, 1)}\n`],
    [`${base}.md`, markdown(recording, verdict)],
  ];
  for (const [file, text] of files) {
    await writeFile(file, text).catch((cause: Error) => {
      throw new Error(`the report cannot be written: ${cause.message}`, { cause });
    });
  }
  return files.map(([file]) => file);
}

function svg(base: string, picture: string, title: string): [string, string] {
  return [`${base}.svg`, standAlone(picture, title)];
}

/** 100 ms for the shortest runs, whole seconds for those over two minutes. */
function bucketWidth(length: number): number {
  const steps = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
  return steps.find((step) => length / step <= wantedBuckets) ?? 300_000;
}
