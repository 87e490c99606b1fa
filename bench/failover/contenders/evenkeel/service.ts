/** What `evenkeel serve` serves: pi(n) and the process that worked it out. */
import { z } from 'zod';
import { method, type ServiceModule, service } from '../../../../src/index.ts';
import { approximatePi } from '../../../../src/pi/pi.ts';

export const failover = service('failover', {
  pi: method({
    input: z.number().int().min(0),
    output: z.object({ value: z.number(), pid: z.number() }),
    idempotent: true,
  }),
});

const module: ServiceModule<typeof failover.methods> = {
  service: failover,
  handlers: { pi: (n) => ({ value: approximatePi(n), pid: process.pid }) },
};

export default module;
