/**
 * `evenkeel/ops`: a log, metrics and probes for servers and clients in a process of one's own. Apart from `evenkeel` itself,
 * which does not load what this needs (pino, prom-client, fastify).
 */
export { Health, type HealthView, type Problem } from './health.ts';
export { type LogLevel, type LogOptions, makeLog } from './log.ts';
export { type MetricsOptions, makeMetrics, type ShownMetrics } from './metrics.ts';
export { type OpsOptions, type OpsServer, startOps } from './server.ts';
