import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { NotBegun, runLoadtest } from '../load/loadtest.ts';
import { view } from '../load/view/view.ts';
import { command, UsageError } from './command.ts';
import { outliveReader } from './output.ts';
import { adjusted, isScenarioName, readScenario } from './scenarios.ts';
import { registryAuth } from './secrets.ts';
import { onSignals } from './signals.ts';

export function loadtestRunCommand(): Command {
  const made = command('run', 'Plays a scenario on a release, from a pod of its cluster.', [
    'release',
    'namespace',
    'servers',
    'rate',
    'load',
    'url',
    'registry',
    'report',
    'configMap',
    'here',
  ]);
  return made
    .summary('Plays a scenario, from a pod of the cluster')
    .showHelpAfterError('(evenkeel loadtest run --help says more)')
    .argument('<SCENARIO>', 'a file (YAML), or the name of a scenario that comes along')
    .addHelpText(
      'after',
      '\nExample:\n  evenkeel loadtest run kill --release evenkeel' +
        '\n\nSIGTERM and SIGINT end it early: what it changed is put back, and the report says what is missing. Ctrl-C again ends it at once.',
    )
    .action(async (given: string) => {
      const { here, servers, rate, url, load, ...values } = made.values();
      const scenario = adjusted(await readScenario(given), { servers, rate });
      if (!here) assertInCluster(given);
      outliveReader();
      const ending = new AbortController();
      const leave = (signal: string) => {
        console.error(`evenkeel: ended by ${signal}: what was changed is put back`);
        ending.abort(new Error(signal));
      };
      process.once('SIGHUP', leave);
      onSignals(silentLog, leave, () => {
        console.error('evenkeel: ended at once: `evenkeel loadtest cleanup` puts back what was changed');
        process.exit(130);
      });
      const result = await runLoadtest({
        ...values,
        scenario,
        load: load!,
        gatewayUrl: url,
        registryAuth: registryAuth(),
        view: view(process.stdout, systemClock, process.env),
        signal: ending.signal,
      }).catch((cause) => {
        throw cause instanceof NotBegun ? new UsageError(cause.message) : cause;
      });
      process.exitCode = result.ok ? 0 : 1;
    });
}

/** Pods are reached by their addresses, which are known in the cluster alone. */
function assertInCluster(given: string): void {
  if (process.env.KUBERNETES_SERVICE_HOST) return;
  const values = '--reset-then-reuse-values --values charts/evenkeel/values-loadtest.yaml';
  const scenario = `${isScenarioName(given) ? '--set' : '--set-file'} loadtest.scenario=${given}`;
  throw new UsageError(
    `a load test is conducted from a pod of its cluster: helm upgrade RELEASE charts/evenkeel ${values} ${scenario}; or with --here where pods are reached by their addresses`,
  );
}
