import { connect as connectTo } from '../../../src/index.ts';
import { makeMetrics } from '../../../src/ops/metrics.ts';
import { type Connect, host } from '../../contender.ts';
import { echo } from './service.ts';

/** All layers on: deadline, retry, hedging, weights, heartbeat, metrics. */
export const connect: Connect = async (port) => {
  const client = connectTo(echo, { registry: `static:${host}:${port}`, metrics: makeMetrics() });
  return { connections: 1, call: (input) => client.echo(input), close: () => client.close() };
};
