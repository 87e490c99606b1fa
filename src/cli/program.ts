import { Command, CommanderError } from 'commander';
import { UsageError } from './command.ts';
import { endWithReader } from './output.ts';

/** Every command is loaded only when it is asked for: a worker process is one too, and must start fast. */
export const commands: Readonly<Record<string, () => Promise<() => Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  call: async () => (await import('./call.ts')).callCommand,
  nodes: async () => (await import('./nodes.ts')).nodesCommand,
  gateway: async () => (await import('./gateway.ts')).gatewayCommand,
  zookeeper: async () => (await import('./zookeeper.ts')).zookeeperCommand,
  demo: async () => (await import('./demo.ts')).demoCommand,
  loadtest: async () => (await import('./loadtest.ts')).loadtestCommand,
  ledger: async () => (await import('./ledger.ts')).ledgerCommand,
};

/** Does what the command line says. What went wrong is said in one line, and is in the exit code. */
export async function run(version: string): Promise<void> {
  const program = new Command('evenkeel')
    .description(
      'RPC for TypeScript services on Kubernetes whose calls do not fail while pods come, go, stall and die.',
    )
    .version(version)
    .showHelpAfterError('(evenkeel --help says more)')
    .addHelpText('after', '\nExit codes: 0 done, 1 it failed, 2 it was asked for wrongly.');
  try {
    const asked = process.argv[2] ?? '';
    const wanted = Object.hasOwn(commands, asked) ? [asked] : Object.keys(commands);
    for (const name of wanted) program.addCommand(own((await commands[name]!())()));
    await own(program).parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** A command whose end is decided here, and that speaks as we do. */
function own(made: Command): Command {
  for (const part of made.commands) own(part);
  return made.exitOverride().configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'evenkeel: ')),
    // Help, that is, and the version: all that is asked for.
    writeOut(text) {
      endWithReader();
      process.stdout.write(text);
    },
  });
}

/** Says what went wrong in one line, and gives the exit code for it. */
function report(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    console.error(`evenkeel: ${error.message}`);
    return 2;
  }
  console.error(`evenkeel: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
}
