import { Command } from 'commander';
import { loadtestCleanupCommand } from './loadtest-cleanup.ts';
import { loadtestCompareCommand } from './loadtest-compare.ts';
import { loadtestReportCommand } from './loadtest-report.ts';
import { loadtestRunCommand } from './loadtest-run.ts';

export function loadtestCommand(): Command {
  return new Command('loadtest')
    .summary('Plays scenarios on a Kubernetes, and shows what came of them')
    .description(
      'Plays a scenario on a release in Kubernetes while calls are made, and judges by the notes of callers and handlers whether one was lost.',
    )
    .helpCommand(false)
    .showHelpAfterError('(evenkeel loadtest --help says more)')
    .addCommand(loadtestRunCommand())
    .addCommand(loadtestReportCommand())
    .addCommand(loadtestCompareCommand())
    .addCommand(loadtestCleanupCommand())
    .addHelpText(
      'after',
      '\nThe chart runs it, with the rights that it needs:' +
        '\n  helm upgrade evenkeel charts/evenkeel --reset-then-reuse-values --values charts/evenkeel/values-loadtest.yaml --set loadtest.scenario=scale' +
        '\n\nExamples:\n  evenkeel loadtest report --release evenkeel\n  evenkeel loadtest compare before.json after.json' +
        '\n\nExit codes: 0 nothing was lost, 1 something was, or it is not proven, 2 it could not be begun.',
    );
}
