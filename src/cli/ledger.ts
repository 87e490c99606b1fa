import { hostname } from 'node:os';
import type { Command } from 'commander';
import { address, parseAddress } from '../core/endpoint.ts';
import { ledgerPort } from '../load/ledger-protocol.ts';
import { type LedgerServer, startLedgerServer } from '../load/ledger-server.ts';
import { makeLog } from '../ops/log.ts';
import { command, UsageError } from './command.ts';
import { podFacts } from './pod.ts';
import { onSignals } from './signals.ts';

export function ledgerCommand(): Command {
  const made = command(
    'ledger',
    'Serves what "evenkeel serve recorded-pi" writes down, beside it: a load test proves by it that no call was lost or ran twice.',
    ['ledger', 'listen', 'logLevel'],
    { listen: `0.0.0.0:${ledgerPort}` },
  );
  made
    .summary('Serves what servers write down for a load test')
    .addHelpText(
      'after',
      '\nExample:\n  evenkeel ledger --ledger /tmp/calls --listen 127.0.0.1:9092' +
        '\n\nEnd it after the server: it then waits up to 5 s for whoever has not read the end yet.',
    );
  return made.action(async () => {
    const { ledger: directory, listen, logLevel } = made.values();
    if (directory === undefined)
      throw new UsageError('say where the calls are written: --ledger DIR, or EVENKEEL_LEDGER');
    const log = makeLog({ level: logLevel!, ...podFacts() });
    const at = parseAddress(listen!);
    let server: LedgerServer | undefined;
    // From the start on: a signal may come while the port is being opened.
    onSignals(
      log,
      () =>
        void (server?.finish() ?? Promise.resolve(false)).then((read) => {
          log.info({ read }, 'gone');
          process.exit(0);
        }),
      () => process.exit(130),
    );
    server = await startLedgerServer({ directory, listen: at, server: podFacts().pod ?? hostname(), log });
    log.info({ listen: address({ host: at.host, port: server.port }), ledger: directory }, 'the ledger is served');
  });
}
