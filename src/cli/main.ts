#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { callCommand } from './call.ts';
import { Failure, UsageError } from './command.ts';
import { demoCommand } from './demo.ts';
import { gatewayCommand } from './gateway.ts';
import { nodesCommand } from './nodes.ts';
import { serveCommand } from './serve.ts';
import { zookeeperCommand } from './zookeeper.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = new Command('evenkeel')
  .description('RPC for TypeScript services on Kubernetes whose calls do not fail while pods come, go, stall and die.')
  .version(version)
  .showHelpAfterError('(evenkeel --help says more)')
  .addHelpText('after', '\nExit codes: 0 done, 1 it failed, 2 it was asked for wrongly.');

for (const make of [serveCommand, callCommand, nodesCommand, gatewayCommand, zookeeperCommand, demoCommand]) {
  const made = make();
  exitOverrideDeep(made);
  program.addCommand(made);
}
program.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong in one line, and gives the exit code for it. */
function report(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    console.error(`evenkeel: ${error.message}`);
    return 2;
  }
  if (error instanceof Failure || error instanceof RangeError || error instanceof TypeError) {
    console.error(`evenkeel: ${error.message}`);
    return 1;
  }
  console.error(`evenkeel: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
}

function exitOverrideDeep(made: Command): void {
  made.exitOverride();
  for (const child of made.commands) exitOverrideDeep(child);
}
