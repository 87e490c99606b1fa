import { connect as connectTo } from '../../../../src/index.ts';
import type { Connect } from '../../contender.ts';
import { failover } from './service.ts';

/** As it comes: the registry and the deadline are all that is said. */
export const connect: Connect = async ({ registry }, deadline) => {
  const client = connectTo(failover, { registry: registry!, timeout: deadline });
  return { call: (n) => client.pi(n), close: () => client.close(0) };
};
