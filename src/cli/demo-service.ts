import { z } from 'zod';
import { systemClock } from '../core/clock.ts';
import { type HandlerContext, method, type ServiceModule, service } from '../core/contract.ts';
import { Ledger, recorded } from '../load/ledger.ts';
import { pi } from '../pi/contract.ts';
import { handlers } from '../pi/pi.ts';

/**
 * What the servers of `evenkeel demo` and of the load test serve: pi, with three things that a proof needs. Each call is
 * written to a ledger (EVENKEEL_LEDGER names its folder, EVENKEEL_LEDGER_NAME or POD_NAME the server); there is a method that must not
 * run twice; and each call takes a while, as if it asked a database, so that there are calls in flight for a fault to hit.
 */
const demo = service('pi', {
  ...pi.methods,
  /** Adds a line to the ledger: doing it twice is not doing it once. Gives the text back. */
  append: method({ input: z.string().max(200), output: z.string() }),
});

const pause = 40;

async function pausing(context: HandlerContext): Promise<void> {
  await systemClock.sleep(pause, context.signal);
}

const module: ServiceModule<typeof demo.methods> = {
  service: demo,
  handlers: {
    ...handlers,
    async pi(n, context) {
      await pausing(context);
      return handlers.pi(n, context);
    },
    async append(text, context) {
      await pausing(context);
      return text;
    },
  },
};

const { EVENKEEL_LEDGER: directory, POD_NAME, EVENKEEL_LEDGER_NAME: server = POD_NAME } = process.env;

export default directory === undefined
  ? module
  : recorded(module, new Ledger({ directory, ...(server !== undefined && { server }) }));
