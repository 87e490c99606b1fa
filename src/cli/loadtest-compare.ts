import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { compare } from '../load/report/compare.ts';
import type { Side } from '../load/report/difference.ts';
import { noPicture, painter } from '../load/report/picture.ts';
import { parseReport } from '../load/report/schema.ts';
import { command, UsageError } from './command.ts';
import { asWrong } from './loadtest-report.ts';

export function loadtestCompareCommand(): Command {
  const made = command('compare', 'Puts two reports side by side: Markdown to stdout, a page to a file.', ['page']);
  return made
    .summary('Puts two reports side by side')
    .showHelpAfterError('(evenkeel loadtest compare --help says more)')
    .argument('<A>', 'a report (JSON)')
    .argument('<B>', 'the report to hold against it')
    .addHelpText('after', '\nExample:\n  evenkeel loadtest compare before.json after.json --page comparison.html')
    .action(async (a: string, b: string) => {
      const { page } = made.values();
      const sides = [await readSide(a), await readSide(b)] as const;
      const paint = page === undefined ? undefined : await painter();
      if (page !== undefined && paint === undefined) console.error(noPicture);
      const { markdown, html } = compare(...sides, paint);
      if (page !== undefined) {
        await writeFile(page, html).catch((cause: Error) => {
          throw new UsageError(`the page cannot be written: ${cause.message}`);
        });
      }
      console.log(markdown.trimEnd());
    });
}

async function readSide(file: string): Promise<Side> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new UsageError(`the report cannot be read: ${cause.message}`);
  });
  try {
    return { name: file, report: parseReport(text, file) };
  } catch (cause) {
    return asWrong(cause as Error);
  }
}
