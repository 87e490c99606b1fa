import type { Command } from 'commander';
import { connectRaw } from '../client/connect-raw.ts';
import { systemClock } from '../core/clock.ts';
import { address, parseAddress } from '../core/endpoint.ts';
import { startGateway } from '../gateway/gateway.ts';
import { startRpcEntry } from '../gateway/rpc.ts';
import { Health } from '../ops/health.ts';
import { makeLog } from '../ops/log.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { startOps } from '../ops/server.ts';
import { command, requireRegistry } from './command.ts';
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
      'drainDelay',
      'grace',
      'logLevel',
    ],
    { listen: '0.0.0.0:8080' },
  );
  made.addHelpText(
    'after',
    '\nExample:\n  evenkeel gateway --registry zookeeper://127.0.0.1:2181/demo --listen 127.0.0.1:8080' +
      '\n  curl -d 98 http://127.0.0.1:8080/call/pi',
  );
  return made.action(async () => {
    const values = made.values();
    const registry = requireRegistry(values.registry);
    const log = makeLog({ level: values.logLevel!, pod: process.env.POD_NAME, node: process.env.NODE_NAME });
    const metrics = makeMetrics();
    const health = new Health();
    const { service, registryCache, drainDelay = 4_000, grace = 30_000 } = values;
    const auth = registryAuth();
    const client = connectRaw(service, {
      registry,
      log,
      metrics,
      timeout: values.timeout!,
      attempts: values.attempts!,
      balancer: values.balancer!,
      ...(auth === undefined ? {} : { registryAuth: auth }),
      ...(registryCache === undefined ? {} : { registryCache }),
    });
    const shared = { client, log, ...(service === undefined ? {} : { service }) };
    const at = parseAddress(values.listen!);
    const gateway = await startGateway({ ...shared, listen: at, timeout: values.timeout!, metrics, health });
    log.info({ listen: address({ host: at.host, port: gateway.port }), registry }, 'the gateway serves');
    const rpc =
      values.rpc === undefined
        ? undefined
        : await startRpcEntry({
            client,
            log,
            listen: parseAddress(values.rpc),
            service: () => service ?? client.service ?? '',
            timeout: values.timeout!,
            clock: systemClock,
          });
    if (rpc !== undefined)
      log.info({ rpc: address({ ...parseAddress(values.rpc!), port: rpc.port }) }, 'the gateway takes RPC');
    const ops =
      values.ops === undefined
        ? undefined
        : await startOps({
            listen: parseAddress(values.ops),
            log,
            health,
            metrics: () => metrics.text(),
            nodes: () => client.nodes(),
          });

    const leave = async () => {
      const until = grace - reserve;
      rpc?.drain();
      await Promise.all([
        gateway.drain(drainDelay, until),
        systemClock
          .sleep(drainDelay)
          .then(() => rpc?.refuse())
          .then(() => rpc?.finish(Math.max(0, until - drainDelay))),
      ]);
      await client.close(0);
      await ops?.close();
      log.info({}, 'gone');
      process.exit(0);
    };
    onSignals(
      log,
      () => void leave(),
      () => process.exit(130),
    );
  });
}
