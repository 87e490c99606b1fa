import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { connectApi } from '../load/kubernetes/connect.ts';
import { fetchReport, listReports, type ReportHead } from '../load/kubernetes/report-store.ts';
import { writeReport } from '../load/report/report.ts';
import { command, UsageError } from './command.ts';

export function loadtestReportCommand(): Command {
  const made = command('report', 'Fetches the report of a load test from its cluster, by the way that kubectl takes.', [
    'release',
    'namespace',
    'list',
    'report',
  ]);
  return made
    .summary('Fetches the report of a load test')
    .showHelpAfterError('(evenkeel loadtest report --help says more)')
    .argument(
      '[NAME]',
      'the ConfigMap that it is kept in (default: the newest that is kept; of a load test that still runs there is none)',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  evenkeel loadtest report --namespace shop\n  evenkeel loadtest report --list' +
        '\n\nWrites the files, and the verdict to stdout. Exit code 1 unless the verdict is green.',
    )
    .action(async (name: string | undefined) => {
      const { release, namespace, list, report } = made.values();
      const api = await connectApi({ clock: systemClock, namespace }).catch(asWrong);
      const where = `${release === undefined ? '' : `of the release ${release} `}in the namespace ${api.namespace}`;
      const heads = name === undefined || list ? await listReports(api, release).catch(asWrong) : [];
      if (list) {
        for (const head of heads) console.log(line(head));
        return;
      }
      const chosen = name ?? heads[0]?.name;
      if (chosen === undefined) throw new UsageError(`no report of a load test is kept ${where}`);
      const { head, documents } = await fetchReport(api, chosen).catch(asWrong);
      const files = report === undefined ? [] : await writeReport(report, documents);
      console.log(documents.markdown.trimEnd());
      for (const file of files) console.error(`wrote ${file}`);
      process.exitCode = head.ok ? 0 : 1;
    });
}

function line({ name, release, scenario, at, headline }: ReportHead): string {
  return [at, name, release, scenario, headline].join('  ');
}

/** What stands in the way is not the load test's failure. */
export function asWrong(cause: Error): never {
  throw new UsageError(cause.message);
}
