import { z } from 'zod';
import { method, service } from '../../src/core/contract.ts';

/** What the server for bad input serves. */
export const victim = service('test', {
  echo: method({ input: z.unknown(), output: z.unknown(), idempotent: true }),
  double: method({ input: z.number(), output: z.number(), idempotent: true }),
  /** A text of so many characters. */
  text: method({ input: z.number().int(), output: z.string(), idempotent: true }),
  /** Answers after so many ms. */
  wait: method({ input: z.number(), output: z.number() }),
  /** How many `wait` are at work now, and were at most. */
  waiting: method({ input: z.unknown(), output: z.object({ now: z.number(), most: z.number() }) }),
});
