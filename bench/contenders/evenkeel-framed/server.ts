import { serve } from '../../../src/index.ts';
import { makeMetrics } from '../../../src/ops/metrics.ts';
import { host, type Listen } from '../../contender.ts';
import { echo } from './service.ts';

/** All layers on, metrics as well: what `evenkeel serve` does. Speaks both protocols. */
export const listen: Listen = async () => {
  const server = await serve(echo, { echo: (input) => input }, { listen: `${host}:0`, metrics: makeMetrics() });
  return server.port;
};
