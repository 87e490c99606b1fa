import type { Command } from 'commander';
import { connectRaw, type RawClient } from '../client/connect-raw.ts';
import { systemClock } from '../core/clock.ts';
import { address, parseAddress } from '../core/endpoint.ts';
import type { Log } from '../core/log.ts';
import { startGateway } from '../gateway/gateway.ts';
import { startRpcEntry } from '../gateway/rpc.ts';
import { Health } from '../ops/health.ts';
import { makeLog } from '../ops/log.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { startOps } from '../ops/server.ts';
import { webhook, webhookUrl } from '../ops/webhook.ts';
import type { Listener } from '../transport/listen.ts';
import { asUsage, command, UsageError } from './command.ts';
import { timeText } from './option-values.ts';
import { podFacts } from './pod.ts';
import { requireRegistry } from './registry.ts';
import { registryAuth } from './secrets.ts';
import { onSignals } from './signals.ts';

/** What is left of the grace period for the last steps, ms. */
const reserve = 2_000;

export function gatewayCommand(): Command {
  const made = command(
    'gateway',
    'Takes HTTP requests and makes calls of them.',
    [
      'registry',
      'service',
      'listen',
      'rpc',
      'ops',
      'timeout',
      'attempts',
      'balancer',
      'registryCache',
      'webhook',
      'drainDelay',
      'grace',
      'logLevel',
    ],
    { listen: '0.0.0.0:8080' },
  );
  made
    .summary('Takes HTTP and makes calls of it')
    .addHelpText(
      'after',
      '\nExample:\n  evenkeel gateway --registry zookeeper://127.0.0.1:2181/demo --listen 127.0.0.1:8080' +
        '\n  curl -d 98 http://127.0.0.1:8080/call/pi',
    );
  return made.action(async () => {
    const values = made.values();
    const { service, registryCache, drainDelay = 4_000, grace = 30_000 } = values;
    if (grace < drainDelay + reserve) {
      throw new UsageError(
        `--grace is ${timeText(grace)}: expected at least ${timeText(drainDelay + reserve)}, ${timeText(reserve)} more than --drain-delay`,
      );
    }
    const auth = registryAuth();
    const registry = requireRegistry(values.registry, auth);
    const told = values.webhook;
    if (told !== undefined) asUsage(() => webhookUrl(told));
    const log = makeLog({ level: values.logLevel!, ...podFacts() });
    const metrics = makeMetrics();
    const health = new Health();
    const client = connectRaw(service, {
      registry,
      log,
      metrics,
      timeout: values.timeout!,
      attempts: values.attempts!,
      balancer: values.balancer!,
      // Gateways are few: with a part of the servers each, some servers would be in no gateway's.
      subset: Number.POSITIVE_INFINITY,
      ...(auth === undefined ? {} : { registryAuth: auth }),
      ...(registryCache === undefined ? {} : { registryCache }),
    });
    /** What is open, in the order in which it was opened. */
    const open: { close(): Promise<unknown> }[] = [{ close: () => client.close(0) }];
    if (told !== undefined) {
      const { pod } = podFacts();
      const hook = webhook(client, told, { log, metrics, ...(pod === undefined ? {} : { source: pod }) });
      open.push(hook);
    }
    const closing = new AbortController();
    const closeAll = async () => {
      closing.abort();
      for (const one of open.reverse()) await one.close();
    };
    let leave = closeAll;
    // From the start on: a signal may come while a port is being opened.
    onSignals(
      log,
      () => void leave().then(() => process.exit(0)),
      () => process.exit(130),
    );
    try {
      const shared = { client, log, ...(service === undefined ? {} : { service }) };
      const at = parseAddress(values.listen!);
      const gateway = await startGateway({ ...shared, listen: at, metrics, health });
      open.push(gateway);
      log.info({ listen: address({ host: at.host, port: gateway.port }), registry }, 'the gateway serves');
      const rpc = values.rpc === undefined ? undefined : await startRpc(values.rpc, shared);
      if (rpc !== undefined) open.push({ close: async () => rpc.destroy() });
      if (values.ops !== undefined) {
        const opsAt = parseAddress(values.ops);
        const nodes = () => client.nodes();
        const ops = await startOps({ listen: opsAt, log, health, metrics: () => metrics.text(), nodes });
        open.push(ops);
        log.info({ ops: address({ host: opsAt.host, port: ops.port }) }, 'probes and metrics are served');
      }
      void sayWhyUnreached(client, log, closing.signal);
      leave = async () => {
        const until = grace - reserve;
        await Promise.all([gateway.drain(drainDelay, until), rpc && leaveRpc(rpc, drainDelay, until)]);
        await closeAll();
        log.info({}, 'gone');
      };
    } catch (error) {
      await closeAll();
      throw error;
    }
  });
}

/** How long a gateway may have reached no server until it says why, ms. */
const soon = 3_000;

/** A server that is another than wanted, or refuses, is silent otherwise: each request alone would hear of it. */
async function sayWhyUnreached(client: RawClient, log: Log, closing: AbortSignal): Promise<void> {
  await systemClock.sleep(soon, closing).catch(() => {});
  if (closing.aborted || client.ready) return;
  const { nodes, registry } = client.nodes();
  const servers = nodes.map(({ addr, lastCause }) => `${addr}: ${lastCause ?? 'no word yet'}`);
  log.warn({ registry: registry.state, servers }, 'no server was reached yet');
}

type Shared = { client: RawClient; log: Log; service?: string };

async function startRpc(listen: string, { client, log, service }: Shared): Promise<Listener> {
  const at = parseAddress(listen);
  const rpc = await startRpcEntry({
    client,
    log,
    listen: at,
    service: () => service ?? client.service ?? '',
    clock: systemClock,
  });
  log.info({ rpc: address({ host: at.host, port: rpc.port }) }, 'the gateway takes RPC');
  return rpc;
}

async function leaveRpc(rpc: Listener, drainDelay: number, until: number): Promise<void> {
  rpc.drain();
  await systemClock.sleep(drainDelay);
  await rpc.refuse();
  await rpc.finish(Math.max(0, until - drainDelay));
}
