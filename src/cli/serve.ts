import type { Command } from 'commander';
import { takeWorkerIdentity } from '../server/prefork/messages.ts';
import { command } from './command.ts';
import { moduleUrl } from './load-module.ts';
import type { OptionValues } from './options.ts';

const names = [
  'registry',
  'listen',
  'advertise',
  'processes',
  'threads',
  'ops',
  'weight',
  'zone',
  'maxConcurrent',
  'handlerTimeout',
  'drainDelay',
  'grace',
  'logLevel',
] as const;

export type ServeValues = Pick<OptionValues, (typeof names)[number]>;

export function serveCommand(): Command {
  const made = command('serve', 'Serves a module: a primary process and its workers.', names, {
    listen: '0.0.0.0:7000',
  });
  made
    .summary('Serves a module')
    .argument(
      '[MODULE]',
      'a file that exports default { service, handlers }, "pi" for the demonstration service, or "recorded-pi" for load tests: the same with its calls written down, in the folder EVENKEEL_LEDGER, and 40 ms of waiting in each pi',
      'pi',
    )
    .addHelpText(
      'after',
      '\nExample:\n  evenkeel serve pi --registry zookeeper://127.0.0.1:2181/demo --listen 127.0.0.1:8081 --processes 4' +
        "\n\nThe registry's secret is read from EVENKEEL_REGISTRY_AUTH, or the file that EVENKEEL_REGISTRY_AUTH_FILE names." +
        '\nSIGTERM and SIGINT lead it away without losing a call; it then exits with 0.',
    )
    .action(async (name: string) => {
      const url = moduleUrl(name);
      const worker = takeWorkerIdentity();
      // Each loads what it needs and no more: workers are many, and start in the middle of the traffic.
      if (worker === undefined) await (await import('./serve-primary.ts')).serveAsPrimary(made.values());
      else await (await import('./serve-worker.ts')).serveAsWorker(url, made.values(), worker);
    });
  return made;
}
