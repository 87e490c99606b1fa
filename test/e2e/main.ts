/** `npm run e2e`: a cluster, the images, the chart, and whether all holds there that is promised. */
import { Command, CommanderError, Option } from 'commander';
import { providerName } from '../cluster/choose.ts';
import { Impossible, providerNames } from '../cluster/provider.ts';
import { tell } from '../cluster/tell.ts';
import { type Asked, runEndToEnd } from './run.ts';

const command = new Command('e2e')
  .description(
    'Brings a cluster up, builds and loads the images, runs test/e2e there, prints the verdict, takes it down.',
  )
  .argument('[file...]', 'test files; default: all of test/e2e')
  .addOption(new Option('--provider <name>', `${providerNames.join(', ')}; default: the first that is possible`))
  .option('--tag <tag>', 'tag of the images', 'dev')
  .option('--no-build', 'take the images of that tag that the cluster has')
  .option('--keep', 'leave the cluster up')
  .option('--json <file>', 'write the figures there')
  .showHelpAfterError('(npm run e2e -- --help says more)')
  .exitOverride();

try {
  command.parse();
  const { provider, tag, build, keep = false, json } = command.opts();
  const asked: Asked = { tag, build, keep, files: command.args };
  if (provider !== undefined) asked.provider = providerName(provider, '--provider ');
  if (json !== undefined) asked.json = json;
  process.exitCode = await runEndToEnd(asked);
} catch (error) {
  // Commander has said it already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    tell((error as Error).message);
    process.exitCode = error instanceof Impossible ? 2 : 1;
  }
}
