import { method, RpcError, type ServiceModule, service } from 'evenkeel';
import { z } from 'zod';

export const prices = service('prices', {
  price: method({ input: z.object({ item: z.string() }), output: z.number().int(), idempotent: true }),
});

const cents: Record<string, number> = { tea: 250, coffee: 300 };

/** B: it is called by orders (A), with what is left of the time of A's own caller. */
export default {
  service: prices,
  handlers: {
    async price({ item }, { signal }) {
      // Stands for work that takes for ever: it ends when nobody waits for it any more.
      if (item === 'unicorn')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      const price = cents[item];
      if (price === undefined) throw new RpcError('NOT_FOUND', `there is no ${item}`);
      return price;
    },
  },
} satisfies ServiceModule<typeof prices.methods>;
