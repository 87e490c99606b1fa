import { number } from '../print.ts';
import { contenders } from './contender.ts';
import { doubts, type FailoverFigures, type FailoverRun } from './figures.ts';
import { summaryCells } from './print.ts';

/** The figures as Markdown, for docs/policy.md. Throws where a fault is not proven to have happened. */
export function renderFailover({ environment, scenario, runs }: FailoverFigures): string {
  for (const run of runs) {
    const [doubt] = doubts(run);
    if (doubt !== undefined) throw new Error(`failover figures of ${run.contender} prove nothing: not so: ${doubt}`);
  }
  const { cpu, cores, node, date } = environment;
  return [
    `${scenario.rate} calls/s of pi(1000), three servers. ${cpu}, ${cores} cores, Node ${node}, ${date.slice(0, 10)}. *Load* is the machine's load average before the run.`,
    '',
    '| | deadline | calls | lost | over 400 ms | over 1 s | p99 | longest | load |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...runs.map(row),
  ].join('\n');
}

function row(run: FailoverRun): string {
  const cells = [
    contenders[run.contender].title,
    `${run.deadline / 1_000} s`,
    ...summaryCells(run),
    number(run.load.before),
  ];
  return `| ${cells.join(' | ')} |`;
}
