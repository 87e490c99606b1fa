import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { cleanup } from '../load/kubernetes/cleanup.ts';
import { command } from './command.ts';
import { asWrong } from './loadtest-report.ts';

export function loadtestCleanupCommand(): Command {
  const made = command(
    'cleanup',
    "Puts back what a load test changed that was ended in the middle: the number of servers and of ZooKeeper's members, bounds of an autoscaler, closed nodes; not what somebody has set since.",
    ['namespace'],
  );
  return made
    .summary('Puts back what a load test left changed')
    .showHelpAfterError('(evenkeel loadtest cleanup --help says more)')
    .argument('[RELEASE]', 'the release (default: the only one in the namespace)')
    .addHelpText('after', '\nExample:\n  evenkeel loadtest cleanup evenkeel --namespace shop')
    .action(async (release: string | undefined) => {
      const { namespace } = made.values();
      const { restored, problems } = await cleanup({ release, namespace, clock: systemClock }).catch(asWrong);
      for (const sentence of restored) console.log(sentence);
      if (restored.length + problems.length === 0) console.log('nothing was left changed');
      for (const sentence of problems) console.error(`evenkeel: ${sentence}`);
      process.exitCode = problems.length === 0 ? 0 : 1;
    });
}
