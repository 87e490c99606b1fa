import { z } from 'zod';
import { method, service } from '../core/contract.ts';

/** The demonstration service: an echo, a number that costs as much work as one likes, and a division that may fail. */
export const pi = service('pi', {
  /** Gives back what it gets. */
  ping: method({ input: z.unknown(), output: z.unknown(), idempotent: true, inline: true }),
  /** Approximates pi: sqrt(8 * sum of 1/(2i+1)^2 for i = 0..n). The work grows with n; 10^8 takes about a tenth of a second. */
  pi: method({ input: z.number().int().min(0).max(1e8), output: z.number(), idempotent: true }),
  /** a / b. Dividing by 0 is the caller's mistake: INVALID_ARGUMENT. */
  divide: method({
    input: z.object({ a: z.number(), b: z.number().default(1) }),
    output: z.number(),
    positional: ['a', 'b'],
  }),
});
