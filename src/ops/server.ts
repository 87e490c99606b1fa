import { fastify } from 'fastify';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';
import { Health, type HealthView } from './health.ts';
import { listen } from './listen.ts';
import { addOpsRoutes, opsPaths } from './routes.ts';

export interface OpsOptions {
  /** Where to listen. Port 0 takes a free one. */
  listen: { host: string; port: number };
  /** All metrics, in Prometheus' text format: `() => metrics.text()` of `makeMetrics()`. */
  metrics: () => Promise<string>;
  /** What `/livez` and `/readyz` say. Default: that all is well. */
  health?: HealthView;
  /** What `/nodes` shows as JSON, or a promise of it, such as `() => client.nodes()`. It holds no secret. Default: `{}`. */
  nodes?: () => unknown;
  /** Told of requests that failed. Default: nobody is. */
  log?: Log;
  /** Default: the system's. */
  clock?: Clock;
}

export interface OpsServer {
  readonly port: number;
  /** Closes the port and every connection to it. */
  close(): Promise<void>;
}

/**
 * Starts the port that probes, Prometheus and people read: `/livez`, `/readyz`, `/metrics`, `/nodes`. It is apart from the port
 * that does the work, so that it answers when that one is full.
 *
 * @throws Error that says why the port cannot be opened
 */
export async function startOps(options: OpsOptions): Promise<OpsServer> {
  const app = fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    requestTimeout: 10_000,
    bodyLimit: 1_024,
    http: { headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
  });
  const { metrics, health = new Health(), nodes = () => ({}), log = silentLog, clock = systemClock } = options;
  addOpsRoutes(app, { metrics, health, nodes, log, clock });
  app.setNotFoundHandler((_request, reply) => {
    reply
      .code(404)
      .type('text/plain')
      .send(`not found: there are GET ${opsPaths.join(', ')}\n`);
  });
  app.setErrorHandler((err, _request, reply) => {
    log.warn({ err }, 'an ops request failed');
    reply.code(500).type('text/plain').send('the request failed\n');
  });
  const port = await listen(app, options.listen, 'the ops port', '--ops HOST:PORT, or none by --ops off');
  return { port, close: () => app.close() };
}
