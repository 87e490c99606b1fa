import { connect as connectTo } from '../../../src/index.ts';
import { makeMetrics } from '../../../src/ops/metrics.ts';
import { type Connect, host } from '../../contender.ts';
import { echo } from '../evenkeel-framed/service.ts';

/** The plain protocol for old and foreign peers, with the same layers above it. */
export const connect: Connect = async (port) => {
  const client = connectTo(echo, { registry: `static:${host}:${port};protocol=classic`, metrics: makeMetrics() });
  return { connections: 1, call: (input) => client.echo(input), close: () => client.close() };
};
