import type { Command } from 'commander';
import { connectRaw, type RawClient } from '../client/connect-raw.ts';
import { systemClock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { makeLog } from '../ops/log.ts';
import { command, UsageError } from './command.ts';
import { endWithReader } from './output.ts';
import { requireRegistry } from './registry.ts';
import { registryAuth } from './secrets.ts';

const names = [
  'registry',
  'service',
  'timeout',
  'attempts',
  'balancer',
  'idempotencyKey',
  'repeat',
  'interval',
  'showNode',
  'logLevel',
] as const;

export function callCommand(): Command {
  const made = command('call', 'Makes a call. Its result is one line of JSON on stdout.', names, { logLevel: 'error' });
  made
    .summary('Makes a call')
    .argument('METHOD', 'the method to call')
    .argument('[JSON]', 'its input')
    .addHelpText(
      'after',
      '\nErrors are CODE: message on stderr, with exit code 1.\n\nExamples:' +
        '\n  evenkeel call pi 98 --registry zookeeper://127.0.0.1:2181/demo' +
        `\n  evenkeel call divide '{"a": 1, "b": 4}' --registry static:127.0.0.1:8081` +
        '\n  evenkeel call pi 93 --repeat 0 --interval 1s --show-node --registry static:127.0.0.1:8081',
    )
    .action(async (method: string, json: string | undefined) => {
      const values = made.values();
      endWithReader();
      const input = parseInput(json);
      const auth = registryAuth();
      const client = connectRaw(values.service, {
        registry: requireRegistry(values.registry, auth),
        // stdout is the result's alone.
        log: makeLog({ level: values.logLevel!, destination: 'stderr' }),
        timeout: values.timeout!,
        attempts: values.attempts!,
        balancer: values.balancer!,
        ...(auth === undefined ? {} : { registryAuth: auth }),
      });
      try {
        await repeat(client, method, input, values);
      } finally {
        await client.close(0);
      }
    });
  return made;
}

type Values = {
  repeat: number | undefined;
  interval: number | undefined;
  showNode: boolean | undefined;
  idempotencyKey: string | undefined;
};

async function repeat(client: RawClient, method: string, input: unknown, values: Values): Promise<void> {
  const { repeat: times = 1, interval = 1_000, showNode = false, idempotencyKey } = values;
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  for (let i = 0; (times === 0 || i < times) && !stopped.signal.aborted; i++) {
    if (i > 0) await systemClock.sleep(interval, stopped.signal).catch(() => {});
    if (stopped.signal.aborted) return;
    try {
      const facts = {
        method,
        input,
        signal: stopped.signal,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      };
      const { output, node, attempts } = await client.call(facts);
      if (showNode) console.error(`node ${node}, attempts ${attempts}`);
      console.log(JSON.stringify(output) ?? 'null');
    } catch (error) {
      if (stopped.signal.aborted) return;
      const { code, reason, message, mayHaveExecuted } = RpcError.from(error);
      const notes = [...(reason === undefined ? [] : [reason]), ...(mayHaveExecuted ? ['it may have run'] : [])];
      console.error(`${code}: ${message}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`);
      process.exitCode = 1;
    }
  }
}

function parseInput(json: string | undefined): unknown {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`the input ${json} is not valid JSON: ${(error as Error).message}`);
  }
}
