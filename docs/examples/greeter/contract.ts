import { method, service } from 'evenkeel';
import { z } from 'zod';

/** What client and server share: names, types, and what may safely be done twice. */
export const greeter = service('greeter', {
  greet: method({
    input: z.object({ name: z.string().min(1).max(100), language: z.enum(['en', 'fr']).default('en') }),
    output: z.string(),
    idempotent: true,
  }),
  /** Not idempotent: a visit counted twice is wrong, so evenkeel never repeats it unless the call brings a key. */
  visit: method({ input: z.object({ name: z.string() }), output: z.number() }),
});
