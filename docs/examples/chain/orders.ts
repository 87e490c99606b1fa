import { type Client, connect, method, type ServiceModule, service } from 'evenkeel';
import { z } from 'zod';
import { prices } from './prices.ts';

export const orders = service('orders', {
  total: method({ input: z.array(z.string()).max(100), output: z.number().int(), idempotent: true }),
});

let client: Client<typeof prices.methods> | undefined;

/**
 * A: server and client at once. Nothing is passed on by hand: calls made while a handler runs inherit its deadline and its
 * cancel, and only one link of the chain repeats a failed call.
 */
export default {
  service: orders,
  handlers: {
    async total(items) {
      client ??= connect(prices, { registry: process.env.PRICES_REGISTRY ?? 'zookeeper://127.0.0.1:2181/prices' });
      const costs = await Promise.all(items.map((item) => client!.price({ item })));
      return costs.reduce((sum, cost) => sum + cost, 0);
    },
  },
} satisfies ServiceModule<typeof orders.methods>;
