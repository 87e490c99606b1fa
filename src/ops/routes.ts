import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { HealthView, Problem } from './health.ts';
import { metricsContentType } from './metrics.ts';

/** What a process says of itself. */
export interface OpsFacts {
  health: HealthView;
  /** All metrics, in Prometheus' text format. */
  metrics: () => Promise<string>;
  /** What `/nodes` shows as JSON, or a promise of it. It holds no secret. */
  nodes: () => unknown;
  log: Log;
  clock: Clock;
}

/** How long workers may take to hand over their metrics, ms. Less than Prometheus' usual scrape timeout of 10 s. */
const metricsTimeout = 5_000;

export const opsPaths = ['/livez', '/readyz', '/metrics', '/nodes'];

/** Adds `/livez`, `/readyz`, `/metrics` and `/nodes` to an HTTP server. */
export function addOpsRoutes(app: FastifyInstance, facts: OpsFacts): void {
  const { health, log, clock } = facts;
  app.get('/livez', { exposeHeadRoute: true }, (_request, reply) => answer(reply, health.live()));
  app.get('/readyz', { exposeHeadRoute: true }, (_request, reply) => answer(reply, health.ready()));
  app.get('/nodes', async (_request, reply) => {
    const nodes = await facts.nodes();
    return fresh(reply).type('application/json').send(JSON.stringify(nodes));
  });
  app.get('/metrics', async (_request, reply) => {
    fresh(reply);
    try {
      return await reply.type(metricsContentType).send(await within(metricsTimeout, facts.metrics(), clock));
    } catch (err) {
      log.warn({ err }, 'the metrics could not be gathered');
      return reply.code(503).type('text/plain').send('the metrics could not be gathered\n');
    }
  });
}

function answer(reply: FastifyReply, problems: readonly Problem[]): FastifyReply {
  fresh(reply);
  if (problems.length === 0) return reply.type('text/plain').send('ok\n');
  return reply.code(503).type('application/json').send(JSON.stringify({ problems }));
}

function fresh(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}

function within<T>(ms: number, work: Promise<T>, clock: Clock): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.timer(ms, () => reject(new Error(`no answer within ${ms} ms`)));
  return Promise.race([work, promise]).finally(() => timer.cancel());
}
