import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { parseAddress } from '../core/endpoint.ts';
import { runDemo } from '../load/demo.ts';
import { ownFile } from '../load/own-file.ts';
import { view } from '../load/view/view.ts';
import { command } from './command.ts';
import { adjusted, readScenario } from './scenarios.ts';

export function demoCommand(): Command {
  const made = command(
    'demo',
    'Shows on this machine that servers come, go, freeze and die and no call is lost: about a minute.',
    ['quick', 'scenario', 'servers', 'rate', 'processes', 'load', 'zookeeper', 'report'],
    { processes: '2' },
  );
  made.addHelpText(
    'after',
    '\nStarts an embedded ZooKeeper, servers and a gateway, plays a scenario under load, and judges it by what callers and' +
      '\nhandlers wrote down. Exit code 1 when a call was lost. Nothing is left running.' +
      '\n\nExamples:\n  evenkeel demo --quick\n  evenkeel demo --zookeeper 127.0.0.1:2181 --load k6',
  );
  return made.action(async () => {
    const values = made.values();
    const ending = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => ending.abort(new Error(signal)));
    }
    const shown = view(process.stdout, systemClock, process.env);
    const result = await runDemo({
      command: [process.execPath, ...process.execArgv, process.argv[1]!],
      module: ownFile('./demo-service.ts', import.meta.url),
      scenario: adjusted(await readScenario(values.scenario ?? (values.quick ? 'quick' : 'demo')), values),
      load: values.load!,
      processes: values.processes!,
      zookeeper: values.zookeeper === undefined ? undefined : parseAddress(values.zookeeper),
      report: values.report,
      view: shown,
      signal: ending.signal,
    });
    if (ending.signal.aborted) {
      shown.say(`Ended by ${(ending.signal.reason as Error).message} before the end. Nothing is left running.`);
      process.exitCode = 130;
    } else process.exitCode = result.ok ? 0 : 1;
  });
}
